"""Rebuild: the dataset of a manifest once more, from the recorded inputs and no others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sftdata.base.sealed_json import FILES
from sftdata.base.sealed_json import KEY as OWN_DIGEST
from sftdata.building.build import build_spec
from sftdata.building.recorded_spec import recorded_spec
from sftdata.building.workforce import Workforce
from sftdata.errors import SftdataError, TokenizerError, VerificationError
from sftdata.reading.sources.resolve import resolve_sources
from sftdata.tokenizing.recorded import check_chat_template, load_recorded_tokenizer
from sftdata.writing.manifest import MANIFEST, Manifest, read_manifest

# Manifest keys that may differ between two builds of the same bytes.
_NOT_COMPARED = {"sftdata", "spec", "unread", FILES, OWN_DIGEST}


@dataclass(frozen=True)
class Rebuilt:
    """A dataset built again, and the first thing in which it differs, or None."""

    manifest: Manifest
    difference: str | None


def rebuild(
    path: Path, out: Path, *, workers: int = 1, report: Callable[[str], None] = lambda line: None
) -> Rebuilt:
    """Builds the dataset of the manifest at `path` (a file or its folder) again, into `out`.

    Raises `VerificationError` when a source, the tokenizer or a template is not there as it was.
    """
    recorded = read_manifest(path if path.is_dir() else path.parent)
    if path.is_file() and path.name != MANIFEST:
        raise SftdataError(
            f"{path} is not a {MANIFEST}.", f"Give the {MANIFEST} of a dataset.", code="E701"
        )
    if out.resolve() == recorded.directory.resolve():
        raise SftdataError(
            f"{out} holds the dataset itself.", "Give another folder with --out.", code="E105"
        )
    _check_sources(recorded)
    _check_tokenizer(recorded)
    spec = recorded_spec(recorded)
    outcome = build_spec(spec, out=out, workforce=Workforce(workers), report=report)
    before, made = outcome.replaced, outcome.manifest
    if before is not None and before["sources"] == made["sources"]:
        report(str(outcome.replaced_note))  # else the build has said it
    return Rebuilt(
        outcome.manifest,
        _first_difference(_compared(recorded.content), _compared(outcome.manifest.content)),
    )


def _check_sources(recorded: Manifest) -> None:
    for entry in recorded["sources"]:
        name = entry["path"]
        if name == "<stdin>":
            raise VerificationError(
                "The rows came from standard input, which is not kept.",
                "Put them in a file and build from that.",
            )
        digests = [source.sha256 for source in resolve_sources([name])]
        if entry["sha256"] not in digests:
            found = f"sha256 {digests[0][:12]}…" if digests else "nothing"
            raise VerificationError(
                f"The source {name} is not what the dataset was built from: {found}, recorded "
                f"{entry['sha256'][:12]}….",
                "Put the recorded rows back, or build a new dataset.",
            )


def _check_tokenizer(recorded: Manifest) -> None:
    try:
        tokenizer = load_recorded_tokenizer(recorded["tokenizer"])
        check_chat_template(recorded.content.get("chat"), tokenizer)
    except TokenizerError as error:
        raise VerificationError(str(error)) from error


def _compared(content: Mapping[str, Any]) -> dict[str, Any]:
    compared = {key: value for key, value in content.items() if key not in _NOT_COMPARED}
    if compared.get("chat") is not None:  # older versions recorded no digest; it was checked before
        chat = compared["chat"]
        compared["chat"] = {key: chat[key] for key in chat if key != "template_sha256"}
    return compared


def _first_difference(recorded: Any, rebuilt: Any) -> str | None:
    """Where two manifests first differ, with both values, or None."""
    return next(_differences("", recorded, rebuilt), None)


def _differences(where: str, recorded: Any, rebuilt: Any) -> Iterator[str]:
    if isinstance(recorded, Mapping) and isinstance(rebuilt, Mapping):
        for key in [*recorded, *(k for k in rebuilt if k not in recorded)]:
            place = f"{where}.{key}" if where else str(key)
            if key not in recorded or key not in rebuilt:
                yield f"{place}: only in the {'rebuilt' if key in rebuilt else 'recorded'} manifest"
            else:
                yield from _differences(place, recorded[key], rebuilt[key])
    elif isinstance(recorded, list) and isinstance(rebuilt, list):
        for index, pair in enumerate(zip(recorded, rebuilt, strict=False)):
            yield from _differences(f"{where}[{index}]", *pair)
        if len(recorded) != len(rebuilt):
            yield f"{where}: {len(recorded)} recorded, {len(rebuilt)} rebuilt"
    elif recorded != rebuilt:
        yield f"{where}: {recorded!r} recorded, {rebuilt!r} rebuilt"
