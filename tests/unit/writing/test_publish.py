"""Datasets on their way into a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.forty_rows import write_rows, write_spec

from sftdata.building.build import build
from sftdata.building.dry_run import dry_run
from sftdata.errors import SftdataError
from sftdata.writing.publish import folder_to_write, working_folder


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://made", "'memory://made': it is in the memory of this process"),
        ("https://host/made", "'https://host/made': a web server takes no files"),
    ],
)
def test_an_address_that_keeps_nothing_is_refused_before_the_build(
    address: str, said: str, byte_tokenizer: Path
) -> None:
    write_rows([])  # of which no dataset can be made, if it came to that
    write_spec(byte_tokenizer)
    for command in (build, dry_run):
        with pytest.raises(SftdataError, match=said) as caught:
            command(spec="spec.toml", out=address)
        assert caught.value.code == "E202"


def test_each_address_has_a_working_folder() -> None:
    folders = [folder_to_write(f"{scheme}://bucket/made") for scheme in ("s3", "gs", "az")]
    assert len({working_folder(folder) for folder in folders}) == 3
    assert working_folder(folders[0]) == working_folder(folder_to_write("s3://bucket/made/"))
