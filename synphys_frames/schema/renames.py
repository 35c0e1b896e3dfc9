"""One vocabulary: the newest schema's names, for files of every schema version.

Only true renames are mapped. Where a meaning changed, the old name stays.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from .model import Column, Schema, Table
from .published import VERSIONS, published_schema

# Newest name of a column, the versions that call it otherwise, and its name there.
_RENAMED: dict[tuple[str, str], tuple[frozenset[str], str]] = {
    **{
        ("intrinsic", f"ap_{name}"): (frozenset({"16", "17", "18"}), name)
        for name in (
            "upstroke_downstroke_ratio",
            "width",
            "upstroke",
            "downstroke",
            "threshold_v",
            "peak_deltav",
            "fast_trough_deltav",
        )
    },
    ("cortical_cell_location", "cortical_layer"): (frozenset({"17", "18"}), "layer"),
}
# Columns whose values versions write otherwise, by the newest names, and SQL that puts them right;
# {0} is the file's own column.
_RESPELT: dict[tuple[str, str], tuple[frozenset[str], str]] = {
    # "Layer2/3" where others write "2/3".
    (table, "cortical_layer"): (frozenset({"17", "18"}), "regexp_replace({0}, '^Layer', '')")
    for table in ("cortical_cell_location", "morphology")
}
_EXCITATORY_FLAG = "CASE WHEN is_excitatory THEN 'ex' WHEN NOT is_excitatory THEN 'in' END"
_FITS = ("avg_response_fit", "resting_state_fit")


@cache
def published_vocabulary(version: str) -> Schema:
    """Return the tables of a published schema version by the newest schema's names.

    Parameters
    ----------
    version
        "15" to "22".

    Examples
    --------
    >>> published_vocabulary("18").tables["intrinsic"].columns["ap_width"].native_name
    'width'
    """
    return in_newest_names(published_schema(version))


def in_newest_names(native: Schema) -> Schema:
    """Return a file's tables by the newest schema's names.

    Parameters
    ----------
    native
        The tables by the file's own names.

    Returns
    -------
    Schema
        Columns in the order of the file; those with another name there have a `native_name`.
    """
    version = native.version
    tables = {table.name: _respelt(_renamed(table, version), version) for table in native}
    if version == "15" and "is_excitatory" in native.tables["cell"].columns:
        tables["cell"] = _with_cell_class(tables["cell"])
    if version in ("15", "16") and "cortical_layer" in tables["morphology"].columns:
        tables |= _with_location(tables["morphology"])
    if version in ("15", "16", "17"):
        for name in _FITS:
            if name in tables:
                tables[name] = _keyed_by_synapse(tables[name])
        if "stim_name" in tables["patch_clamp_recording"].columns:
            tables |= _with_stim_name(tables["recording"], tables["patch_clamp_recording"])
    return Schema(version, tables)


def _renamed(table: Table, version: str) -> Table:
    newest = {
        native: name
        for (of_table, name), (versions, native) in _RENAMED.items()
        if of_table == table.name and version in versions
    }
    if not newest.keys() & table.columns.keys():
        return table
    columns = [
        _newest(table.name, newest[column.name], native_name=column.name, expression=column.name)
        if column.name in newest
        else column
        for column in table.columns.values()
    ]
    return replace(table, columns={column.name: column for column in columns})


def _respelt(table: Table, version: str) -> Table:
    columns = dict(table.columns)
    for (of_table, name), (versions, pattern) in _RESPELT.items():
        if of_table == table.name and version in versions and name in columns:
            column = columns[name]
            expression = pattern.format(column.expression or name)
            columns[name] = replace(column, expression=expression, is_respelt=True)
    return replace(table, columns=columns)


def _newest(table: str, name: str, *, native_name: str, expression: str) -> Column:
    """Return a column as the newest schema has it, found elsewhere in the file."""
    column = published_schema(VERSIONS[-1]).table(table).columns[name]
    return replace(column, native_name=native_name, expression=expression)


def _with_cell_class(cell: Table) -> Table:
    derived = _newest(
        "cell", "cell_class", native_name="is_excitatory", expression=_EXCITATORY_FLAG
    )
    columns = [
        derived if column.name == "is_excitatory" else column for column in cell.columns.values()
    ]
    return replace(cell, columns={column.name: column for column in columns})


def _with_location(morphology: Table) -> dict[str, Table]:
    """Return morphology without its layer, and a location table that has only that."""
    name = "cortical_cell_location"
    layer = _newest(
        name,
        "cortical_layer",
        native_name="morphology.cortical_layer",
        expression="cortical_layer",
    )
    # The keys are morphology's own: there to join by, and no columns of a location.
    keys = [
        replace(morphology.columns[key], table=name, is_internal=True) for key in ("id", "cell_id")
    ]
    described = published_schema(VERSIONS[-1]).table(name).description
    columns = {column.name: column for column in (*keys, layer)}
    location = Table(name, columns, described, stored_in="morphology")
    rest = {key: column for key, column in morphology.columns.items() if key != "cortical_layer"}
    return {"morphology": replace(morphology, columns=rest), name: location}


def _keyed_by_synapse(fit: Table) -> Table:
    key = replace(fit.columns["pair_id"], references=("synapse", "pair_id"))
    return replace(fit, columns=fit.columns | {"pair_id": key})


def _with_stim_name(recording: Table, patch_clamp: Table) -> dict[str, Table]:
    """Return recording with the stimulus name that patch_clamp_recording has."""
    stim_name = _newest(
        "recording",
        "stim_name",
        native_name="patch_clamp_recording.stim_name",
        expression=(
            "(SELECT any_value(details.stim_name) FROM native.patch_clamp_recording AS details "
            "WHERE details.recording_id = stored.id)"
        ),
    )
    rest = {key: column for key, column in patch_clamp.columns.items() if key != "stim_name"}
    return {
        "recording": replace(recording, columns=recording.columns | {"stim_name": stim_name}),
        "patch_clamp_recording": replace(patch_clamp, columns=rest),
    }


_ELSEWHERE = {
    ("morphology", "cortical_layer"): "cortical_cell_location.cortical_layer",
    ("patch_clamp_recording", "stim_name"): "recording.stim_name",
    ("cell", "is_excitatory"): "cell.cell_class",
}


def newest_place(table: str, column: str) -> str | None:
    """Return where the newest names have what a version calls, or keeps, otherwise.

    Examples
    --------
    >>> newest_place("intrinsic", "width"), newest_place("cell", "is_excitatory")
    ('intrinsic.ap_width', 'cell.cell_class')
    """
    for (of_table, newest), (_, native) in _RENAMED.items():
        if (of_table, native) == (table, column):
            return f"{of_table}.{newest}"
    return _ELSEWHERE.get((table, column))


def old_places() -> dict[tuple[str, str], str]:
    """Return what versions have under other names: {(table, column): newest place}."""
    renamed = {
        (table, native): f"{table}.{newest}" for (table, newest), (_, native) in _RENAMED.items()
    }
    return renamed | _ELSEWHERE


@cache
def versions_of(table: str, column: str | None = None) -> tuple[str, ...]:
    """Return the schema versions that have a table, or a column, under its newest name.

    Examples
    --------
    >>> versions_of("synapse_model")
    ('20', '21', '22')
    >>> versions_of("intrinsic", "ap_width")
    ('17', '18', '19', '20', '21', '22')
    """
    versions = []
    for version in VERSIONS:
        tables = published_vocabulary(version).tables
        if table in tables and (column is None or column in tables[table].columns):
            versions.append(version)
    return tuple(versions)


def schema_changes(before: str | None, version: str) -> dict[str, list[str]]:
    """Return what a schema version added, removed and renamed.

    Parameters
    ----------
    before
        The version before it, or None.
    version
        The version.

    Returns
    -------
    dict
        Lists: tables_added, tables_removed, columns_added, columns_removed, columns_renamed,
        columns_retyped.
    """
    names = ("tables_added", "tables_removed", "columns_added", "columns_removed")
    more = ("columns_renamed", "columns_retyped")
    changes: dict[str, list[str]] = {name: [] for name in (*names, *more)}
    if before is None:
        return changes
    old, new = published_schema(before), published_schema(version)
    changes["tables_added"] = [table.name for table in new if table.name not in old]
    changes["tables_removed"] = [table.name for table in old if table.name not in new]
    changes["columns_retyped"] = [
        f"{table.name}.{name}: {old.tables[table.name].columns[name].kind} -> {column.kind}"
        for table in new
        if table.name in old
        for name, column in table.columns.items()
        if name in old.tables[table.name].columns
        and old.tables[table.name].columns[name].kind != column.kind
    ]
    places = _native_places(before), _native_places(version)
    for key in dict.fromkeys([*places[0], *places[1]]):
        table = key.partition(".")[0]
        old_place, new_place = places[0].get(key), places[1].get(key)
        if old_place is not None and new_place is not None and old_place not in _own_names(new):
            if old_place != new_place and _ELSEWHERE.get(_parts(old_place)) != "cell.cell_class":
                changes["columns_renamed"].append(f"{old_place} -> {new_place}")
            elif old_place != new_place:
                # Made from the old one, and not the same under another name.
                changes["columns_removed"].append(old_place)
                changes["columns_added"].append(new_place)
        elif new_place is not None and table in old and new_place not in _own_names(old):
            changes["columns_added"].append(key)
        elif old_place is not None and table in new and old_place not in _own_names(new):
            changes["columns_removed"].append(key)
    return changes


def _parts(name: str) -> tuple[str, str]:
    table, _, column = name.partition(".")
    return table, column


def _own_names(native: Schema) -> set[str]:
    return {f"{table.name}.{column}" for table in native for column in table.columns}


def _native_places(version: str) -> dict[str, str]:
    """Return where a version's file has each column: {newest "table.column": its own}."""
    return {
        f"{table.name}.{column.name}": (
            column.native_name
            if column.native_name is not None and "." in column.native_name
            else f"{table.name}.{column.native_name or column.name}"
        )
        for table in published_vocabulary(version)
        for column in table.columns.values()
        if not column.is_internal
    }
