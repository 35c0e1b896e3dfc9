"""What a user gives as the classes of the presynaptic and of the postsynaptic cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ..query import CellClass

Classes: TypeAlias = (
    "Mapping[str, CellClass | Mapping[str, Any]] | Sequence[CellClass] | str | tuple[str, str]"
)


def both_sides(classes: Classes, post_classes: Classes | None) -> tuple[Classes, Classes]:
    """Return the classes of the presynaptic and of the postsynaptic cells.

    Raises
    ------
    ArgumentError
        A column was named for the presynaptic classes alone, and its name does not tell which one
        has the postsynaptic ones.
    """
    if isinstance(classes, tuple) and len(classes) == 2 and isinstance(classes[0], str):
        classes, post_classes = classes
    if post_classes is None:
        post_classes = classes
        if isinstance(classes, str):
            if not classes.startswith("pre_"):
                raise ArgumentError(
                    f"classes names one column, {classes!r}; the postsynaptic classes are in "
                    "another one: name both, as (pre, post)."
                )
            post_classes = "post_" + classes.removeprefix("pre_")
    return classes, post_classes


def classes_of(
    frame: pd.DataFrame, classes: Classes | None, post_classes: Classes | None
) -> Classes | None:
    """Return the classes that were given, else the columns of a classified frame, else None.

    Raises
    ------
    ArgumentError
        Only the postsynaptic ones were given.
    """
    if classes is None and post_classes is not None:
        raise ArgumentError("post_classes needs classes, those of the presynaptic cells.")
    if classes is None and {"pre_class", "post_class"} <= set(frame.columns):
        return "pre_class"
    return classes
