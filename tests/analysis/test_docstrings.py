from __future__ import annotations

import inspect
import pydoc
import re
from typing import TYPE_CHECKING, Any

import pytest

import synphys_frames as sf
from synphys_frames.analysis.docstrings import documented_by
from synphys_frames.plotting import PairPlots

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = (
    "tally",
    "summarise",
    "connectivity",
    "connectivity_profile",
    "fit_distance",
    "fit_probability",
)
VERBS = (
    "classify",
    "tally",
    "connectivity",
    "connectivity_profile",
    "fit_distance",
    "matrix",
    "compare",
)
PLOTS = ("connectivity", "matrix", "distance", "strip")
DOCUMENTED = [
    *(getattr(sf, name) for name in FUNCTIONS),
    *(getattr(sf.SynphysAccessor, name) for name in VERBS),
    *(getattr(PairPlots, name) for name in PLOTS),
]
SECTIONS = ["Parameters", "Returns", "Raises", "See Also", "Notes", "References", "Examples"]


def sections(function: Any) -> dict[str, str]:
    summary, *parts = re.split(r"^(\S.*)\n-+\n", inspect.getdoc(function) or "", flags=re.MULTILINE)
    return {"": summary, **dict(zip(parts[::2], parts[1::2], strict=True))}


def parameters(function: Any) -> Iterator[str]:
    for line in sections(function)["Parameters"].splitlines():
        if line and not line.startswith(" "):
            yield from line.split(", ")


@pytest.mark.parametrize("function", DOCUMENTED, ids=lambda function: str(function.__qualname__))
def test_help_tells_every_parameter_once_and_in_order(function: Any) -> None:
    expected = [name for name in inspect.signature(function).parameters if name != "self"]
    assert sorted(parameters(function)) == sorted(expected)
    text = pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert not re.search(r"^\s*See `|^\s*As for `.*`[.,]?$", text, re.MULTILINE)
    told = list(sections(function))
    assert told[0] == ""
    assert told[1:] == [title for title in SECTIONS if title in told]
    assert {"Returns", "Raises", "Examples"} <= set(told)


def test_the_docstring_of_another_function_fills_in_what_is_missing() -> None:
    def volume(frame: Any, width: float, height: float, depth: float) -> None:
        """Return a volume.

        Parameters
        ----------
        frame
            The frame.
        width, height
            In metres.
        depth
            In metres, downward.

        Returns
        -------
        float
            In cubic metres.
        """

    @documented_by(volume)
    def area(width: float, height: float, unit: str) -> None:
        """Return an area.

        Parameters
        ----------
        unit
            Of the result.

        Returns
        -------
        float
            In that unit.
        """

    @documented_by(volume, parameters_only=True)
    def side(depth: float) -> None:
        """Return a side."""

    assert inspect.getdoc(area) == (
        "Return an area.\n\nParameters\n----------\nwidth, height\n    In metres.\nunit\n"
        "    Of the result.\n\nReturns\n-------\nfloat\n    In that unit."
    )
    assert (
        side.__doc__ == "Return a side.\n\nParameters\n----------\ndepth\n    In metres, downward."
    )


def test_a_function_without_a_docstring_stays_without() -> None:
    def bare(alpha: float) -> None:
        pass

    assert documented_by(sf.connectivity)(bare).__doc__ is None
