"""`apply_chat_template` and the tokenizer in a loop, in one process, into a list.

    python template_loop.py DATA.jsonl TOKENIZER_DIR OUT TEMPLATE.jinja

There is no label mask and nothing is written: the least that somebody's own script does.
`preparation` is the time in seconds after imports and tokenizer.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from transformers import AutoTokenizer


def main(data: str, tokenizer_dir: str, out: str, template: str) -> None:
    """Prepare, and print rows, tokens and seconds as JSON."""
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_dir)
    tokenizer.chat_template = Path(template).read_text(encoding="utf-8")
    started = time.perf_counter()
    prepared = []
    with Path(data).open(encoding="utf-8") as file:
        for row in map(json.loads, file):
            tools = json.loads(row["tools"]) if "tools" in row else None
            text = tokenizer.apply_chat_template(row["messages"], tools=tools, tokenize=False)
            prepared.append(tokenizer(text, add_special_tokens=False)["input_ids"])
    preparation = time.perf_counter() - started
    tokens = sum(map(len, prepared))
    print(json.dumps({"rows": len(prepared), "tokens": tokens, "preparation": preparation}))


if __name__ == "__main__":
    main(*sys.argv[1:])
