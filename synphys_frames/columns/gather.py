"""Columns of a table at some rows, on their way into a frame."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._machine import processors
from ..schema import KINDS
from .dtypes import masked_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .._typing import Rows
    from ..schema import Kind
    from .block import ColumnPart

    Take = Callable[[], None]
    Run = np.ndarray[Any, np.dtype[np.float64]] | list[Any]


# From so many values on, threads save more than they take. More of them wait for the same memory.
_MANY_VALUES = 15_000_000
_MOST_THREADS = 4


class Pieces:
    """Columns of one table at some rows: first taken, kind by kind, and then put side by side.

    Parameters
    ----------
    part_of
        Where each of the columns is.
    names
        The columns, in their order.
    rows
        The rows; -1 gives missing values.

    Attributes
    ----------
    numbers, texts
        What takes the columns: numbers into memory that is there already, without keeping other
        threads from running, and all others.
    """

    def __init__(self, part_of: Mapping[str, ColumnPart], names: Sequence[str], rows: Rows) -> None:
        self._part_of = part_of
        self._names = names
        self._rows = rows
        self._floats: dict[ColumnPart, Any] = {}
        self._others: dict[str, Any] = {}
        self.numbers: list[Take] = []
        self.texts: list[Take] = []
        wanted: dict[ColumnPart, list[str]] = {}
        for name in names:
            wanted.setdefault(part_of[name], []).append(name)
        for part, some in wanted.items():
            for kind, of_kind in part.by_kind(some).items():
                self._begin(part, kind, of_kind)

    def _begin(self, part: ColumnPart, kind: Kind, names: list[str]) -> None:
        count = len(self._rows)
        if kind == "float" and part.are_all_floats(names):
            floats = self._floats[part] = np.empty((count, len(names)), np.float64)
            self.numbers.append(partial(part.floats_into, self._rows, floats))
        elif KINDS[kind].storage == "masked":
            values = np.empty((len(names), count), KINDS[kind].pandas_dtype.numpy_dtype)
            missing = np.empty((len(names), count), np.bool_)
            self._others |= zip(names, map(masked_array, values, missing), strict=True)
            self.numbers.append(partial(part.masked_into, names, self._rows, values, missing))
        else:
            take = self._take_floats if kind == "float" else self._take_others
            self.texts.append(partial(take, part, names))

    @property
    def value_count(self) -> int:
        """How many values there are to take."""
        return len(self._names) * len(self._rows)

    def _take_floats(self, part: ColumnPart, names: Sequence[str]) -> None:
        self._floats[part] = part.floats_at(names, self._rows)

    def _take_others(self, part: ColumnPart, names: Sequence[str]) -> None:
        self._others |= part.arrays_at(names, self._rows)

    def runs(self) -> list[Run]:
        """Return the columns in their order: in blocks of floats, and in lists of others."""
        begun = dict.fromkeys(self._floats, 0)
        found: list[Run] = []
        for part, is_float, names in self._runs():
            if is_float:
                stop = begun[part] + len(names)
                found.append(self._floats[part][:, begun[part] : stop])
                begun[part] = stop
            else:
                found.append([self._others[name] for name in names])
        return found

    def _runs(self) -> list[tuple[ColumnPart, bool, list[str]]]:
        """Return the names in runs of floats, or of others, that lie in one part."""
        runs: list[tuple[ColumnPart, bool, list[str]]] = []
        for name in self._names:
            part = self._part_of[name]
            kind = (part, name in part.float_position)
            if not runs or runs[-1][:2] != kind:
                runs.append((*kind, []))
            runs[-1][2].append(name)
        return runs


def take_all(pieces: Sequence[Pieces]) -> None:
    """Take all columns of some pieces, by several threads where there is much to copy.

    Texts are taken by this thread, and numbers by others beside it: two threads with texts would
    wait for each other.
    """
    texts = deque(take for one in pieces for take in one.texts)
    numbers = deque(take for one in pieces for take in one.numbers)
    threads = min(processors(), _MOST_THREADS)
    if sum(one.value_count for one in pieces) < _MANY_VALUES or threads == 1:
        _call_all([*texts, *numbers])
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(_call_all, _popped(numbers)) for _ in range(threads - 1)]
        _call_all(_popped(texts))
        _call_all(_popped(numbers))
        for one in others:
            one.result()


def frame_of(runs: Iterable[Run], labels: Sequence[str], length: int) -> pd.DataFrame:
    """Return runs of columns, side by side, as one frame.

    Labels are made once, and neighbouring columns become one frame, of which each takes time.
    """
    joined: list[Run] = []
    for run in runs:
        if isinstance(run, list) and joined and isinstance(joined[-1], list):
            joined[-1] = joined[-1] + run
        else:
            joined.append(run)
    index = pd.RangeIndex(length)
    if not joined:
        return pd.DataFrame(index=index)
    frames = [
        pd.DataFrame(
            dict(enumerate(run)) if isinstance(run, list) else run, index=index, copy=False
        )
        for run in joined
    ]
    return pd.concat(frames, axis=1, ignore_index=True).set_axis(list(labels), axis=1)


def _popped(takes: deque[Take]) -> Iterable[Take]:
    while True:
        try:
            yield takes.popleft()
        except IndexError:  # another thread may have taken the last one
            return


def _call_all(takes: Iterable[Take]) -> None:
    for take in takes:
        take()
