"""Queries that stop: by Ctrl-C, and after a time."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, TypeVar

from ..errors import QueryTimeoutError
from ..options import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import duckdb

    T = TypeVar("T")

_SAID = "query interrupted"
# How long a query may take to stop once it is told to.
_PATIENCE = 5.0


@contextmanager
def interrupts() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt also where DuckDB makes another error of it."""
    try:
        yield
    except Exception as error:
        causes = (error, error.__cause__)
        if any(isinstance(one, RuntimeError) and _SAID in str(one).casefold() for one in causes):
            raise KeyboardInterrupt from error
        raise


def run_interruptible(
    connection: duckdb.DuckDBPyConnection, work: Callable[[], T], seconds: float | None = None
) -> T:
    """Return what a query gives, run so that Ctrl-C stops it, and it takes no longer than allowed.

    DuckDB looks for Ctrl-C between its tasks only, which can take minutes, and leaves a query
    running whose caller was interrupted. So the query runs in another thread, and this one waits
    for it, where Python hears of Ctrl-C at once.

    Parameters
    ----------
    connection
        On which the query runs.
    work
        Runs it.
    seconds
        How long it may take where ``config.query_timeout`` says nothing.

    Raises
    ------
    KeyboardInterrupt
        Whichever way DuckDB says that it was interrupted.
    QueryTimeoutError
        It took longer.
    """
    seconds = config.query_timeout if config.query_timeout is not None else seconds
    # Only the main thread of a program hears of Ctrl-C.
    if seconds is None and current_thread() is not main_thread():
        return work()
    results: list[T] = []
    errors: list[BaseException] = []
    # Not the thread's own end: a join that Ctrl-C breaks off takes a running thread for ended.
    done = Event()

    def attempt() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it belongs
            errors.append(error)
        finally:
            done.set()

    try:
        Thread(target=attempt, name="query", daemon=True).start()
        in_time = done.wait(seconds)
    except KeyboardInterrupt:
        _stop(connection, done)
        raise
    if not in_time:
        _stop(connection, done)
        raise QueryTimeoutError(
            f"The query took longer than {seconds:g} seconds. config.query_timeout sets how long "
            "one may take."
        )
    if errors:
        raise errors[0]
    return results[0]


def _stop(connection: duckdb.DuckDBPyConnection, done: Event) -> None:
    connection.interrupt()
    done.wait(_PATIENCE)
