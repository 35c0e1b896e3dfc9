"""Which cells belong to a class."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..backends import parse
from .criteria import criterion_column, in_expression, name_of
from .criterion_values import FALSE, TRUE, UNKNOWN

if TYPE_CHECKING:
    from .._typing import Mask, Truth
    from ..schema import Column
    from .cell_class import CellClass
    from .cells import Cells, Criteria


def class_columns(cell_class: CellClass, criterion: Criteria = criterion_column) -> set[Column]:
    """Return the columns that decide about membership.

    Parameters
    ----------
    cell_class
        The class.
    criterion
        As of `Cells`.
    """
    columns = {criterion(name_of(key)) for key in cell_class.criteria}
    for text in cell_class.expressions:
        columns |= {in_expression(name, text, criterion) for name in parse(text).names}
    return columns.union(*(class_columns(operand, criterion) for operand in cell_class.operands))


def class_truth(cell_class: CellClass, cells: Cells) -> Truth:
    """Return for each cell whether it belongs to a class, as a number; see `TRUE`."""
    if cell_class.operator == "not":
        return TRUE - class_truth(cell_class.operands[0], cells)
    results = [class_truth(operand, cells) for operand in cell_class.operands]
    results += [cells.match(key, value) for key, value in cell_class.criteria.items()]
    results += [cells.evaluate(parse(text)) for text in cell_class.expressions]
    together, nothing = (np.maximum, FALSE) if cell_class.operator == "or" else (np.minimum, TRUE)
    if not results:
        return np.full(cells.count, nothing, dtype=np.int8)
    return reduce(together, results)


def class_members(cell_class: CellClass, cells: Cells) -> Mask:
    """Return for each cell whether it surely belongs to a class."""
    surely: Mask = class_truth(cell_class, cells) == TRUE
    return surely


def class_verdict(cell_class: CellClass, cells: Cells) -> Any:
    """Return for each cell whether it belongs to a class.

    Returns
    -------
    pandas.arrays.BooleanArray
        True, False, or NA where what is not known of the cell would decide. Only True belongs.
    """
    truth = class_truth(cell_class, cells)
    return pd.arrays.BooleanArray(truth == TRUE, truth == UNKNOWN)
