"""Small Arrow files of a dataset: checked by their digest before they are parsed."""

from __future__ import annotations

import hashlib

import pyarrow as pa

from sftdata.base.files import is_of_machine, read_regular
from sftdata.base.sealed_json import FILES
from sftdata.base.wording import reason_of
from sftdata.errors import VerificationError
from sftdata.writing.dataset_files import WAY_OUT, is_inside
from sftdata.writing.manifest import Manifest


def read_table(manifest: Manifest, name: str, schema: pa.Schema | None = None) -> pa.Table:
    """The content of a small Arrow file of the dataset, checked before it is parsed.

    Raises `VerificationError` where it is missing or not as recorded.
    """
    path = manifest.directory / name
    entry = manifest.content.get(FILES, {}).get(name)
    try:
        if not is_inside(manifest.directory, path):
            raise ValueError("it is a link to a file outside of the dataset")
        data = read_regular(path)
        if entry is not None and hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise ValueError("it is not the content of the build (the digest differs)")
        table = pa.ipc.open_file(pa.py_buffer(data)).read_all()
        table.validate(full=True)
        if schema is not None and table.schema != schema:
            raise ValueError(f"its columns are {table.schema.names}, not {schema.names}")
        if any(column.null_count for column in table.columns):
            raise ValueError("a value is null")
    except FileNotFoundError as error:
        raise VerificationError(f"{path}: the file is missing.", WAY_OUT) from error
    except (OSError, ValueError, pa.ArrowException) as error:
        if is_of_machine(error):
            raise
        raise VerificationError(f"{path}: cannot be read: {reason_of(error)}.", WAY_OUT) from error
    return table
