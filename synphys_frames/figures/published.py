"""The printed figures, from the data files of the package, each with how it was found.

``data/<release>.json`` lists the figures of a release as questions; longer tables stand beside it
as CSV. Sources are named by the letters of ``data/sources.json``, classes by the names in
``data/classes.json``.
"""

from __future__ import annotations

import json
from importlib.resources import files
from io import StringIO
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..schema import STR
from .figure_set import FigureSet, by_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable


# Columns of the tables that say what a figure is of; the others hold figures.
_KEYS = ("column", "type", "pre", "post")


def figure_sets(version: str) -> list[FigureSet]:
    """Return what was printed about a release, by its version; nothing where nothing was.

    Examples
    --------
    >>> sets = figure_sets("r2.0-pre4")
    >>> sets[0].published[["what", "published"]].values.tolist()
    [['human pairs with an excitatory synapse, all projects', 376.0]]
    """
    listed = _data().joinpath(f"{version}.json")
    if not listed.is_file():
        return []
    return list(chain.from_iterable(map(_sets, json.loads(listed.read_text(encoding="utf-8")))))


def _data() -> Traversable:
    return files(__package__).joinpath("data")


def _read(name: str) -> Any:
    return json.loads(_data().joinpath(name).read_text(encoding="utf-8"))


def _sets(entry: dict[str, Any]) -> Iterator[FigureSet]:
    """Yield the sets of one entry: one for each column of the dataset that it is about."""
    figures = _figures(entry)
    if "column" not in figures.index.names:
        yield _set(entry, figures)
        return
    for column, part in figures.groupby(level="column", sort=False):
        yield _set(entry | {"column": column}, part)


def _figures(entry: dict[str, Any]) -> pd.Series:
    """Return the printed numbers of an entry, by what they are of."""
    if "table" not in entry:
        numbers = entry.get("figures") or {entry["what"]: entry["published"]}
        return pd.Series(numbers, dtype=np.float64).rename_axis("table")
    text = _data().joinpath(entry["table"]).read_text(encoding="utf-8")
    # Not from the file: where its decoder hears of Ctrl-C, pandas makes a ParserError of it.
    table = pd.read_csv(StringIO(text), dtype=STR)
    keys = [name for name in _KEYS if name in table.columns]
    # From text, a number is the very double that was printed; read_csv is off by a bit in some.
    return by_key(table.set_index(keys).astype(np.float64))


def _set(entry: dict[str, Any], figures: pd.Series) -> FigureSet:
    named = figures.index.to_frame().to_dict("records")
    settings = dict(entry)
    if "classes" in entry:
        classes = _read("classes.json")[entry["classes"]]
        asked = set().union(*(one.values() for one in named))
        settings["classes"] = {name: one for name, one in classes.items() if name in asked}
    published = pd.DataFrame(
        {
            "what": pd.array([entry["what"].format_map(one) for one in named], dtype=STR),
            "published": figures.to_numpy(dtype=np.float64),
            "tolerance": entry.get("tolerance", np.nan),
            "source": pd.array([_credit(entry)] * len(figures), dtype=STR),
        },
        index=figures.index,
    )
    return FigureSet(entry["question"], settings, published)


def _credit(entry: dict[str, Any]) -> str:
    """Return who printed the figures of an entry."""
    known = _read("sources.json")
    credit = "; ".join(known[letter] for letter in entry["source"])
    return f"{credit} ({entry['note']})" if "note" in entry else credit
