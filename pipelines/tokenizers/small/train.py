"""Train the bundled small tokenizer from the project's own sample text.

The texts of the first five tasks in `pipelines/samples/` train a byte-level BPE of at most 8,000
entries. It is small enough to ship, so examples and tests run without a download, and it covers
every byte, so it encodes any text without an unknown token.

Run:
    python pipelines/tokenizers/small/train.py          # write both files beside this script
    python pipelines/tokenizers/small/train.py --check  # exit 1 if the files on disk differ
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "samples"

# Tasks that came later are left out: the vocabulary stays as it is.
TASKS = ("grammar", "qa", "rewrite", "summarize", "translate")
EOS = "<|endoftext|>"
VOCAB_SIZE = 8000
MIN_FREQUENCY = 2  # a pair seen once is a fact about the sample, not about a language

CONFIG = {
    "eos_token": EOS,
    "pad_token": EOS,
    "model_max_length": 8192,
    "tokenizer_class": "PreTrainedTokenizerFast",
}


def sample_texts() -> Iterator[str]:
    for task in TASKS:
        sample = SAMPLES / f"{task}.jsonl"
        # The encoding is named because the default one follows the locale.
        with sample.open(encoding="utf-8") as lines:
            for line in lines:
                yield from (text for name, text in json.loads(line).items() if name != "id")


def train() -> Tokenizer:
    """Train the tokenizer; equal text gives an equal tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    # Without a prefix space, decoding gives back exactly the text that was encoded.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    # Nothing here needs a seed or a single thread. The trainer counts whole words, and sums do not
    # depend on the order in which threads add them; it then numbers the special token first and
    # the alphabet by code point, and takes pairs of equal count in the order of their ids.
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        min_frequency=MIN_FREQUENCY,
        special_tokens=[EOS],
        # All 256 bytes, because the samples alone do not use every one.
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample_texts(), trainer=trainer)
    return tokenizer


def build() -> tuple[Tokenizer, dict[Path, bytes]]:
    """Return the tokenizer and the exact bytes of each file that describes it."""
    tokenizer = train()
    texts = {
        HERE / "tokenizer.json": tokenizer.to_str(pretty=True),
        HERE / "tokenizer_config.json": json.dumps(CONFIG, indent=2),
    }
    # Bytes, not text: a text file would get the platform's own line ends.
    return tokenizer, {path: f"{text}\n".encode() for path, text in texts.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description="Train the bundled small tokenizer.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the files on disk differ"
    )
    check = parser.parse_args().check

    tokenizer, files = build()
    size = tokenizer.get_vocab_size()
    if not check:
        for path, content in files.items():
            path.write_bytes(content)
        print(f"wrote {' and '.join(path.name for path in files)}: {size} entries")
        return 0

    stale = False
    for path, content in files.items():
        if not path.is_file():
            print(f"{path.name} is missing", file=sys.stderr)
            stale = True
        elif path.read_bytes() != content:
            print(f"{path.name} differs from what training gives", file=sys.stderr)
            stale = True
    if stale:
        # Another release of the library may write the same tokenizer in another layout.
        print(
            f"run this script without --check to rewrite (tokenizers {tokenizers.__version__})",
            file=sys.stderr,
        )
        return 1
    print(f"{' and '.join(path.name for path in files)} are up to date: {size} entries")
    return 0


if __name__ == "__main__":
    sys.exit(main())
