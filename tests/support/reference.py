"""The pair filters once more, as one SQL statement for SQLite: what the library must agree with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .release_builder import query

if TYPE_CHECKING:
    from pathlib import Path

_FROM = """
FROM pair
JOIN cell AS pre_cell ON pre_cell.id = pair.pre_cell_id
JOIN cell AS post_cell ON post_cell.id = pair.post_cell_id
JOIN experiment ON experiment.id = pair.experiment_id
LEFT JOIN slice ON slice.id = experiment.slice_id
LEFT JOIN morphology AS pre_morphology ON pre_morphology.cell_id = pre_cell.id
LEFT JOIN morphology AS post_morphology ON post_morphology.cell_id = post_cell.id
LEFT JOIN patch_seq AS pre_patch_seq ON pre_patch_seq.cell_id = pre_cell.id
LEFT JOIN patch_seq AS post_patch_seq ON post_patch_seq.cell_id = post_cell.id
LEFT JOIN intrinsic AS pre_intrinsic ON pre_intrinsic.cell_id = pre_cell.id
LEFT JOIN intrinsic AS post_intrinsic ON post_intrinsic.cell_id = post_cell.id
LEFT JOIN cortical_cell_location AS pre_cortical_cell_location
  ON pre_cortical_cell_location.cell_id = pre_cell.id
LEFT JOIN cortical_cell_location AS post_cortical_cell_location
  ON post_cortical_cell_location.cell_id = post_cell.id
LEFT JOIN synapse ON synapse.pair_id = pair.id
LEFT JOIN resting_state_fit ON resting_state_fit.synapse_id = synapse.id
LEFT JOIN dynamics ON dynamics.pair_id = pair.id
LEFT JOIN synapse_model ON synapse_model.pair_id = pair.id
LEFT JOIN synapse_prediction ON synapse_prediction.pair_id = pair.id
"""

_PROBED = """(CASE pre_cell.cell_class
  WHEN 'ex' THEN coalesce(n_ex_test_spikes, 0) > 10
  WHEN 'in' THEN coalesce(n_in_test_spikes, 0) > 10
  ELSE coalesce(n_ex_test_spikes, 0) > 10 AND coalesce(n_in_test_spikes, 0) > 10 END)"""

_STANDARD = ("mouse V1 coarse matrix", "mouse V1 pre-production", "human coarse matrix")
_CLASS_TABLES = {
    "cre_type": "cell",
    "target_layer": "cell",
    "cell_class": "cell",
    "cell_class_nonsynaptic": "cell",
    "dendrite_type": "morphology",
    "pyramidal": "morphology",
    "t_type": "patch_seq",
    "tau": "intrinsic",
    "cortical_layer": "cortical_cell_location",
}


class _Conditions:
    def __init__(self) -> None:
        self.texts: list[str] = ["1"]
        self.values: list[Any] = []

    def among(self, column: str, value: Any) -> None:
        values = list(value) if isinstance(value, list | tuple | set) else [value]
        marks = ", ".join("?" * len(values))
        self.texts.append(f"{column} IN ({marks})")
        self.values += values

    def limits(self, column: str, limits: tuple[Any, Any]) -> None:
        for limit, operator in zip(limits, (">=", "<="), strict=True):
            if limit is not None:
                self.texts.append(f"{column} {operator} ?")
                self.values.append(limit)


def conditions(
    *, pre: dict[str, Any] | None, post: dict[str, Any] | None, **filters: Any
) -> tuple[str, tuple[Any, ...]]:
    """Return the WHERE clause and its values."""
    found = _Conditions()
    for side, criteria in (("pre", pre), ("post", post)):
        for key, value in (criteria or {}).items():
            found.among(f"{side}_{_CLASS_TABLES[key]}.{key}", value)
    if filters.pop("experiment_type", None) is not None:
        found.among("experiment.project_name", _STANDARD)
    columns = {
        "synapse": "pair.has_synapse",
        "electrical": "pair.has_electrical",
        "synapse_probed": _PROBED,
        "synapse_type": "synapse.synapse_type",
        "project_name": "experiment.project_name",
        "acsf": "experiment.acsf",
        "internal": "experiment.internal",
        "species": "slice.species",
    }
    for name, limit_column in (("age", "slice.age"), ("distance", "pair.distance")):
        if filters.get(name) is not None:
            found.limits(limit_column, filters[name])
        filters.pop(name, None)
    for name, value in filters.items():
        if value is not None:
            found.among(columns[name], value)
    return " AND ".join(found.texts), tuple(found.values)


def pair_ids(path: Path, where: str = "1", values: tuple[Any, ...] = ()) -> list[int]:
    """Return the ids of the pairs for which a condition holds, in order."""
    rows = query(path, f"SELECT pair.id {_FROM} WHERE {where} ORDER BY pair.id", values)
    return [row[0] for row in rows]


def column_sums(path: Path, labels: list[str], where: str = "1") -> list[float | None]:
    """Return the sum of each dotted column over the pairs for which a condition holds."""
    sums = ", ".join(f"sum({label})" for label in labels)
    [row] = query(path, f"SELECT {sums} {_FROM} WHERE {where}")
    return list(row)
