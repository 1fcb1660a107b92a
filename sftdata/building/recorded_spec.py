"""The spec that a manifest records, with the texts of templates that the dataset was built with."""

from __future__ import annotations

from typing import Any

from sftdata.errors import SftdataError, SpecError, TemplateError, VerificationError
from sftdata.rendering.template import DRAFT
from sftdata.spec.load import spec_from_json
from sftdata.spec.model import Mixture, Spec
from sftdata.versioning.releases import load_template
from sftdata.versioning.versions import parse_selector, parse_version
from sftdata.writing.manifest import MANIFEST, Manifest


def recorded_spec(recorded: Manifest) -> Spec | Mixture:
    """The spec of a dataset, with its templates pinned to the texts that it was built with.

    Raises `VerificationError` when the text of a template is gone, `SftdataError` when the manifest
    has no spec that can be used.
    """
    pins = _pins(recorded)
    content = recorded.content.get("spec")
    if content is None:
        raise SftdataError(
            f"{recorded.directory / MANIFEST} does not record its spec; an older sftdata wrote it.",
            "Build the dataset again with this version first.",
            code="E703",
        )
    try:
        return spec_from_json(_with_pins(content, pins))
    except SpecError as error:
        raise SftdataError(
            f"{recorded.directory / MANIFEST}: its spec cannot be used: {error}",
            "Rebuild with the version of sftdata that wrote it.",
            code="E703",
        ) from error


def _pins(recorded: Manifest) -> list[str]:
    """A selector for each recorded template, exactly the text it was built with."""
    return [_pin(label, digest) for label, digest in recorded["template"].items()]


def _pin(label: str, digest: str) -> str:
    template_id, _, version = label.partition("@")
    for selector in (label, f"{template_id}@sha256:{digest}"):
        try:
            template = load_template(selector)
        except TemplateError as error:
            if error.rule in ("RELEASED_EDITED", "RELEASED_MISSING", "LOCK_EDITED"):
                raise
            continue
        if template.source_sha256 == digest and template.version == version:
            return selector
    way_out = "Bring its release back from the history of templates/."
    if version == DRAFT:
        way_out = "It was a draft, which is not kept: release templates before building with them."
    raise VerificationError(
        f"The text of {label} that the dataset was built with (sha256 {digest[:12]}…) is gone.",
        way_out,
    )


def _with_pins(content: Any, pins: list[str]) -> Any:
    """The spec with its templates pinned; of a mixture, those of each source.

    What is no spec stays as it is: validation names its faults.
    """
    if not isinstance(content, dict):
        return content
    if isinstance(content.get("sources"), list):
        return content | {"sources": [_pin_source(source, pins) for source in content["sources"]]}
    return {k: _pinned(v, pins) if k == "templates" else v for k, v in content.items()}


def _pin_source(source: Any, pins: list[str]) -> Any:
    if not isinstance(source, dict):
        return source
    return {k: _with_pins(v, pins) if k == "spec" else v for k, v in source.items()}


def _pinned(value: Any, pins: list[str]) -> Any:
    """`value` with every selector of a template in it replaced by the one that is pinned."""
    if isinstance(value, str):
        return _pinned_selector(value, pins)
    if isinstance(value, list):
        return [_pinned(item, pins) for item in value]
    if isinstance(value, dict):
        return {_pinned_selector(k, pins): _pinned(v, pins) for k, v in value.items()}
    return value


def _pinned_selector(text: str, pins: list[str]) -> str:
    try:
        asked = parse_selector(text)
    except TemplateError:
        return text  # another key or value of the entry
    for pin in pins:
        pinned = parse_selector(pin)
        if pinned.id != asked.id:
            continue
        version = parse_version(pinned.prefix or "")
        if asked.prefix is None or (version is not None and asked.takes(version)):
            return pin
    return text
