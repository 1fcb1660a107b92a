"""Keys of a spec that have no effect beside its other keys. Each is an error for the user."""

from __future__ import annotations

from collections.abc import Iterator

from sftdata.spec.model import Spec


def find_idle_keys(spec: Spec) -> dict[str, str]:
    """The keys that other keys leave without effect, and why."""
    return dict(_find(spec))


def _find(spec: Spec) -> Iterator[tuple[str, str]]:
    if spec.keep != "start" and spec.is_messages:
        yield "keep", "a template says which field may be cut, and 'messages' take no template"
    elif spec.keep != "start" and spec.max_length is None:
        yield "keep", "nothing is cut without max_length (--max-length)"
    if spec.loss != "all" and not spec.is_messages:
        yield "loss", "it chooses among the turns of 'messages', and the rows have none"
    if not spec.chat:
        if spec.chat_options:
            yield "chat_options", "they are given to the chat template; set chat = true (--chat)"
        for name in ("chat_template", "date"):
            if getattr(spec, name) is not None:
                yield name, "it is for chats; set chat = true (--chat)"
    if not spec.teach_reasoning and not spec.is_messages:
        yield "teach_reasoning", "only 'messages' have reasoning"
    if spec.long_conversations != "drop_turns" and not spec.is_messages:
        yield "long_conversations", "the rows are not 'messages'"
    elif spec.long_conversations != "drop_turns" and spec.max_length is None:
        yield "long_conversations", "nothing is too long without max_length (--max-length)"
    if len(spec.templates) == 1 and spec.templates[0].weight != 1:
        yield "templates", "a weight counts beside those of other templates, and there is only one"
    overlap = Spec.model_fields["against_overlap"].default
    if spec.against_overlap != overlap and not spec.against:
        yield "against_overlap", "there are no evaluation files (against)"
    if spec.id_prefix is not None and "id" not in spec.fields:
        yield "id_prefix", "the rows have no ids of their own; map one (--map id=COLUMN)"
    if spec.near_duplicates is not None and spec.duplicates == "keep":
        yield "duplicates", "near_duplicates drops rows with the same content, too"
