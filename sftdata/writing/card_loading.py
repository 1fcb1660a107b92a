"""The section of a dataset card that says how to load the dataset."""

from __future__ import annotations

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


def load_from_hub(repository: str, has_texts: bool) -> str:
    """The code for a dataset on the Hub.

    It is copied: the files in the cache of the Hub are links, which lead out of the dataset.
    """
    texts = f'\ntexts = load_dataset("{repository}", "text")  # with prompt and target as text'
    return f"""```python
from datasets import load_dataset

data = load_dataset("{repository}"){texts if has_texts else ""}
```

```python
import sftdata
from huggingface_hub import snapshot_download

folder = snapshot_download("{repository}", repo_type="dataset", local_dir="{_last(repository)}")
train = sftdata.load(folder)["train"]
{_FIRST_ROW}
```"""


def _last(repository: str) -> str:
    return repository.rpartition("/")[2]
