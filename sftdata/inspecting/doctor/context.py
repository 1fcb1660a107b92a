"""Facts about a dataset that every check may need: tokenizer, end tokens, chat, length limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sftdata.errors import SftdataError
from sftdata.loading.dataset import Dataset
from sftdata.tokenizing.decoder import Decoder
from sftdata.tokenizing.recorded import load_recorded_tokenizer
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.versioning.releases import load_template
from sftdata.writing.manifest import Manifest


@dataclass(frozen=True)
class DatasetContext:
    """The facts, the same for all rows."""

    tokenizer: Tokenizer
    decoder: Decoder  # leaves control tokens out
    end_ids: tuple[int, ...]  # an example ends with one of these
    is_chat: bool
    max_length: int | None
    template_texts: tuple[str, ...] = ()  # of the chat template and the templates of the rows

    @cached_property
    def is_control(self) -> npt.NDArray[np.bool_]:
        """bool[vocab_size + 1]: which ids are control tokens; the last entry is for unknown ids."""
        control = np.zeros(self.tokenizer.vocab_size + 1, np.bool_)
        control[[*self.tokenizer.control_ids, *self.end_ids]] = True
        return control


def read_context(data: Dataset) -> DatasetContext:
    """The context of a dataset. Raises `TokenizerError` when its tokenizer is gone or another."""
    manifest = data.manifest
    tokenizer = load_recorded_tokenizer(manifest["tokenizer"])
    chat = manifest.content.get("chat")
    ends = {manifest["tokenizer"]["eos_id"]}
    if chat:
        ends |= {chat["end_id"], *chat.get("stop_ids", ())}
    return DatasetContext(
        tokenizer=tokenizer,
        decoder=Decoder(tokenizer, show_control=False),
        end_ids=tuple(sorted(ends)),
        is_chat=bool(chat),
        max_length=manifest["options"].get("max_length"),
        template_texts=tuple(_template_texts(manifest, tokenizer if chat else None)),
    )


def _template_texts(manifest: Manifest, chat: Tokenizer | None) -> Iterator[str]:
    """The sources of the templates that are still there."""
    if chat is not None and chat.chat_template is not None:
        yield chat.chat_template
    for label, digest in manifest["template"].items():
        try:
            yield load_template(f"{label.partition('@')[0]}@sha256:{digest}").source
        except SftdataError:
            continue  # its text is gone, or the rows are conversations
