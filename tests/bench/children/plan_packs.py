"""Time `plan_packs` for COUNT lengths; prints seconds, packs and their lower bound as JSON.

python plan_packs.py COUNT
"""

from __future__ import annotations

import json
import sys
import time

from draw_lengths import MAX_LENGTH, draw

from sftdata.loading.packing import plan_packs


def main(count: int) -> None:
    """Plan once. Imports and lengths are ready before the clock starts."""
    lengths = draw(count)
    started = time.perf_counter()
    plan = plan_packs(lengths, MAX_LENGTH)
    seconds = time.perf_counter() - started
    bound = -(-int(lengths.sum(dtype="int64")) // MAX_LENGTH)
    print(json.dumps({"seconds": seconds, "packs": len(plan), "bound": bound}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
