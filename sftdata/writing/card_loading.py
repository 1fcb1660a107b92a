"""The section of a dataset card that says how to load the dataset."""

from __future__ import annotations

from collections.abc import Mapping

_FIRST_ROW = "train[0].input_ids, train[0].labels  # labels are -100 outside the loss"


def load_here() -> str:
    """The code for a dataset on disk."""
    return f"""```python
from datasets import load_dataset

data = load_dataset("DIRECTORY")
```

```python
import sftdata

train = sftdata.load("DIRECTORY")["train"]
{_FIRST_ROW}
```"""


def load_from_hub(repository: str, texts: Mapping[str, str]) -> str:
    """The code for a dataset on the Hub.

    It is copied: the files in the cache of the Hub are links, which lead out of the dataset.
    """
    return f"""```python
from datasets import load_dataset

data = load_dataset("{repository}")
```
{_load_texts(repository, texts)}
```python
import sftdata
from huggingface_hub import snapshot_download

folder = snapshot_download("{repository}", repo_type="dataset", local_dir="{_last(repository)}")
train = sftdata.load(folder)["train"]
{_FIRST_ROW}
```"""


def _load_texts(repository: str, texts: Mapping[str, str]) -> str:
    """`datasets` reads one kind of files in a repository, so these are named."""
    if not texts:
        return ""
    files = "\n".join(
        f'    "{split}": "hf://datasets/{repository}/{path}",' for split, path in texts.items()
    )
    return f"""
With prompt and target as text, in Parquet:

```python
files = {{
{files}
}}
texts = load_dataset("parquet", data_files=files)
```
"""


def _last(repository: str) -> str:
    return repository.rpartition("/")[2]
