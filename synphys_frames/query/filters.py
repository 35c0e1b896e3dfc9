"""The filters of pairs: one list, which everything that filters pairs follows.

`SynphysDatabase.pairs` and `SynphysAccessor.pairs` take these arguments, and their help is made of
the list; the command has an option for each. Nothing else names a filter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from .class_filter import ClassFilter
from .filter_kinds import Choice, Flag, Limits, OneOf
from .probed import ProbedFilter
from .where_filter import ExpressionFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .cell_class import CellClass
    from .filter_base import Filter


# In the order in which signatures and tables show them.
FILTERS: tuple[Filter, ...] = (
    ClassFilter(
        name="pre_class",
        side="pre",
        keeps="whose presynaptic cell belongs to the class",
    ),
    ClassFilter(
        name="post_class",
        side="post",
        keeps="whose postsynaptic cell belongs to the class",
    ),
    Flag(
        name="synapse",
        alias="pair",
        column="has_synapse",
        keeps="with, or without, a chemical synapse (`has_synapse`); not known is neither",
    ),
    Choice(
        name="synapse_type",
        alias="synapse",
        column="synapse_type",
        choices={kind: (kind,) for kind in ("ex", "in", "mixed")},
        called="synapse type",
        keeps="with a synapse of this type",
    ),
    ProbedFilter(
        name="synapse_probed",
        keeps="with, or without, more than 10 test spikes of the type that the presynaptic "
        "`cell_class` calls for (of both types where it is neither ex nor in)",
    ),
    Flag(
        name="electrical",
        alias="pair",
        column="has_electrical",
        keeps="with, or without, an electrical synapse (`has_electrical`); not known is neither",
    ),
    Choice(
        name="experiment_type",
        alias="experiment",
        column="project_name",
        choices={
            "standard multipatch": (
                "mouse V1 coarse matrix",
                "mouse V1 pre-production",
                "human coarse matrix",
            )
        },
        called="experiment type",
        hint="; project_name= takes single projects",
        contradicts={"project_name": "an experiment type stands for its projects"},
        keeps="of the mouse and human matrix projects",
    ),
    OneOf(
        name="project_name",
        alias="experiment",
        column="project_name",
        known="project",
        keeps="of these projects, which `project_names` of the database lists",
    ),
    OneOf(
        name="acsf",
        alias="experiment",
        column="acsf",
        keeps="in this extracellular solution",
    ),
    Limits(
        name="age",
        alias="slice",
        column="age",
        unit="days",
        keeps="of animals of this age, both ends included",
    ),
    OneOf(
        name="species",
        alias="slice",
        column="species",
        keeps="of this species",
    ),
    Limits(
        name="distance",
        alias="pair",
        column="distance",
        unit="metres",
        keeps="whose cell bodies are so far apart, both ends included",
    ),
    OneOf(
        name="internal",
        alias="experiment",
        column="internal",
        keeps="with this solution in the pipettes",
    ),
    ExpressionFilter(
        name="where",
        keeps="for which it is true; columns of pair need no dot",
    ),
)


class PairArguments(TypedDict, total=False):
    """The filters as typed arguments, for those who check types and for the signatures."""

    pre_class: CellClass | Mapping[str, Any] | None
    post_class: CellClass | Mapping[str, Any] | None
    synapse: bool | None
    synapse_type: str | None
    synapse_probed: bool | None
    electrical: bool | None
    experiment_type: str | None
    project_name: str | Sequence[str] | None
    acsf: str | Sequence[str] | None
    age: tuple[float | None, float | None] | None
    species: str | Sequence[str] | None
    distance: tuple[float | None, float | None] | None
    internal: str | Sequence[str] | None
    where: str | None


def require_whole(filters: Iterable[Filter], arguments: Iterable[str]) -> None:
    """Raise `TypeError` where filters and typed arguments are not the same, each once.

    Parameters
    ----------
    filters
        The list.
    arguments
        Names of the typed arguments.
    """
    names = [one.name for one in filters]
    if names != list(arguments) or len(set(names)) < len(names):
        differing = sorted(set(names) ^ set(arguments)) or "their order"
        raise TypeError(
            f"FILTERS and PairArguments must name the same filters, once each and in one order; "
            f"they differ in {differing}."
        )
    flags = [one.option.flag for one in filters]
    if len(set(flags)) < len(flags):
        raise TypeError(f"Two filters have the same option: {', '.join(sorted(flags))}.")


require_whole(FILTERS, PairArguments.__annotations__)
