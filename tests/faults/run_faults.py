"""Runs the fault suite at its whole load, and prints a table of what was tried and what failed.

CI runs the same tests with small loads. `--part 1/8` to `--part 8/8` together try the same as the
whole; with `--found FILE`, each adds what it found to the file, and prints the table of all so far.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import pytest  # noqa: E402 - after the path
from support.loads import LOAD, TALLIES, Load  # noqa: E402

SECTIONS: Mapping[str, Sequence[str]] = {
    "points": ["test_points.py"],
    "kills": ["test_kill.py", "test_kill_kinds.py", "test_kill_commands.py"],
    "flips": ["test_flipped_bits.py"],
    "damage": ["test_damaged_files.py"],
    "manifests": ["test_hostile_manifests.py"],
    "strangers": ["test_hostile_tokenizers.py", "test_mutated_tables.py"],
    "disks": ["test_disks.py"],
    "writers": ["test_two_builds.py"],
    "workers": ["test_worker_faults.py"],
    "signals": ["test_signals.py"],
}
# Of each section: for each thing and fault, how often it was tried and how often that failed.
Found = dict[str, dict[str, dict[str, list[int]]]]


class Suite:
    """A plugin of pytest: runs the tests that count their tries, with a load.

    Adds what they find to the file, if one is given.
    """

    def __init__(self, load: Load, file: Path | None) -> None:
        self.load, self._file = load, file
        is_known = file is not None and file.exists()
        self._earlier: Found = json.loads(file.read_text()) if file and is_known else {}
        self.found = self._earlier
        self.broken: list[str] = []  # tests that failed
        self._started = time.monotonic()

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[LOAD] = self.load
        self._tallies = config.stash.setdefault(TALLIES, [])

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        counted = [item for item in items if "tally" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=[item for item in items if item not in counted])
        items[:] = counted

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        seconds = time.monotonic() - self._started
        if report.failed:
            self.broken.append(report.nodeid)
            print(f"\n{report.nodeid}\n{report.longreprtext[-4000:]}", file=sys.stderr, flush=True)
        if report.when == "call":
            print(f"{seconds:6.0f} s  {report.nodeid}", file=sys.stderr, flush=True)

    def pytest_runtest_logfinish(self) -> None:
        """After each test, so that a run that is cut short leaves what it found."""
        self.found = copy.deepcopy(self._earlier)
        for test, tally in self._tallies:
            file = Path(test.partition("::")[0]).name
            section = next(name for name, files in SECTIONS.items() if file in files)
            for (thing, fault), tried in tally.tried.items():
                cell = self.found.setdefault(section, {}).setdefault(thing, {})
                was = cell.setdefault(fault, [0, 0])
                was[0] += tried
                was[1] += tally.failed[thing, fault]
        if self._file is not None:
            self._file.write_text(json.dumps(self.found))


def table_of(found: Found) -> str:
    """A table for each section: a row for each thing, a column for each fault."""
    lines = []
    for section in (name for name in SECTIONS if name in found):
        things = found[section]
        faults = list(dict.fromkeys(fault for cells in things.values() for fault in cells))
        total: Counter[str] = Counter()
        lines += [f"\n| {section} | {' | '.join(faults)} |", "|---" * (1 + len(faults)) + "|"]
        for thing, cells in things.items():
            shown = []
            for fault in faults:
                tried, failed = cells.get(fault, [0, 0])
                total.update(tried=tried, failed=failed)
                shown.append(f"{tried:,} / {failed:,}" if tried else "")
            lines.append(f"| {thing} | {' | '.join(shown)} |")
        lines.append(f"\n{section}: {total['tried']:,} tried, {total['failed']:,} failed.")
    return "\n".join(lines)


def part_of(text: str) -> Load:
    """The load `K/N`, with K from 1 to N."""
    part, _, parts = text.partition("/")
    if not (part.isdecimal() and parts.isdecimal() and 1 <= int(part) <= int(parts)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a part such as 1/8")
    return Load(int(part) - 1, int(parts))


def main() -> None:
    """Runs the sections that are named, all of them by default."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--part", type=part_of, default=Load(0, 1), metavar="K/N",
                        help="one part of the load (default: 1/1)")  # fmt: skip
    parser.add_argument("--only", metavar="WORDS", help="only tests with these words in their name")
    parser.add_argument("--found", type=Path, metavar="FILE", help="add to what others found")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no section '{min(unknown)}'; there are: {', '.join(SECTIONS)}")
    files = [str(HERE / file) for name in options.sections or SECTIONS for file in SECTIONS[name]]
    suite = Suite(options.part, options.found)
    words = ["-k", options.only] if options.only else []
    quiet = ["-qq", "--no-header", "--no-summary", "--tb=short", "-p", "no:cacheprovider"]
    code = pytest.main([*quiet, *words, *files], plugins=[suite])
    print(table_of(suite.found))
    for test in suite.broken:
        print(f"Failed: {test}")
    sys.exit(int(code))


if __name__ == "__main__":
    main()
