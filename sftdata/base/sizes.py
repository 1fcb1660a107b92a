"""Sizes of the units a build reads and writes. Every real build uses the defaults; tests use small
ones, so that little data makes many chunks, batches and shards."""

from __future__ import annotations

from dataclasses import dataclass

# A longer row of text is refused: no model reads so many tokens at once, and a file that is damaged
# or made to fill the memory may have a line without end.
MAX_ROW_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is read at once, and about where chunks, record batches and shards end."""

    read_bytes: int = 4 * 1024 * 1024  # of a source at once
    chunk_bytes: int = 16 * 1024  # on average
    max_chunk_bytes: int = 1024 * 1024  # where rows give no boundary, for example equal rows
    batch_rows: int = 4096  # of a record batch in a shard
    shard_tokens: int = 1 << 26  # at most about so many in a shard
    # A shard holds about `1 / shard_share` of the source bytes before it, within these bounds.
    min_shard_bytes: int = 4 * 1024 * 1024
    max_shard_bytes: int = 256 * 1024 * 1024
    shard_share: int = 64


DEFAULT_SIZES = Sizes()
