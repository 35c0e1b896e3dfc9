"""`df.synphys`: the verbs on frames that came from a release."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import numpy as np
import pandas as pd

from .analysis import (
    SIDES,
    PairFrame,
    compare_values,
    connectivity,
    connectivity_profile,
    fit_distance,
    value_matrix,
)
from .columns import Gathering, check_dtype_backend, to_arrow_backend
from .database import database_of
from .errors import ArgumentError, JoinError
from .query import (
    class_codes,
    ids_of,
    ids_via,
    kinds_of,
    named_classes,
    names_of,
    related_rows,
    require_via,
    select,
    table_of,
    warn_of_other_ways,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .analysis import Classes, DistanceFit, Kind, Model
    from .columns import DtypeBackend
    from .database import Release, SynphysDatabase
    from .plotting import PairPlots
    from .query import CellClass

    ClassLike = CellClass | Mapping[str, Any]
    Names = str | Sequence[str]
    Limits = tuple[float | None, float | None]


class PairArguments(TypedDict, total=False):
    """The filters of `SynphysDatabase.pairs`, which documents them."""

    pre_class: ClassLike | None
    post_class: ClassLike | None
    synapse: bool | None
    synapse_type: str | None
    synapse_probed: bool | None
    electrical: bool | None
    experiment_type: str | None
    project_name: Names | None
    acsf: Names | None
    age: Limits | None
    species: Names | None
    distance: Limits | None
    internal: Names | None
    where: str | None


@pd.api.extensions.register_dataframe_accessor("synphys")
class SynphysAccessor:
    """What a frame that came from a Synaptic Physiology release can do.

    A frame finds its database by ``attrs["synphys"]``, which pandas operations keep; where it was
    lost, every verb takes ``db=``. No verb changes the frame that it is called on.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @property
    def plot(self) -> PairPlots:
        """Pictures of a frame of pairs; needs matplotlib, the extra `plot`."""
        from .plotting import PairPlots

        return PairPlots(self._frame)

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
        one cell (such as morphologies) what the cells give.

        Parameters
        ----------
        include, dtype_backend
            As for `SynphysDatabase.pairs`.
        db
            The database, where the frame does not know it.
        **filters
            The filters of `SynphysDatabase.pairs`: pre_class, post_class, synapse, synapse_type,
            synapse_probed, electrical, experiment_type, project_name, acsf, age, species,
            distance, internal, where.

        Returns
        -------
        DataFrame
            As from `SynphysDatabase.pairs`: each pair once, in order of pair id.

        Raises
        ------
        ProvenanceError
            The frame's database or table can't be told.
        JoinError
            Pairs don't belong to rows of this table.

        Examples
        --------
        >>> young = db.slice[db.slice.age < 60]
        >>> young.synphys.pairs(synapse=True).shape
        (56, 14)
        """
        unknown = set(filters) - set(PairArguments.__annotations__)
        if unknown:
            raise ArgumentError(
                f"pairs() has no filter {', '.join(sorted(unknown))}. Filters: "
                f"{', '.join(PairArguments.__annotations__)}."
            )
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
        3   4              1
        4   5              1
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
        gathering = Gathering(store, source, ids=ids, missing=missing)
        joined = gathering.frame(selection)
        if via is None:
            for alias, _ in selection:
                reached = partial(gathering.series, alias, "id")
                aliases = store.aliases(source)
                warn_of_other_ways(aliases, alias.name, self._frame, reached, by_row=True)
        if dtype_backend == "pyarrow":
            joined = to_arrow_backend(joined, kinds_of(store, source, selection, prefixed=True))
        fresh = joined.loc[:, ~joined.columns.isin(self._frame.columns)]
        return self._beside(fresh)

    def _beside(self, columns: pd.DataFrame) -> pd.DataFrame:
        result = pd.concat([self._frame, columns.set_axis(self._frame.index)], axis=1)
        result.attrs = deepcopy(self._frame.attrs)
        return result

    def classify(
        self,
        classes: Mapping[str, ClassLike] | Sequence[CellClass],
        *,
        db: SynphysDatabase | None = None,
    ) -> pd.DataFrame:
        """Return this frame of pairs with the classes of both cells.

        Parameters
        ----------
        classes
            Name and class; or classes, which then go by their own names. A cell gets the first
            class that it belongs to.
        db
            The database, where the frame does not know it. It is asked only for criteria whose
            columns the frame does not have.

        Returns
        -------
        DataFrame
            The same rows and index, and the columns pre_class and post_class: categorical, in the
            order given, missing for cells of none of the classes.

        Raises
        ------
        ArgumentError
            The classes' names are not distinct.
        ProvenanceError
            This is no frame of pairs, or it lacks columns and a database.

        Examples
        --------
        >>> pairs = db.pairs(include="cell").synphys.classify(
        ...     {"Pvalb": sf.CellClass(cre_type="pvalb"), "Sst": sf.CellClass(cre_type="sst")}
        ... )
        >>> pairs["pre_class"].cat.categories.tolist()
        ['Pvalb', 'Sst']
        """
        named = named_classes(classes)
        members = list(named.values())
        pairs = PairFrame(self._frame, db)
        kept = self._frame.drop(columns=["pre_class", "post_class"], errors="ignore")
        decided, cells = pairs.on_cells(SIDES, members, partial(class_codes, members))
        names = pd.Index(list(named))
        added = {
            f"{side}_class": pd.Categorical.from_codes(decided[here], categories=names)
            for side, here in zip(SIDES, cells, strict=True)
        }
        result = kept.assign(**added)
        result.attrs = deepcopy(self._frame.attrs)
        return result

    def connectivity(
        self,
        classes: Classes,
        post_classes: Classes | None = None,
        *,
        kind: Kind = "chemical",
        distance: str = "distance",
        sigma: float | None = 100e-6,
        alpha: float = 0.05,
        probed: Literal["nonsynaptic", "synaptic"] = "nonsynaptic",
        db: SynphysDatabase | None = None,
    ) -> pd.DataFrame:
        """Return how often cells of one class are connected to cells of another.

        See `synphys_frames.connectivity`, which takes the same arguments after the frame.

        Examples
        --------
        >>> classes = {"Pvalb": sf.CellClass(cre_type="pvalb"), "Sst": sf.CellClass(cre_type="sst")}
        >>> counts = db.pairs(species="mouse").synphys.connectivity(classes)
        >>> counts[["n_connected", "n_probed"]].loc[("Pvalb", "Sst")].tolist()
        [1, 7]
        """
        return connectivity(
            self._frame,
            classes,
            post_classes,
            kind=kind,
            distance=distance,
            sigma=sigma,
            alpha=alpha,
            probed=probed,
            db=db,
        )

    def connectivity_profile(
        self,
        bins: int | Sequence[float],
        *,
        distance: str = "distance",
        classes: Classes | None = None,
        post_classes: Classes | None = None,
        alpha: float = 0.05,
        probed: Literal["nonsynaptic", "synaptic"] = "nonsynaptic",
        db: SynphysDatabase | None = None,
    ) -> pd.DataFrame:
        """Return connection probability by distance.

        See `synphys_frames.connectivity_profile`, which takes the same arguments after the frame.

        Examples
        --------
        >>> profile = db.pairs(species="mouse").synphys.connectivity_profile([0, 1e-4, 2e-4, 3e-4])
        >>> profile["n_probed"].tolist()
        [329, 387, 57]
        """
        return connectivity_profile(
            self._frame,
            bins,
            distance=distance,
            classes=classes,
            post_classes=post_classes,
            alpha=alpha,
            probed=probed,
            db=db,
        )

    def fit_distance(
        self,
        model: Model = "gaussian",
        *,
        distance: str = "distance",
        fixed_size: float | None = None,
        fixed_max: float | None = None,
        probed: Literal["nonsynaptic", "synaptic"] = "nonsynaptic",
        db: SynphysDatabase | None = None,
    ) -> DistanceFit:
        """Fit how connection probability falls with distance, over the probed pairs.

        See `synphys_frames.fit_distance`, which takes the same arguments after the frame.

        Examples
        --------
        >>> db.pairs(species="mouse").synphys.fit_distance().status
        'fitted'
        """
        return fit_distance(
            self._frame,
            model,
            distance=distance,
            fixed_size=fixed_size,
            fixed_max=fixed_max,
            probed=probed,
            db=db,
        )

    def matrix(
        self,
        column: str,
        classes: Classes,
        post_classes: Classes | None = None,
        *,
        aggfunc: str | Callable[[pd.Series], Any] = "median",
        min_count: int = 1,
        counts: bool = False,
        db: SynphysDatabase | None = None,
    ) -> Any:
        """Return a column's value for each combination of classes, presynaptic down.

        Parameters
        ----------
        column
            Any column of the frame that holds numbers.
        classes, post_classes
            As for `connectivity`.
        aggfunc
            As for pandas: "median", "mean", "std", "count", ..., or a function of a Series, which
            is taken to return the column's unit.
        min_count
            With fewer values the entry is missing.
        counts
            Whether to return the numbers of values, too.
        db
            The database, where the frame does not know it.

        Returns
        -------
        DataFrame, or two of them
            pre x post, float64; its ``attrs["synphys"]`` has the column, its unit and aggfunc. With
            ``counts=True`` the numbers of values behind each entry (int64) as a second frame.

        Raises
        ------
        UnknownColumnError
            The frame has no such column.
        ArgumentError
            It does not hold numbers.

        Examples
        --------
        >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
        >>> pairs = db.pairs(synapse=True, include="synapse")
        >>> medians = pairs.synphys.matrix("synapse.latency", classes)
        >>> medians.attrs["synphys"]["unit"]
        's'
        """
        values, counted = value_matrix(
            self._frame, column, classes, post_classes, aggfunc, min_count, db
        )
        return (values, counted) if counts else values

    def compare(
        self,
        column: str,
        classes: Classes,
        post_classes: Classes | None = None,
        *,
        min_count: int = 3,
        db: SynphysDatabase | None = None,
    ) -> pd.DataFrame:
        """Test whether a column differs between combinations of classes.

        Parameters
        ----------
        column, classes, post_classes, db
            As for `matrix`.
        min_count
            Combinations with fewer values are left out.

        Returns
        -------
        DataFrame
            A row for each two combinations: pre_class_a, post_class_a, pre_class_b, post_class_b,
            n_a, n_b, median_a, median_b, statistic (Mann-Whitney U of a), p_value (two-sided),
            p_adjusted (Holm, over all rows).

        Examples
        --------
        >>> classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}
        >>> pairs = db.pairs(synapse=True, include="synapse")
        >>> len(pairs.synphys.compare("synapse.psp_amplitude", classes))
        6
        """
        return compare_values(self._frame, column, classes, post_classes, min_count, db)


def _require_one_pair_or_cell(database: Release, source: str) -> None:
    aliases = database.store.aliases(source)
    for name in ("pair", "cell"):
        if name in aliases and aliases[name].direction == "up":
            return
    raise JoinError(
        f"Pairs don't belong to rows of {source!r}. Start from slices, experiments, cells or pairs."
    )
