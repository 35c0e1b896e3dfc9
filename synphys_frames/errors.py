"""Every error that this package raises on purpose, each with a name and a way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_MOST_CHARACTERS = 4000
_HALF = 1000


class SynphysError(Exception):
    """Base of all errors of this package."""

    def __str__(self) -> str:
        # KeyError shows the repr of its message; these messages are sentences.
        text = str(self.args[0]) if self.args else ""
        # What was given may be of any length; the beginning and the way out are read.
        if len(text) > _MOST_CHARACTERS:
            text = f"{text[:_HALF]} … {text[-_HALF:]}"
        return text


class ArgumentError(SynphysError, ValueError):
    """An argument has a value or a type that can't be used, or two contradict each other."""


class UnitError(ArgumentError):
    """A value or a column can't be of the unit that it is taken for."""


class UnknownNameError(SynphysError, KeyError):
    """A name that is not among the known ones."""


class UnknownVersionError(UnknownNameError):
    """No release file of that name is listed."""


class UnknownTableError(UnknownNameError, AttributeError):
    """The release file has no such table."""


class UnknownColumnError(UnknownNameError):
    """The table has no such column."""


class NotInVersionError(UnknownTableError, UnknownColumnError):
    """A table or column of another schema version than the file's."""


class MissingRowsError(SynphysError, ValueError):
    """The file's size does not have the rows that a query needs."""


class UnknownCriterionError(UnknownNameError):
    """Cells can't be classified by that name."""


class UnknownValueError(UnknownNameError, ValueError):
    """A project, synapse type or experiment type that the release does not have."""


class ExpressionError(SynphysError, ValueError):
    """A filter expression is not one valid SQL expression."""


class QueryError(SynphysError, ValueError):
    """DuckDB refused a query."""


class QueryTimeoutError(QueryError, TimeoutError):
    """A query took longer than `config.query_timeout`."""


class JoinError(SynphysError, ValueError):
    """Two tables can't be joined with at most one matching row."""


class ProvenanceError(SynphysError, ValueError):
    """The database that a frame belongs to can't be told or found, or is not that of its rows."""


class ClosedError(SynphysError):
    """The database was closed."""


class ForkedError(SynphysError):
    """The process was forked while other threads were querying, and can't query itself."""


class ReadOnlyError(SynphysError, AttributeError, TypeError):
    """A database is only ever read; nothing of it can be set."""


class ReleaseFileError(SynphysError):
    """A file is missing, damaged, or not a Synaptic Physiology release."""


class StoredValueError(SynphysError, ValueError):
    """A stored value is not of its column's type."""


class ExtensionError(SynphysError, ImportError):
    """DuckDB's sqlite extension could not be loaded."""


class MissingLibraryError(SynphysError, ImportError):
    """A library of an optional extra is not installed."""


class CatalogueError(SynphysError):
    """A list of published versions is not of the expected shape."""


class FetchError(SynphysError, OSError):
    """A file could not be fetched."""


class NotFoundError(FetchError):
    """The server does not have the file."""


class IncompleteDownloadError(FetchError):
    """The connection failed too often; what has arrived is kept for the next call."""


class RemoteChangedError(FetchError):
    """The file changed on the server while it was being fetched."""


class VerificationError(FetchError):
    """What arrived is not what was published."""


class ExportError(SynphysError, OSError):
    """A file can't be written where it was asked for."""


class SynphysWarning(UserWarning):
    """Base of the warnings of this package that have a name."""


class AmbiguousWayWarning(SynphysWarning):
    """Between two tables several ways lead to different rows, and none was named."""


class MissingRowsWarning(SynphysWarning):
    """A table is empty because the file's size does not have its rows."""


class FrameColumnError(SynphysError, ValueError):
    """A column of a frame holds values of another type than it has in a release."""


class RepeatedPairsError(SynphysError, ValueError):
    """A frame has a pair in several rows, and counting would count it several times."""


class OverlappingClassesError(SynphysError, ValueError):
    """Cells belong to several classes, where each is to have one."""


class OverlappingClassesWarning(SynphysWarning):
    """Cells belong to several classes, and get the first of them."""


class SelectedPairsWarning(SynphysWarning):
    """Pairs that were chosen by having a synapse are counted as if they were not."""


class UncheckedPairsWarning(SynphysWarning):
    """It can't be told whether a frame has a pair several times."""


class UnitWarning(SynphysWarning):
    """A number can't be of the unit of the column that it is compared with."""


class UnknownValueWarning(SynphysWarning):
    """A class asks for a value that no cell has: it may be misspelt."""


def shown(value: object, *, most: int = 200) -> str:
    """Return how a value is shown in a message: in one line, and not at any length.

    Examples
    --------
    >>> shown("x" * 1000, most=10)
    "'xxxxxxxxx…"
    """
    try:
        if getattr(value, "shape", ()) != ():
            return type(value).__name__
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - the repr of somebody's object may raise anything
        text = f"<{type(value).__name__}>"
    return text if len(text) <= most else f"{text[:most]}…"


def nearest_values(value: object, known: Iterable[object], *, most: int = 20) -> str:
    """Return a sentence that points from a value that is not there to those that are.

    Examples
    --------
    >>> nearest_values("Mouse", ["human", "mouse"])
    "Did you mean 'mouse'? Known: 'human', 'mouse'."
    """
    names = sorted(map(str, known))
    near = did_you_mean(value, names)
    near = f"{near} " if near.startswith("Did you") else ""
    if len(names) > most:
        return f"{near}It has {len(names)} others."
    return f"{near}Known: {', '.join(map(repr, names)) or 'none'}."


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line of the user that led here, whatever lies between."""
    import sys
    import warnings
    from pathlib import Path

    folder = str(Path(__file__).parent)
    frame, level = sys._getframe(1), 2  # noqa: SLF001 - the only way to know who called
    while frame.f_back is not None and frame.f_code.co_filename.startswith(folder):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def did_you_mean(name: object, known: Iterable[str], *, most: int = 3) -> str:
    """Return a sentence that points from a wrong name to the nearest known ones.

    Parameters
    ----------
    name
        What was given.
    known
        The names that would have been right.
    most
        How many names at the most are taken as near.

    Returns
    -------
    str
        "Did you mean ...?", or where nothing is near, the known names themselves.

    Examples
    --------
    >>> did_you_mean("paire", ["pair", "slice"])
    "Did you mean 'pair'?"
    """
    from difflib import get_close_matches

    names = list(dict.fromkeys(known))
    folded = {known_name.casefold(): known_name for known_name in names}
    near = get_close_matches(str(name).casefold(), folded, n=most, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(repr(folded[match]) for match in near)}?"
    if not names:
        return "There are none."
    shown = ", ".join(repr(known_name) for known_name in names[:40])
    return f"Known: {shown}{', ...' if len(names) > 40 else ''}."
