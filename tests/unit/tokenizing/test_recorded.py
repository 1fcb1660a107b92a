"""The recorded tokenizer is found by its digest, whatever its folder is called now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.places import BUNDLED_TOKENIZER

from sftdata.errors import TokenizerError
from sftdata.tokenizing.load import load_tokenizer
from sftdata.tokenizing.recorded import find_recorded_tokenizer, load_recorded_tokenizer

OTHER = str(BUNDLED_TOKENIZER)


@pytest.fixture
def recorded(byte_tokenizer: Path) -> dict[str, Any]:
    """The entry of a manifest."""
    return {"name": str(byte_tokenizer), "sha256": load_tokenizer(str(byte_tokenizer)).sha256}


def test_it_is_found_under_its_name(recorded: dict[str, Any]) -> None:
    found = find_recorded_tokenizer(recorded)
    assert found is not None
    assert found.sha256 == recorded["sha256"]


def test_places_with_another_or_none_are_passed_over(recorded: dict[str, Any]) -> None:
    found = find_recorded_tokenizer(recorded, [OTHER, "./gone", recorded["name"]])
    assert found is not None
    assert found.name == recorded["name"]
    assert find_recorded_tokenizer(recorded, [OTHER, "./gone"]) is None


def test_another_tokenizer_under_its_name_is_an_error_with_both_digests(
    recorded: dict[str, Any],
) -> None:
    now = load_tokenizer(OTHER).sha256[:12]
    with pytest.raises(TokenizerError, match="is not the recorded one") as caught:
        load_recorded_tokenizer(recorded | {"name": OTHER})
    assert f"sha256 {now}…, recorded {recorded['sha256'][:12]}…" in str(caught.value)


def test_a_tokenizer_that_is_gone_is_an_error_that_names_the_place(
    recorded: dict[str, Any],
) -> None:
    with pytest.raises(TokenizerError, match=r"no tokenizer directory '\./gone'"):
        load_recorded_tokenizer(recorded, ["./gone"])
    with pytest.raises(TokenizerError, match=r"neither at '\./gone' nor at"):
        load_recorded_tokenizer(recorded, ["./gone", OTHER])
