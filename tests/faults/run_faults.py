"""Tries a fault at every call to the file system of every command that writes; prints a table.

python tests/faults/run_faults.py [--every N] [NAME …]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.fault_scenarios import SCENARIOS, Stage
from support.faults import FAULTS, commands


def main() -> None:
    """Runs the scenarios whose names hold one of the arguments, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only commands with this name")
    parser.add_argument("--every", type=int, default=1, help="try each N-th point only")
    options = parser.parse_args()
    failures = []
    print("| command | " + " | ".join(fault.name for fault in FAULTS) + " |")
    print("|---" * (1 + len(FAULTS)) + "|")
    with tempfile.TemporaryDirectory() as folder, commands(Path(folder)) as process:
        for scenario in SCENARIOS:
            if options.names and not any(name in scenario.name for name in options.names):
                continue
            started, cells = time.monotonic(), []
            stage = Stage(scenario, process, Path(folder))
            for fault in FAULTS:
                points = range(1, stage.count(fault) + 1, options.every)
                found = [(point, stage.try_point(fault, point)) for point in points]
                wrong = [f"{scenario.name}, {fault.name}, point {p}: {w}" for p, w in found if w]
                cells.append(f"{len(points)} / {len(wrong)}")
                failures += wrong
                for line in wrong:
                    print(line, file=sys.stderr, flush=True)
            print(f"| {scenario.name} | {' | '.join(cells)} |", flush=True)
            print(f"{scenario.name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    print(f"\n{len(failures)} failures." if failures else "\nNone failed.")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
