"""Load the prompt renderer of a dataset, or make one for a template."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sftdata.base.wording import count
from sftdata.building.inputs import draw_pool
from sftdata.building.plan import Plan, make_plan
from sftdata.errors import SftdataError, SpecError, VerificationError, did_you_mean
from sftdata.examples.shots import ShotPool, to_pool
from sftdata.serving.prompt import PromptRenderer
from sftdata.spec.load import load_spec, spec_from_json
from sftdata.spec.model import Mixture, Spec
from sftdata.tokenizing.recorded import check_chat_template, load_recorded_tokenizer
from sftdata.writing.dataset_files import WAY_OUT
from sftdata.writing.manifest import PARTS, Manifest, pool_path, read_manifest
from sftdata.writing.table_file import read_table


def load_prompt_renderer(dataset: Path | str, *, part: str | None = None) -> PromptRenderer:
    """Renders prompts like those of the dataset in `dataset`, or of source `part` of a mixture.

    Uses the recorded template versions and tokenizer, and draws shots from the dataset's own pool.
    Raises `SftdataError` when a template, the tokenizer or its chat template was changed since.
    """
    directory = Path(dataset)
    manifest = read_manifest(directory)
    spec = spec_from_json(manifest["spec"])
    if isinstance(spec, Mixture):
        return load_prompt_renderer(directory / PARTS / _check_part(spec, part, directory))
    if part is not None:
        raise SpecError(
            f"{directory} is no mixture, so it has no source '{part}'.",
            "Leave the source out.",
            code="E102",
        )
    # The recorded tokenizer has the chat template that the spec gave.
    recorded = _pin_templates(spec, manifest).model_copy(
        update={"shots": (0,), "chat_template": None}
    )
    plan = make_plan(
        recorded,
        load_tokenizer=lambda name: load_recorded_tokenizer(manifest["tokenizer"], [name]),
    )
    check_chat_template(manifest.content.get("chat"), plan.tokenizer)
    _check_templates(plan, manifest)
    shown = plan.spec.model_copy(update={"shots": spec.shots})
    return PromptRenderer(replace(plan, spec=shown, pool=_read_shots(manifest)))


def _check_part(mixture: Mixture, part: str | None, directory: Path) -> str:
    """The source `part` of the mixture in `directory`. Raises when it has none of that name."""
    names = [source.name for source in mixture.sources]
    if part not in names:
        raise SpecError(
            f"{directory} is a mixture of {', '.join(names)}; --part chooses the source.",
            did_you_mean(part or "", names),
            code="E102",
        )
    return part


def _pin_templates(spec: Spec, manifest: Manifest) -> Spec:
    """The spec with the versions of its templates that the manifest records."""
    built = list(manifest["template"])
    if len(built) != len(spec.templates):
        raise VerificationError(
            f"The manifest of {manifest.directory} lists {count(len(built), 'template')}, its spec "
            f"{len(spec.templates)}.",
            "Build the dataset again.",
        )
    choices = tuple(
        choice.model_copy(update={"id": label})
        for choice, label in zip(spec.templates, built, strict=True)
    )
    return spec.model_copy(update={"templates": choices})


def _check_templates(plan: Plan, manifest: Manifest) -> None:
    """Raises when the text of a template is not the recorded one."""
    for template in plan.templates:
        if template.source_sha256 != manifest["template"][template.label]:
            raise SftdataError(
                f"The template '{template.label}' was changed after {manifest.directory} was "
                "built.",
                "Build the dataset again, or put the old template back.",
                code="E708",
            )


def _read_shots(manifest: Manifest) -> ShotPool | None:
    """The pool that the dataset's shots come from. Raises when it is missing or damaged."""
    recorded = manifest.content.get("shots")
    if recorded is None:
        return None
    name = pool_path(manifest["build"])
    try:
        (batch,) = read_table(manifest, name).combine_chunks().to_batches()
        pool = to_pool(batch)
        if pool.digest != recorded["pool_digest"]:
            raise ValueError("its rows are not those of the build")
    except (KeyError, ValueError) as error:
        path = manifest.directory / name
        raise VerificationError(f"{path}: cannot be read: {error}.", WAY_OUT) from error
    return pool


def make_prompt_renderer(
    template: str,
    *,
    tokenizer: str | None = None,
    chat: bool = False,
    shots: int = 0,
    **options: Any,
) -> PromptRenderer:
    """Renders prompts with one template, by the spec of its task with these options.

    Draws shots from the training rows of the task's own data.
    """
    spec = load_spec(
        task=template.partition("/")[0],
        templates=[template],
        tokenizer=tokenizer,
        chat=chat or None,
        shots=shots,
        **options,
    )
    assert isinstance(spec, Spec)
    plan = make_plan(spec.model_copy(update={"shots": (0,)}))
    pool = draw_pool(spec, plan.sources, plan.evaluation) if shots else None
    return PromptRenderer(replace(plan, spec=spec, pool=pool))
