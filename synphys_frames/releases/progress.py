"""How far a long action is: fsspec callbacks, by default as a tqdm bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from .._apart import import_whole
from ..errors import ArgumentError

if TYPE_CHECKING:
    from fsspec.callbacks import Callback

Progress: TypeAlias = "bool | Callback | None"


def as_callback(progress: Progress, **bar: Any) -> Callback:
    """Return the fsspec callback that a `progress` argument means.

    Parameters
    ----------
    progress
        True for a tqdm bar, False or None for nothing, or any fsspec Callback.
    **bar
        Arguments of the tqdm bar.
    """
    import_whole("fsspec.callbacks")
    from fsspec.callbacks import Callback, NoOpCallback, TqdmCallback

    if isinstance(progress, Callback):
        return progress
    if progress is None or progress is False:
        return NoOpCallback()
    if progress is True:
        return TqdmCallback(tqdm_kwargs=bar)
    raise ArgumentError(
        f"progress takes True (a bar), False, or an fsspec Callback; got {progress!r}."
    )
