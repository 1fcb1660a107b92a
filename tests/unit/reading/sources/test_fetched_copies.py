"""Copies of fetched files in the cache."""

from __future__ import annotations

import io

import pytest

from sftdata.base.files import stamp
from sftdata.reading.sources.fetched_copies import find_copy, store_copy


def test_the_copy_has_the_name_of_the_file_so_its_ending_says_its_format() -> None:
    address = "https://example.org/files/my%20news.jsonl.gz?sig=a/b.csv"
    path = store_copy(address, io.BytesIO(b"1"), None, etag="x")
    assert path.name == "my news.jsonl.gz"
    known = find_copy(address)
    assert known is not None
    assert (known.path, known.etag) == (path, "x")


@pytest.mark.parametrize("address", ["s3://bucket", "https://h/..", "https://h/%2e%2e%2fx", "m://"])
def test_no_address_leads_out_of_the_cache(address: str) -> None:
    path = store_copy(address, io.BytesIO(b"1"), 1)
    assert path.resolve() == path
    assert path.read_bytes() == b"1"


def test_the_same_bytes_keep_their_copy() -> None:
    first = store_copy("https://h/a", io.BytesIO(b"1"), None)
    before = stamp(first)
    assert store_copy("https://h/a", io.BytesIO(b"1"), None) == first
    assert stamp(first) == before


def test_a_copy_in_the_place_of_another_does_not_count() -> None:
    one = store_copy("https://h/one.csv", io.BytesIO(b"1"), None).parents[1]
    two = store_copy("https://h/two.csv", io.BytesIO(b"2"), None).parents[1]
    (two / "copy.json").write_bytes((one / "copy.json").read_bytes())
    assert find_copy("https://h/two.csv") is None
    assert find_copy("https://h/one.csv") is not None
