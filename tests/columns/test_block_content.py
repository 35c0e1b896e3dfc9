"""Columns as the bytes of a file, and back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synphys_frames.columns.block import packed
from synphys_frames.columns.block_content import BlockContent, block_content
from synphys_frames.schema.kinds import KINDS, Kind
from synphys_frames.schema.model import Column, Table

VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(),
    "bool": st.booleans(),
    "str": st.text(max_size=5),
    "datetime": st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),  # noqa: DTZ001
}
NAMES = {f"{kind}_{number}": kind for kind in VALUES for number in (1, 2)}
TABLE = Table("made_up", {name: Column("made_up", name, kind, "") for name, kind in NAMES.items()})


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], pa.Table]:
    """Names of columns, and these with their rows."""
    names = draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=1, unique=True))
    rows = draw(st.integers(0, 20))
    columns = {
        name: pa.array(
            draw(st.lists(st.none() | VALUES[NAMES[name]], min_size=rows, max_size=rows)),
            type=KINDS[NAMES[name]].arrow,
        )
        for name in names
    }
    return names, packed(TABLE, pa.table(columns))


@given(tables(), st.sampled_from(sorted(NAMES)))
def test_columns_come_back_as_they_were(
    packed_columns: tuple[list[str], pa.Table], other: str
) -> None:
    names, data = packed_columns
    content = b"".join(block_content({"of": names}, data))
    block = BlockContent(content)
    assert block.description == {"of": names}
    back = block.columns(TABLE, names)
    assert back.column_names == data.column_names
    for column, before in zip(back.columns, data.columns, strict=True):
        # NaN is no other NaN.
        assert repr(column.to_pylist()) == repr(before.to_pylist())
        assert column.type == before.type
    if other not in names:
        with pytest.raises(ValueError, match="buffer"):
            BlockContent(content).columns(TABLE, [*names, other])


def test_a_column_of_another_layout_is_not_kept() -> None:
    data = pa.table({"extra": pa.array([b"x", None])})
    with pytest.raises(NotImplementedError, match="binary are not kept"):
        b"".join(block_content({}, data))
