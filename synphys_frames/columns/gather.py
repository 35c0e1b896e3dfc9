"""Columns of a table at some rows, on their way into a frame."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._machine import processors
from .dtypes import masked_array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .._typing import Floats, Rows, Values
    from ..schema import Storage
    from .block import Block

    Step = Callable[[], None]
    # Neighbouring columns: a block of floats, or arrays of other kinds.
    Run = Floats | list[Any]


# With fewer values, threads cost more than they save. More threads wait for the same memory.
_MANY_VALUES = 15_000_000
_MOST_THREADS = 4


class ColumnGather:
    """Columns of one table at some rows: first taken, kind by kind, and then put side by side.

    Parameters
    ----------
    block_of
        The block of each of the columns.
    names
        The columns, in their order.
    rows
        The rows; -1 gives missing values.

    Attributes
    ----------
    number_steps
        What takes numbers and texts; other threads can run meanwhile.
    object_steps
        What takes all other columns.
    """

    def __init__(self, block_of: Mapping[str, Block], names: Sequence[str], rows: Rows) -> None:
        self._block_of = block_of
        self._names = names
        self._rows = rows
        self._floats: dict[Block, Values] = {}
        self._arrays: dict[str, Any] = {}
        self.number_steps: list[Step] = []
        self.object_steps: list[Step] = []
        names_in: dict[Block, list[str]] = {}
        for name in names:
            names_in.setdefault(block_of[name], []).append(name)
        for block, in_block in names_in.items():
            for (storage, dtype_name), of_dtype in block.by_dtype(in_block).items():
                self._plan(block, storage, dtype_name, of_dtype)

    def _plan(self, block: Block, storage: Storage, dtype_name: str, names: list[str]) -> None:
        count = len(self._rows)
        if storage == "floats" and block.are_all_floats(names):
            floats = self._floats[block] = np.empty((count, len(names)))
            self.number_steps.append(partial(block.take_floats_into, self._rows, floats))
        elif storage == "masked":
            dtype: Any = pd.api.types.pandas_dtype(dtype_name)
            values = np.empty((len(names), count), dtype.numpy_dtype)
            missing = np.empty((len(names), count), np.bool_)
            self._arrays |= {
                name: masked_array(values[place], missing[place], dtype)
                for place, name in enumerate(names)
            }
            step = partial(block.take_masked_into, names, self._rows, values, missing)
            self.number_steps.append(step)
        elif storage == "texts":
            self.number_steps += [partial(self._take_texts, block, name) for name in names]
        else:
            take = self._take_floats if storage == "floats" else self._take_arrays
            self.object_steps.append(partial(take, block, names))

    @property
    def value_count(self) -> int:
        """How many values there are to take."""
        return len(self._names) * len(self._rows)

    def _take_floats(self, block: Block, names: Sequence[str]) -> None:
        self._floats[block] = block.take_floats(names, self._rows)

    def _take_texts(self, block: Block, name: str) -> None:
        self._arrays[name] = block.texts(name, self._rows)

    def _take_arrays(self, block: Block, names: Sequence[str]) -> None:
        self._arrays |= block.take(names, self._rows)

    def runs(self) -> list[Run]:
        """Return the columns in their order, after all steps, in runs that lie side by side."""
        begin = dict.fromkeys(self._floats, 0)
        runs: list[Run] = []
        for block, is_float, names in self._named_runs():
            if is_float:
                stop = begin[block] + len(names)
                runs.append(self._floats[block][:, begin[block] : stop])
                begin[block] = stop
            else:
                runs.append([self._arrays[name] for name in names])
        return runs

    def _named_runs(self) -> list[tuple[Block, bool, list[str]]]:
        """Return the names in runs of floats, or of others, that lie in one block."""
        runs: list[tuple[Block, bool, list[str]]] = []
        for name in self._names:
            block = self._block_of[name]
            run_of = (block, name in block.float_position)
            if not runs or runs[-1][:2] != run_of:
                runs.append((*run_of, []))
            runs[-1][2].append(name)
        return runs


def take_all(gathers: Sequence[ColumnGather]) -> None:
    """Run all steps of some gathers, by several threads where there is much to copy.

    Objects are taken by this thread, and numbers and texts by others beside it: two threads that
    take objects would wait for each other.
    """
    objects = deque(step for gather in gathers for step in gather.object_steps)
    numbers = deque(step for gather in gathers for step in gather.number_steps)
    threads = min(processors(), _MOST_THREADS)
    if sum(gather.value_count for gather in gathers) < _MANY_VALUES or threads == 1:
        _run_all([*objects, *numbers])
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads - 1) as pool:
        others = [pool.submit(_run_all, _popped(numbers)) for _ in range(threads - 1)]
        try:
            _run_all(_popped(objects))
            _run_all(_popped(numbers))
        finally:
            numbers.clear()  # after Ctrl-C nobody waits for them
        for other in others:
            other.result()


def frame_of(runs: Iterable[Run], labels: Sequence[str], length: int) -> pd.DataFrame:
    """Return runs of columns, side by side, as one frame.

    Every frame that pandas makes on the way takes time: neighbouring lists of columns share one,
    and the labels are set at the end.
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


def _popped(steps: deque[Step]) -> Iterable[Step]:
    while True:
        try:
            yield steps.popleft()
        except IndexError:  # another thread may have run the last step
            return


def _run_all(steps: Iterable[Step]) -> None:
    for step in steps:
        step()
