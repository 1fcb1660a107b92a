"""Files with their own digest: what is written is read, and no changed byte passes."""

from __future__ import annotations

import hashlib

import pytest

from sftdata.base.sealed_json import ChangedError, parse, seal, to_json

CONTENT = {"name": "é", "files": {"a": {"bytes": 1}}}


def test_the_digest_is_the_last_key_and_that_of_the_file_with_zeros() -> None:
    data = to_json(seal(CONTENT))
    digest = parse(data)["own_sha256"]
    assert data.endswith(f'  "own_sha256": "{digest}"\n}}\n'.encode())
    assert hashlib.sha256(data.replace(digest.encode(), b"0" * 64)).hexdigest() == digest
    assert parse(data) == CONTENT | {"own_sha256": digest}


def test_a_content_is_sealed_anew_when_it_changes() -> None:
    sealed = seal(CONTENT)
    assert seal(sealed) == sealed
    assert parse(to_json(seal(sealed | {"name": "b"})))["name"] == "b"


def test_every_single_bit_counts() -> None:
    data = to_json(seal(CONTENT))
    for at in range(len(data)):
        for bit in range(8):
            changed = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
            with pytest.raises(ValueError):
                parse(changed)


def test_a_file_of_a_version_without_digests_is_read() -> None:
    assert parse(b'{"name": "a"}') == {"name": "a"}
    with pytest.raises(ChangedError):  # no version wrote `files` without a digest
        parse(b'{"files": {}}')


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a": 1e5'])
def test_anything_else_is_one_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse(data)


def test_the_bytes_of_a_file_are_readable_json_in_utf_8() -> None:
    assert to_json({"é": [1]}).decode() == '{\n  "é": [\n    1\n  ]\n}\n'


@pytest.mark.parametrize("depth", [101, 100_000])
def test_a_file_that_is_nested_too_deeply_is_refused(depth: int) -> None:
    with pytest.raises(ValueError, match="nested in more than 100 levels"):
        parse(b'{"a": ' + b"[" * depth + b"]" * depth + b"}")
