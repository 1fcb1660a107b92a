"""Prove the rows of a dataset: make them again from their recorded inputs, the slow, plain way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sftdata.base.cache import without_cache
from sftdata.base.hashing import choose_by_hash
from sftdata.base.reasons import Status
from sftdata.base.verification import Verification
from sftdata.base.wording import count
from sftdata.building.inputs import row_screen
from sftdata.building.oracle.inputs import find_inputs
from sftdata.building.oracle.library_ids import LibraryIds
from sftdata.building.oracle.slow_examples import SlowExample, SlowExamples
from sftdata.building.oracle.stored_rows import MadeRow, StoredRows
from sftdata.building.plan import Plan
from sftdata.errors import SftdataError
from sftdata.reading.outcomes import RowOutcomes
from sftdata.reading.row_reader import read_source, row_reader
from sftdata.reading.rows import Rows
from sftdata.reading.splits import assign_splits
from sftdata.writing.ledger import Ledger
from sftdata.writing.manifest import Manifest

_ROWS = 256  # encoded at once


def make_again(manifest: Manifest, sample: int | None = None) -> Verification:
    """Compares the rows of a dataset, or a sample of them, with rows made again from the sources.

    Rows of sources that are gone or changed are not proved, and named.
    """
    with without_cache():
        inputs = find_inputs(manifest)
        stored = StoredRows(manifest, sample)
        proof = _Proof(manifest, stored, is_whole=not inputs.lost and sample is None)
        try:
            for plan in inputs.plans:
                proof.add_plan(plan)
        except SftdataError as error:
            proof.faults.append("making the rows again fails: " + str(error).partition("\n")[0])
    return proof.finish(inputs.lost)


@dataclass
class _Proof:
    manifest: Manifest
    stored: StoredRows
    is_whole: bool  # whether all rows of all sources are made again
    faults: list[str] = field(default_factory=list)
    whole_text_equal: int = 0
    compared_by_library: int = 0
    control_like: int = 0

    def __post_init__(self) -> None:
        lines = Ledger.read(self.manifest).lines if self.is_whole else []
        self._dropped = {line.row_id for line in lines if line.status == Status.DROPPED}

    def add_plan(self, plan: Plan) -> None:
        """Makes the rows of a plan again and compares them."""
        slow, library = SlowExamples(plan), LibraryIds(plan.tokenizer)
        self.faults += library.find_other_probes(slow.encoder)
        for rows in self._read(plan):
            self._add_rows(plan, rows, slow, library)
        self.compared_by_library += library.compared
        self.control_like += library.control_like

    def _read(self, plan: Plan) -> Iterator[tuple[Rows, str]]:
        """The rows to compare, and the name of their source."""
        reader = row_reader(plan.spec, plan.sources)
        for index, source in enumerate(plan.sources):
            for chunks in read_source(reader, index):
                rows = reader.parse(chunks)
                held = self.stored.holds(rows.hashes[:, 0])
                if self.is_whole:
                    self._find_lost(rows, np.flatnonzero(~held))
                places = np.flatnonzero(held)
                for start in range(0, len(places), _ROWS):
                    yield rows.take(places[start : start + _ROWS]), source.name

    def _find_lost(self, rows: Rows, places: npt.NDArray[np.int64]) -> None:
        for place in places.tolist():
            row_id = rows.batch.column("row_id")[place].as_py()
            if row_id not in self._dropped:
                self.faults.append(
                    f"row '{row_id}' of the sources is neither in the dataset nor in its ledger"
                )

    def _add_rows(
        self, plan: Plan, found: tuple[Rows, str], slow: SlowExamples, library: LibraryIds
    ) -> None:
        rows, source = found
        outcomes = RowOutcomes(rows.batch.num_rows)
        row_screen(plan.spec, plan.evaluation).inspect(rows, source, outcomes)
        seed, names = plan.spec.seed, list(plan.splits)
        template = choose_by_hash(rows.hashes, plan.weights, f"template:{seed}")
        splits = assign_splits(rows.group_hashes, plan.splits, seed, rows.given_splits)
        examples = sorted(slow.make(rows, template, outcomes), key=lambda example: example.place)
        new = []
        for example in examples:
            place, tokens = example.place, example.tokens
            made = MadeRow(
                rows.hashes[place, 0],
                names[splits[place]],
                plan.labels[template[place]],
                plan.spec.task,
                tokens.input_ids,
                tokens.label_mask,
                int(tokens.target_start[0]),
            )
            new.append(self.stored.compare(made) > 0)
        for row, status, reason, detail in outcomes:
            if status == Status.DROPPED:
                self.stored.note_dropped(rows.hashes[row, 0], f"{reason}: {detail}")
        self._compare_texts(
            [e for e, is_new in zip(examples, new, strict=True) if is_new], rows, library
        )

    def _compare_texts(self, examples: list[SlowExample], rows: Rows, library: LibraryIds) -> None:
        """Compares rows that are equal to those of the dataset with the text of their templates."""
        wrong, equal = library.compare([example.text for example in examples])
        ids = rows.batch.column("row_id")
        for at in wrong:
            self.faults.append(
                f"row '{ids[examples[at].place].as_py()}': the tokenizers library gives its prompt "
                "other ids"
            )
        for example, same in zip(examples, equal, strict=True):
            self.whole_text_equal += example.is_stable if same is None else same
            if example.is_written_otherwise:
                self.faults.append(
                    f"row '{ids[example.place].as_py()}': the chat template writes it otherwise"
                )

    def finish(self, lost: list[str]) -> Verification:
        """The faults, and without any, what was proved and what was not."""
        faults = [*self.faults, *self.stored.find_faults(all_made=not lost)]
        if not self._is_mixture:
            faults += [
                f"{split}: the rows are not in the order of the sources, first row '{row_id}'"
                for split, row_id in self.stored.disordered.items()
            ]
        certificate = self.manifest["certificate"]
        if self.is_whole and not faults and not self._is_mixture:
            said = certificate["whole_text_equal"]
            if self.whole_text_equal != said:
                faults.append(
                    f"{self.whole_text_equal:,} rows have the same ids when prompt and target are "
                    f"encoded at once; the certificate says {said:,}"
                )
        if faults:
            return Verification(faults)
        return Verification([], self._checked(), self._not_proved(lost))

    @property
    def _is_mixture(self) -> bool:
        return "sources" in (self.manifest["spec"] or {})

    def _checked(self) -> list[str]:
        if not self.stored.proved:
            return []
        lines = [
            f"sources: {count(self.stored.proved, 'row')}, rendered again by Jinja and encoded by "
            "the tokenizers library, have the same tokens, mask, target start, template and split"
        ]
        if self.is_whole:
            lines.append("ledger: every other row of the sources is in it")
        alike = (
            "" if not self.control_like else f" ({self.control_like:,} read like control tokens)"
        )
        lines.append(
            f"prompts: {count(self.compared_by_library, 'text')}, encoded whole by the tokenizer's "
            f"own file, have the same ids{alike}"
        )
        if self.is_whole and not self._is_mixture:
            lines.append("certificate: its count of rows that are the same encoded at once holds")
        return lines

    def _not_proved(self, lost: list[str]) -> list[str]:
        lines = []
        if lost:
            unseen = count(self.stored.unseen, "row")
            lines.append(f"that the sources still give {unseen}: {'; '.join(lost)}")
        if rest := self.stored.total - len(self.stored):
            lines.append(f"that the sources still give the other {count(rest, 'row')} (--sample)")
        if self._is_mixture:
            lines.append("which rows of a mixture are repeated, and their order")
        return lines
