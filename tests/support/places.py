"""Where the tests find the checkout's own files and, beside it, the real golden sets."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("SFTDATA_REAL", ROOT.parent / "shared"))
BUNDLED_TOKENIZER = ROOT / "pipelines" / "tokenizers" / "small"
REAL_TOKENIZERS = ("gpt2", "smollm2", "qwen3", "mistral-v3")
