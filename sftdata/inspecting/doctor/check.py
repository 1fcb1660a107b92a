"""The two kinds of checks: on one row at a time, and on the whole dataset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sftdata.inspecting.doctor.batch import RowBatch
from sftdata.inspecting.doctor.dataset import CheckedDataset
from sftdata.inspecting.doctor.finding import FoundRow, Severity
from sftdata.inspecting.doctor.quotes import Quote, quote_target


@dataclass(frozen=True, slots=True)
class Hits:
    """The rows with a defect."""

    rows: npt.NDArray[np.int64]  # places, counted over all splits in their order
    detail: str = ""
    found: tuple[FoundRow, ...] = ()  # instead of `rows`, where something else names them
    count: int | None = None  # if it is not the number of `rows`


@dataclass(frozen=True, slots=True)
class RowCheck:
    """A check that looks at each row alone. `find` gives bool[rows]."""

    id: str
    severity: Severity
    title: str
    way_out: str
    find: Callable[[RowBatch], npt.NDArray[np.bool_]]
    quote: Quote = quote_target


@dataclass(frozen=True, slots=True)
class DatasetCheck:
    """A check that needs all rows. `find` gives None when there is no defect."""

    id: str
    severity: Severity
    title: str
    way_out: str
    find: Callable[[CheckedDataset], Hits | None]


Check = RowCheck | DatasetCheck
