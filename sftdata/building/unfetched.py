"""The name of the build of a spec, without fetching files at addresses that have not changed."""

from __future__ import annotations

from collections.abc import Callable

from sftdata.building.mixture.identity import mixture_name
from sftdata.building.plan import make_plan
from sftdata.spec.model import Mixture, Spec
from sftdata.tokenizing.tokenizer import Tokenizer
from sftdata.writing.manifest import Manifest


def name_build(
    spec: Spec | Mixture,
    manifest: Manifest,
    frozen: bool,
    load_tokenizer: Callable[[str], Tokenizer],
) -> tuple[str, list[str]]:
    """The name that a build of the spec would have, and the notes of its plan.

    `manifest`: of an earlier build of it. Raises `SftdataError` as the build does.
    """
    specs = {None: spec} if isinstance(spec, Spec) else {s.name: s.spec for s in spec.sources}
    plans = [
        make_plan(
            one,
            frozen=frozen,
            load_tokenizer=load_tokenizer,
            recorded=[entry for entry in manifest["sources"] if entry.get("part") == part],
        )
        for part, one in specs.items()
    ]
    builds = [plan.build for plan in plans]
    name = builds[0] if isinstance(spec, Spec) else mixture_name(spec, builds)
    return name, [note for plan in plans for note in plan.notes]
