"""Pickling of records: the fields go to another process, cached properties do not."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cached_property

from sftdata.base.pickling import PicklesFieldsOnly


@dataclass(frozen=True)
class Record(PicklesFieldsOnly):
    number: int

    @cached_property
    def not_for_pickle(self) -> object:
        return (number for number in range(self.number))  # a generator cannot be pickled


def test_a_cached_value_stays_behind() -> None:
    record = Record(3)
    assert record.not_for_pickle is record.not_for_pickle
    copy = pickle.loads(pickle.dumps(record))
    assert copy == record
    assert vars(copy) == {"number": 3}
