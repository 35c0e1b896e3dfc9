"""`df.synphys`: the verbs on frames that came from a release."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import pandas as pd

from ._arguments import checked
from .analysis import PairVerbs
from .columns import JoinedRows, check_dtype_backend, to_arrow_backend
from .database import database_of, open_database_of
from .errors import ArgumentError, JoinError
from .query import (
    ids_of,
    ids_via,
    kinds_of,
    names_of,
    related_rows,
    require_via,
    schema_of,
    select,
    table_of,
    to_units,
    warn_of_other_ways,
    with_filters,
)
from .schema import NEWEST, published_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .columns import DtypeBackend
    from .database import Release, SynphysDatabase
    from .plotting import PairPlots
    from .query import CellClass, PairArguments
    from .schema import Schema

    ClassLike = CellClass | Mapping[str, Any]


@pd.api.extensions.register_dataframe_accessor("synphys")
class SynphysAccessor(PairVerbs):
    """What a frame that came from a Synaptic Physiology release can do.

    A frame finds its database by ``attrs["synphys"]``, which pandas operations keep; where it was
    lost, every verb takes ``db=``. No verb changes the frame that it is called on.
    """

    @property
    def plot(self) -> PairPlots:
        """Pictures of a frame of pairs; needs matplotlib, the extra `plot`."""
        from .plotting import PairPlots

        return PairPlots(self._frame)

    @property
    def schema(self) -> pd.DataFrame:
        """What the columns of this frame are, a row a column.

        Returns
        -------
        DataFrame
            column, table, dtype, unit, description (str). The unit is what `to_units` noted, else
            that of the dataset; "1" is a pure number. Missing for columns that are not of the
            dataset.

        Examples
        --------
        >>> pairs = db.pairs(include="synapse").synphys.to_units("ms")
        >>> pairs.synphys.schema.set_index("column").loc["synapse.latency", "unit"]
        'ms'
        """
        return schema_of(self._frame, self._schema())

    def to_units(self, *units: str | Mapping[str, str]) -> pd.DataFrame:
        """Return this frame with values in other units, which its attrs note.

        Verbs on the result know its units: classes, distances and fits count as before, and
        pictures show values in the unit that is noted.

        Parameters
        ----------
        *units
            Units, each for all columns that are in its base: "ms" for those in seconds. Or a dict
            from columns to units. Known are m, s, V, A, ohm, F, S and Hz with the prefixes G, M,
            k, m, µ (or u), n and p.

        Returns
        -------
        DataFrame
            The same rows, columns and dtypes. ``attrs["synphys"]["units"]`` holds the units that
            are not those of the dataset. Missing values stay missing.

        Raises
        ------
        UnitError
            There is no such unit, or a column that is named can't be in it: it is a pure number,
            or in volts or amperes by clamp mode.
        UnknownColumnError
            The frame has no such column.

        Notes
        -----
        Values are multiplied or divided by a whole power of ten. Going back gives the same values
        but for a last bit now and then. Where attrs are lost (merge and concat keep them only
        where all frames agree), so is the note; go back to the dataset's units before.

        Examples
        --------
        >>> pairs = db.pairs(species="mouse").synphys.to_units({"pair.distance": "µm"})
        >>> pairs["pair.distance"].head(2).round(1).to_list(), pairs.attrs["synphys"]["units"]
        ([121.4, 43.2], {'pair.distance': 'µm'})
        """
        return to_units(self._frame, units, self._schema())

    def _schema(self) -> Schema:
        release = open_database_of(self._frame)
        return published_schema(NEWEST) if release is None else release.store.schema

    @with_filters
    @checked()
    def pairs(
        self,
        *,
        include: str | Sequence[str] = (),
        dtype_backend: DtypeBackend = None,
        db: SynphysDatabase | None = None,
        **filters: Unpack[PairArguments],
    ) -> pd.DataFrame:
        """Return the pairs that belong to the rows of this frame, filtered.

        Slices and experiments give their pairs; cells the pairs with both cells among them; pairs
        themselves; rows that belong to one pair (such as synapses) that pair, rows that belong to
        one cell (such as morphologies) what the cells give. All filters must hold.

        Parameters
        ----------
        {filters}
        {include}
        dtype_backend
            "pyarrow" for Arrow types.
        db
            The database, where the frame does not know it.

        Returns
        -------
        DataFrame
            Each pair once, in order of pair id, columns ``pair.id``, ..., ``pre_cell.cre_type``,
            ...; JSON and arrays only where named. What a pair does not have is missing. SI units.

        Raises
        ------
        ProvenanceError
            The frame's database or table can't be told.
        {refusals}

        See Also
        --------
        SynphysDatabase.pairs : The pairs of a whole release.

        Examples
        --------
        >>> young = db.slice[db.slice.age < 60]
        >>> young.synphys.pairs(synapse=True).shape
        (37, 14)
        """
        database = database_of(self._frame, db)
        ids = self._related_ids(database, "pair")
        return database.pairs(ids, include, dtype_backend, **filters)

    def _related_ids(self, database: Release, table: str) -> np.ndarray[Any, Any]:
        source = table_of(self._frame, database.store.schema)
        ids, missing = ids_of(self._frame, source)
        wanted = np.unique(ids[~missing])
        if source == table:
            return wanted
        if table == "pair" and source not in ("slice", "experiment", "cell"):
            _require_one_pair_or_cell(database, source)
        rows = related_rows(database.store.aliases, source, table)
        return database.related_ids(rows.ids_query, wanted)

    @checked()
    def related(
        self,
        table: str,
        *,
        via: str | None = None,
        dtype_backend: DtypeBackend = None,
        db: SynphysDatabase | None = None,
    ) -> pd.DataFrame:
        """Return the rows of another table that belong to the rows of this frame.

        Foreign keys are followed both ways: the cells of these experiments, the experiments of
        these cells, the pairs with both cells among these, both cells of these pairs.

        Parameters
        ----------
        table
            The other table; beside pairs also one side's cells, "pre_cell" or "post_cell".
        via
            Which way to go, where there are several: a table that it goes through ("recording"),
            or a foreign key that it follows ("stim_pulse.cell_id"). Default: the documented one.
        dtype_backend
            "pyarrow" for Arrow types.
        db
            The database, where the frame does not know it.

        Returns
        -------
        DataFrame
            A table frame in order of id, each row once.

        Raises
        ------
        ArgumentError
            An argument has a wrong type.
        UnknownTableError, NotInVersionError, JoinError
            There is no such table, the file's schema version does not have it, or no foreign key
            leads there.
        MissingRowsError
            A small file does not have the rows; the message says which file does.
        ProvenanceError
            The frame's database, table or ids can't be told, or they don't fit each other.

        Warns
        -----
        AmbiguousWayWarning
            Another way leads to different rows, and none was named.

        Notes
        -----
        `SynphysDatabase.ways` lists the way between any two tables, and what else `via` can name.
        The ways follow what a row belongs to:

        - cells and recordings: cell, electrode, recording, and from there to sync_rec,
          patch_clamp_recording, test_pulse, stim_pulse and baseline;
        - pairs and recordings: pair, pulse_response, recording, which are the recordings that
          hold the pair's responses; ``via="cell"`` gives all recordings of both cells;
        - responses of cells: those of the pairs with both cells among them; ``via="recording"``
          gives those recorded in the cells;
        - a pulse_response is in its own (the postsynaptic) recording; ``via="stim_pulse"`` leads
          to the recording of the stimulus.

        What a row only refers to leads nowhere unless it is named: the cell that a pulse was aimed
        at (``via="stim_pulse.cell_id"``), a recording's nearest test pulse
        (``via="patch_clamp_recording.nearest_test_pulse_id"``), ``via="test_pulse.electrode_id"``.

        Examples
        --------
        >>> db.experiment.head(1).synphys.related("cell")[["id", "experiment_id"]]
           id  experiment_id
        0   1              1
        1   2              1
        2   3              1
        """
        if not isinstance(table, str):
            raise ArgumentError(f"related takes the name of one table; got {table!r}.")
        require_via(via)
        check_dtype_backend(dtype_backend)
        database = database_of(self._frame, db)
        schema = database.store.schema
        source = table_of(self._frame, schema)
        aliases = database.store.aliases(source)
        if table not in aliases:
            schema.table(table)
        ids, missing = ids_of(self._frame, source)
        rows = related_rows(database.store.aliases, source, table, via)
        database.require_rows(rows.passed)
        wanted = np.unique(ids[~missing])
        found = database.rows_with_ids(rows.table, rows.ids_query, wanted, dtype_backend)
        if via is None:
            warn_of_other_ways(aliases, table, self._frame, lambda: found["id"], by_row=False)
        return found

    @checked()
    def join(
        self,
        *tables: str,
        via: str | None = None,
        dtype_backend: DtypeBackend = None,
        db: SynphysDatabase | None = None,
    ) -> pd.DataFrame:
        """Return this frame with columns of other tables beside it.

        Parameters
        ----------
        *tables
            Tables with at most one row for a row of this frame, followed along foreign keys both
            ways, or single columns of them ("slice.species"). Beside pairs, a table of cells means
            both sides (``pre_cell``, ``post_cell``).
        via
            Which way to go, where there are several: a table with at most one row for a row of
            this frame, or a foreign key ("stim_pulse.cell_id"). Default: the documented way, see
            `related` and `SynphysDatabase.ways`.
        dtype_backend
            "pyarrow" for Arrow types in the joined columns.
        db
            The database, where the frame does not know it.

        Returns
        -------
        DataFrame
            The same rows and index; the joined columns have dotted names (``slice.species``) and
            follow the frame's own. JSON and arrays only where named. Columns that the frame has
            already stay as they are.

        Raises
        ------
        ArgumentError
            An argument has a wrong type.
        JoinError
            A table has several rows for one of these, or no foreign key leads there.
        UnknownTableError, UnknownColumnError, NotInVersionError
            With the nearest names.
        MissingRowsError
            A small file does not have the rows; the message says which file does.
        ProvenanceError
            The frame's database, table or ids can't be told, or they don't fit each other.

        Warns
        -----
        AmbiguousWayWarning
            Another way leads to different rows, and none was named.

        Examples
        --------
        >>> experiments = db.experiment.synphys.join("slice")
        >>> experiments.loc[0, "slice.species"]
        'mouse'
        """
        database = database_of(self._frame, db)
        store = database.store
        source = table_of(self._frame, store.schema)
        require_via(via)
        wanted = names_of(tables, "join")
        if source in (name.partition(".")[0] for name in wanted):
            raise JoinError(f"The rows of this frame are rows of {source!r} already.")
        check_dtype_backend(dtype_backend)
        ids, missing = ids_of(self._frame, source)
        if via is not None:
            source, ids, missing = ids_via(store, source, ids, missing, via)
        selection = select(store, source, wanted, groups=False, own=())
        rows = JoinedRows(store, source, ids=ids, missing=missing)
        joined = rows.frame(selection)
        if via is None:
            for alias, _ in selection:
                reached = partial(rows.series, alias, "id")
                aliases = store.aliases(source)
                warn_of_other_ways(aliases, alias.name, self._frame, reached, by_row=True)
        if dtype_backend == "pyarrow":
            joined = to_arrow_backend(joined, kinds_of(store, source, selection, prefixed=True))
        known = joined.columns.isin(self._frame.columns)
        return self._beside(joined.loc[:, ~known] if known.any() else joined)

    def _beside(self, columns: pd.DataFrame) -> pd.DataFrame:
        result = pd.concat([self._frame, columns.set_axis(self._frame.index)], axis=1)
        result.attrs = deepcopy(self._frame.attrs)
        return result


def _require_one_pair_or_cell(database: Release, source: str) -> None:
    aliases = database.store.aliases(source)
    for name in ("pair", "cell"):
        if name in aliases and aliases[name].direction == "up":
            return
    raise JoinError(
        f"Pairs don't belong to rows of {source!r}. Start from slices, experiments, cells or pairs."
    )
