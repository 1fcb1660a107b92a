"""Keys of a spec that are right one by one and contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sftdata.errors import SpecError, did_you_mean
from sftdata.spec.check_rules import CHECKS
from sftdata.spec.data_items import parse_data_item
from sftdata.spec.fields import BESIDE_MESSAGES, ID, MESSAGES
from sftdata.spec.model import Spec
from sftdata.spec.validate import Locate, validate

MAX_SHOTS = 64
_OF_CONVERSATIONS = (
    "unroll", "ignore_turn_keys", "drop_trailing_user", "drop_leading_assistant",
    "merge_same_role",
)  # fmt: skip


def validate_spec(values: Any, source: str, locate: Locate = lambda keys: None) -> Spec:
    """`validate` for a spec, with the faults of its keys beside each other."""
    spec = validate(Spec, values, source, locate)
    refuse_contradictions(spec, source)
    return spec


def refuse_contradictions(spec: Spec, source: str) -> None:
    """Raises `SpecError` with a line for each fault of the spec as a whole."""
    if faults := [f"  {fault}" for fault in _find_contradictions(spec)]:
        raise SpecError("\n".join((f"Faults in {source}:", *faults)))


def _find_contradictions(spec: Spec) -> Iterator[str]:
    yield from _of_conversations(spec) if spec.is_messages else _of_golden_rows(spec)
    yield from _of_splits(spec)
    yield from _of_fields(spec)
    yield from _of_templates(spec)
    yield from _of_checks(spec)


def _of_conversations(spec: Spec) -> Iterator[str]:
    if others := spec.fields.keys() - {ID, MESSAGES, *BESIDE_MESSAGES}:
        known = ", ".join((MESSAGES, ID, *BESIDE_MESSAGES))
        names = ", ".join(f"'{name}'" for name in sorted(others))
        yield f"conversations have no field {names}; they have: {known}"
    if not spec.chat:
        yield "conversations need the chat template: set chat = true (--chat)"
    if spec.templates:
        yield "conversations take no template: leave out template (--template)"
    if any(spec.shots):
        yield "conversations take no shots: leave out shots (--shots)"


def _of_golden_rows(spec: Spec) -> Iterator[str]:
    if not spec.templates:
        yield f"give a template: template = '{spec.task}/NAME' (--template)"
    for name in _OF_CONVERSATIONS:
        if getattr(spec, name):
            yield f"{name} is for conversations; map the field 'messages'"


def _of_splits(spec: Spec) -> Iterator[str]:
    joins = spec.given_splits == "join"
    if any(parse_data_item(item)[0] for item in spec.data):
        if spec.split_column:
            yield "give split_column or the splits of data, not both: they may differ"
        if joins:
            yield "data gives splits, and given_splits = 'join' would ignore them"
    if spec.split_column and joins:
        yield "split_column gives splits, and given_splits = 'join' would ignore them"


def _of_fields(spec: Spec) -> Iterator[str]:
    for name in sorted({name for pair in spec.swap for name in pair} - spec.fields.keys()):
        known = did_you_mean(name, spec.fields)
        yield f"swap names '{name}', which is not one of the fields. {known}"
    for first, second in spec.swap:
        if first == second:
            yield f"swap exchanges '{first}' with itself"
    of_rows = {ID, MESSAGES, *BESIDE_MESSAGES} if spec.is_messages else {ID}
    for name in sorted(of_rows & spec.fields.keys()):
        allowed = {"path"} | ({"first"} if name != ID else set())
        allowed |= {"optional"} if name != MESSAGES else set()
        rule = spec.fields[name].to_json()
        if not isinstance(rule, str) and rule.keys() - allowed:
            yield f"fields.{name} takes only {', '.join(sorted(allowed))}"
    for key, field in (("source_field", spec.source_field), ("target_field", spec.target_field)):
        if field is not None and field not in spec.fields:
            known = did_you_mean(field, spec.fields)
            yield f"{key} = '{field}' is not one of the fields. {known}"
    if spec.source_field is not None and spec.source_field == spec.target_field:
        yield f"source_field and target_field are both '{spec.source_field}'"


def _of_templates(spec: Spec) -> Iterator[str]:
    ids = [choice.id.partition("@")[0] for choice in spec.templates]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"the template '{name}' is listed more than once"
    if any(not 0 <= count <= MAX_SHOTS for count in spec.shots) or not spec.shots:
        yield f"shots must be numbers from 0 to {MAX_SHOTS}"


def _of_checks(spec: Spec) -> Iterator[str]:
    of_turns = [name for name in spec.checks if CHECKS[name].of_conversations]
    of_fields = [name for name in spec.checks if not CHECKS[name].of_conversations]
    if of_turns and not spec.is_messages:
        yield f"checks of conversations need the field 'messages': {', '.join(of_turns)}"
    if of_fields and spec.is_messages:
        yield f"checks of fields are not for conversations: {', '.join(of_fields)}"
    elif of_fields and None in (spec.source_field, spec.target_field):
        yield "checks need source_field and target_field, each one of the fields"
    if spec.against and spec.source_field is None and not spec.is_messages:
        yield "against needs source_field, one of the fields: its text is compared"
    for check, action in spec.checks.items():
        yield from action.find_faults(check)
        for field in sorted(CHECKS[check].fields - spec.fields.keys()):
            yield f"the check '{check}' needs the field '{field}'"
