"""The parts of an output that differ from run to run, as placeholders.

Only these differ without a reason: times and rates, digests, temporary folders, today's date,
the versions of packages, the size of the cache, the memory of a training run. All else must be
printed as the page shows it; a page writes `…` for what it does not want to say.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

NUMBER = r"\d[\d,]*(?:\.\d+)?"
PACKAGES = [
    "sftdata", "python", "torch", "transformers", "tokenizers", "datasets", "pyarrow", "numpy",
    "peft", "accelerate", "gigatoken", "huggingface_hub", "jinja2", "orjson", "pydantic", "rensa",
    "textual", "openpyxl", "safetensors",
]  # fmt: skip

MASKS = [
    # Rates before times: "81 rows a second", "118 tokens/s  2.6 GB", where the size is the memory.
    (rf"{NUMBER} (rows|tokens|examples|steps)(/s| a second| per second)", r"<rate> \1\2"),
    (rf"(<rate> \w+/s\s+){NUMBER} GB", r"\1<memory>"),
    (r"(?<!\d)\d+:\d\d left", "<time> left"),
    (rf"(?<![\w.]){NUMBER}\s?(ms|µs|s|sec|seconds?|min|minutes?|h|hours?)(?!\w)", "<time>"),
    (rf'("[a-z_]*(?:seconds|per_second)":\s*){NUMBER}(?:e-?\d+)?', r"\1<number>"),
    (r"sha256:[0-9a-f]{4,}…?", "sha256:<digest>"),
    # Hexadecimal words with a letter and a decimal digit are digests, if they have 12 or more
    # digits, or are cut off by `…`.
    (r"\b(?=[a-f]*\d)(?=\d*[a-f])(?:[0-9a-f]{12,}\b|[0-9a-f]{6,}…)", "<digest>"),
    (r"/tmp/[^\s\"':,;]+", "<temporary>"),
    (
        rf"(?i)\b({'|'.join(map(re.escape, PACKAGES))})(\"?(?:==|:)?\s*v?\"?)\d+\.\d+[\w.+]*",
        r"\1\2<version>",
    ),
    # A column of figures is as wide as its widest figure.
    (r"[ ]+(<(?:rate|time|number|memory)>)", r" \1"),
]
COMPILED = [(re.compile(pattern), placeholder) for pattern, placeholder in MASKS]
DATE = re.compile(
    r"\b\d{4}-\d\d-\d\d(?!\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
# A build that takes more than ten seconds, as on a busy machine, says how far it is.
PROGRESS = re.compile(
    r"(?:[\d,]+ rows|\d+% of about [\d,]+ rows), [\d,]+ a second(?:, [\d:]+ left)?"
)
SIZE = re.compile(rf"{NUMBER} (?:bytes|kB|KB|MB|GB)\b")
TODAY = "<today>"


def is_progress(line: str) -> bool:
    """Whether the line is printed only by a slow build."""
    return PROGRESS.fullmatch(line.strip()) is not None


def mask(line: str) -> str:
    """The line with placeholders, without blanks at its end."""
    for pattern, placeholder in COMPILED:
        line = pattern.sub(placeholder, line)
    if "cache" in line:
        line = SIZE.sub("<size>", line)
    return line.rstrip()


def mask_today(line: str) -> str:
    """A printed line, where the date of today (or of yesterday, at midnight) is a placeholder."""
    now = datetime.now(UTC)
    days = {f"{now - timedelta(days=days):%Y-%m-%d}" for days in (-1, 0, 1)}
    return DATE.sub(lambda found: TODAY if found[0][:10] in days else found[0], line)
