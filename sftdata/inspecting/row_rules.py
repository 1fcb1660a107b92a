"""The rules that each row of a dataset must keep: mask, target start, BOS, EOS, control tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sftdata.base.conversation import ASSISTANT, SYSTEM, USER
from sftdata.errors import TemplateError
from sftdata.loading.dataset import Example
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Mixture
from sftdata.tokenizing.chat.skeleton import ControlToken, recorded_format
from sftdata.tokenizing.recorded import find_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.manifest import Manifest


@dataclass(frozen=True)
class RowRules:
    """The rules that every row of a dataset must keep."""

    first_id: int | None  # every row starts with it
    last_ids: frozenset[int] | None  # every row ends with one of them; None if any may end it
    last_name: str
    vocab_size: int
    control: frozenset[int] | None  # None without the recorded tokenizer
    skeletons: frozenset[tuple[int, ...]] | None  # the sequences of control tokens a row may have
    one_target: bool  # whether every token from the target's start on is in the loss

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> RowRules:
        """The rules that follow from the recorded spec and tokenizer."""
        recorded, chat = manifest["tokenizer"], manifest["chat"]
        tokenizer = find_recorded_tokenizer(recorded)
        spec = spec_from_json(manifest["spec"]) if manifest["spec"] is not None else None
        specs = [s.spec for s in spec.sources] if isinstance(spec, Mixture) else [spec]
        turns = any(one is not None and one.is_messages for one in specs)
        skeletons: frozenset[tuple[int, ...]] | None = None
        if tokenizer is not None and not turns:
            skeletons = frozenset(
                _skeleton(tokenizer, recorded, chat, system, shots)
                for one in specs
                for shots in range(max(one.shots) + 1 if one is not None else 1)
                for system in (True, False)
            )
        return cls(
            first_id=recorded["bos_id"] if chat is None else None,
            last_ids=_last_ids(recorded, chat, tokenizer if turns else None, turns=turns),
            last_name="EOS" if chat is None else "the end of the turn",
            vocab_size=recorded["vocab_size"],
            control=tokenizer.control_ids if tokenizer else None,
            skeletons=skeletons,
            one_target=not turns,
        )

    def find_faults(self, row: Example) -> Iterator[str]:
        """The rules that a row breaks, a line each."""
        ids, mask, start = row.input_ids, row.label_mask, row.target_start
        if not 0 < start < len(ids) - 1:
            yield f"the target starts at {start} of {len(ids)} tokens"
        if len(mask) != len(ids):
            yield f"the label mask has {len(mask)} of {len(ids)} tokens"
        elif mask[:start].any() or not (mask[start:].all() if self.one_target else mask[start]):
            yield "the label mask is not true exactly from target_start on"
        elif not mask[-1]:
            yield "the last token is not in the loss"
        if self.last_ids is not None and ids[-1] not in self.last_ids:
            ends = " or ".join(map(str, sorted(self.last_ids)[:4]))
            yield f"the last token is {ids[-1]}, not {self.last_name} ({ends})"
        if self.first_id is not None and ids[0] != self.first_id:
            yield f"the first token is {ids[0]}, not BOS ({self.first_id})"
        if not ((ids >= 0) & (ids < self.vocab_size)).all():
            yield "an id is outside the vocabulary"
        elif self.skeletons is not None and self.control is not None:
            found = tuple(i for i in ids.tolist() if i in self.control)
            if found not in self.skeletons:
                yield "a control token stands inside the text"


def _last_ids(
    recorded: Mapping[str, Any],
    chat: Mapping[str, Any] | None,
    tokenizer: Tokenizer | None,
    *,
    turns: bool,
) -> frozenset[int] | None:
    if chat is None:
        return frozenset([recorded["eos_id"]])
    if not turns:
        return frozenset([chat["end_id"]])
    # A template may close a turn with the token that opens the next one.
    known = {chat["end_id"], *chat.get("stop_ids", ())}
    return None if tokenizer is None else tokenizer.control_ids | known


def _skeleton(
    tokenizer: Tokenizer,
    recorded: Mapping[str, Any],
    chat: Mapping[str, Any] | None,
    system: bool,
    shots: int,
) -> tuple[int, ...]:
    """The control tokens of an example with or without a system turn, in order."""
    if chat is None:
        ends = (recorded["bos_id"], recorded["eos_id"])
        return tuple(i for i in ends if i in tokenizer.control_ids)
    roles = ((SYSTEM,) if system else ()) + (USER, ASSISTANT) * (shots + 1)
    try:
        layout = recorded_format(tokenizer, chat).layout(roles)
    except TemplateError:  # the chat template refuses a system turn
        return ()
    return tuple(piece.token_id for piece in layout if isinstance(piece, ControlToken))
