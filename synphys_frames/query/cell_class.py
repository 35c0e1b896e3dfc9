"""Classes of cells: criteria defined once, evaluated in one place on any columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .._arguments import checked
from ..backends import parse
from ..errors import ArgumentError
from .criteria import (
    in_expression,
    name_of,
    published_criterion,
    require_possible,
    short_name,
)
from .criterion_values import (
    TELLING,
    Verdict,
    check_value,
    criterion_verdict,
    plain_value,
    require_known,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, init=False, repr=False)
class CellClass:
    """A class of cells, defined by what must be true of a cell.

    Parameters
    ----------
    *expressions
        SQL expressions over the same columns, each of which must be true, such as
        ``"fractional_layer_depth < 0.5"`` or ``"intrinsic.tau > 0.01"``.
    name
        A name for display; default the criteria's values joined by spaces.
    **criteria
        Column and value; a column's table can go before it, as in ``**{"cell.my_score": 3}``. A
        value matches by equality; several, as a tuple, list, set, array or Series, by membership,
        where a missing value among them is left out. NULL never matches, not even under ``~``: what
        is not known of a cell puts it into no class. ``"dendrite_type IS NULL"`` as an expression
        finds such cells.

    Attributes
    ----------
    criteria, expressions
        As given.
    operator, operands
        For a combined class: "and", "or" or "not", and the classes it combines; else "all", none.
    given_name
        The name that was given, or None.

    Notes
    -----
    The criteria are the columns of cell, morphology, patch_seq, intrinsic and
    cortical_cell_location but for JSON, those that somebody added to the file, too; and of tables
    that were added, where a foreign key connects them with cell and they have at most one row a
    cell (``"my_table.score > 3"``). A name that no published schema version has is looked for when
    the class is asked for. ``&``, ``|`` and ``~`` combine classes. A `cre_type` that lists several
    drivers ("sst,pvalb") is equal only to the same list; ``"cre_type ILIKE '%sst%'"`` finds it,
    whatever the case of its letters.

    Warns
    -----
    UnknownValueWarning
        Where cells are classified: none of the release has that value; once a value and release.

    Raises
    ------
    UnknownCriterionError
        A criterion or a name in an expression is not one of these columns, or looks like a slip.
    ArgumentError
        A value is not of its column's type, or missing; or a class is used as true or false.
    ExpressionError
        An expression is not valid.

    Examples
    --------
    >>> inhibitory = CellClass(cre_type=("pvalb", "sst", "vip"))
    >>> inhibitory.output_synapse_type
    'in'
    >>> CellClass(cell_class="ex", target_layer="2/3", dendrite_type="spiny").name
    'L2/3 spiny'
    >>> ~inhibitory & CellClass("fractional_depth < 0.5")
    CellClass(not (('pvalb', 'sst', 'vip')) and (fractional_depth < 0.5))
    """

    criteria: Mapping[str, Any]
    expressions: tuple[str, ...]
    operator: Literal["all", "and", "or", "not"]
    operands: tuple[CellClass, ...]
    given_name: str | None

    @checked()
    def __init__(self, *expressions: str, name: str | None = None, **criteria: Any) -> None:
        if name is not None and not isinstance(name, str):
            raise ArgumentError(f"name takes text or None; got {name!r}.")
        for expression in expressions:
            for column in parse(expression).names:
                in_expression(column, expression, require_possible)
        normal: dict[str, Any] = {}
        for given, value in criteria.items():
            key = short_name(given)
            if key in normal:
                raise ArgumentError(f"The criterion {key} is given twice, once as {given!r}.")
            require_known(key, value)
            normal[key] = plain_value(value)
            published = published_criterion(name_of(key))
            if published is not None:
                check_value(published, key, normal[key])
        self._set(MappingProxyType(normal), tuple(expressions), "all", (), name)

    def _set(self, *values: Any) -> None:
        for field, value in zip(CellClass.__slots__, values, strict=True):
            object.__setattr__(self, field, value)

    def _combined(self, operator: Literal["and", "or", "not"], *operands: CellClass) -> CellClass:
        combined = object.__new__(CellClass)
        combined._set(MappingProxyType({}), (), operator, operands, None)
        return combined

    def __and__(self, other: object) -> CellClass:
        return (
            self._combined("and", self, other) if isinstance(other, CellClass) else NotImplemented
        )

    def __or__(self, other: object) -> CellClass:
        return self._combined("or", self, other) if isinstance(other, CellClass) else NotImplemented

    def __bool__(self) -> bool:
        raise ArgumentError(
            "A CellClass is neither true nor false: `and`, `or` and `not` would drop a class. "
            "Combine classes by &, | and ~."
        )

    def __invert__(self) -> CellClass:
        return self._combined("not", self)

    def __getstate__(self) -> tuple[Any, ...]:
        return (dict(self.criteria), *(getattr(self, key) for key in CellClass.__slots__[1:]))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._set(MappingProxyType(state[0]), *state[1:])

    def __hash__(self) -> int:
        return hash((self.name, self.expressions, self.operator, self.operands))

    def renamed(self, name: str) -> CellClass:
        """Return the same class under another name."""
        if not isinstance(name, str):
            raise ArgumentError(f"name takes text; got {name!r}.")
        copy = object.__new__(CellClass)
        copy.__setstate__((*self.__getstate__()[:-1], name))
        return copy

    @property
    def as_tuple(self) -> tuple[str, ...]:
        """Values of the criteria that stand for the class on display.

        In this order, where given: layer (target_layer, else cortical_layer), dendrite_type, pyr or
        nonpyr, cre_type, t_type. A combined class has its one name.
        """
        if self.operator != "all":
            return (self.name,)
        parts = []
        layer = self.criteria.get("target_layer") or self.criteria.get("cortical_layer")
        if layer is not None:
            parts.append(f"L{layer}")
        if "dendrite_type" in self.criteria:
            parts.append(str(self.criteria["dendrite_type"]))
        if "pyramidal" in self.criteria:
            parts.append("pyr" if self.criteria["pyramidal"] else "nonpyr")
        parts += [
            str(self.criteria[key])
            for key in ("cre_type", "t_type")
            if self.criteria.get(key) is not None
        ]
        return tuple(parts)

    @property
    def name(self) -> str:
        """The given name, else one made from the criteria."""
        if self.given_name is not None:
            return self.given_name
        if self.operator == "all":
            return " ".join(self.as_tuple)
        return self._described(lambda operand: operand.name or str(operand))

    def _described(self, describe: Callable[[CellClass], str]) -> str:
        parts = [describe(operand) for operand in self.operands]
        parts = [
            f"({part})" if operand.operator != "not" and " " in part else part
            for part, operand in zip(parts, self.operands, strict=True)
        ]
        return f"not {parts[0]}" if self.operator == "not" else f" {self.operator} ".join(parts)

    def __str__(self) -> str:
        if self.name:
            return self.name
        parts = [f"{key} = {value!r}" for key, value in self.criteria.items()]
        return " and ".join([*parts, *self.expressions]) or "any cell"

    def __repr__(self) -> str:
        return f"CellClass({self})"

    @property
    def is_excitatory(self) -> bool | None:
        """True, False, or None where the criteria do not tell or do not agree.

        Told by cre_type, dendrite_type, cell_class and cell_class_nonsynaptic.
        """
        return {"ex": True, "in": False}.get(_verdict(self))

    @property
    def output_synapse_type(self) -> Literal["ex", "in"] | None:
        """Type of the synapses that cells of this class make: "ex", "in", or None."""
        verdict = _verdict(self)
        return verdict if verdict in ("ex", "in") else None


def as_cell_class(value: object, argument: str) -> CellClass | None:
    """Return a class from a class, its criteria as a dict, or None."""
    if value is None or isinstance(value, CellClass):
        return value
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return CellClass(**value)
    raise ArgumentError(
        f"{argument} takes a CellClass, such as CellClass(cre_type='pvalb'); got {value!r}."
    )


def _verdict(cell_class: CellClass) -> Verdict:
    """Return what the criteria, taken together, tell of the class."""
    if cell_class.operator == "not":
        return "silent"
    if cell_class.operator == "or":
        verdicts = {_verdict(operand) for operand in cell_class.operands}
        if "conflict" in verdicts or {"ex", "in"} <= verdicts:
            return "conflict"
        return verdicts.pop() if len(verdicts) == 1 else "silent"
    if cell_class.operator == "and":
        told = {_verdict(operand) for operand in cell_class.operands}
    else:
        told = {
            criterion_verdict(key, cell_class.criteria[key])
            for key in TELLING
            if cell_class.criteria.get(key) is not None
        }
    told.discard("silent")
    if not told:
        return "silent"
    return told.pop() if len(told) == 1 else "conflict"
