"""Queries that stop: by Ctrl-C, after a time, and where the database is closed."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from .._apart import apart, was_forked_amid_work
from ..errors import ForkedError, QueryTimeoutError
from ..options import config

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    T = TypeVar("T")


def require_queryable() -> None:
    """Raise `ForkedError` where a lock in DuckDB or SQLite may have been left locked for ever."""
    if was_forked_amid_work():
        raise ForkedError(
            "This process was forked while another thread was querying, so it can't query. Start "
            'it by multiprocessing.get_context("spawn"), or fork while no query runs; what is in '
            "memory already can be used."
        )


def interrupt(connection: duckdb.DuckDBPyConnection) -> None:
    """Stop what runs on a connection, if anything does; its user may have closed it."""
    import duckdb

    with suppress(duckdb.ConnectionException):
        connection.interrupt()


def was_stopped(error: duckdb.Error) -> bool:
    """Return whether an error is what comes of a connection that was interrupted or closed."""
    import duckdb

    stopped = (duckdb.InterruptException, duckdb.ConnectionException)
    return isinstance(error, stopped) or "No open result set" in str(error)


def run_interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """Return what a query gives, run so that Ctrl-C stops it, and it takes no longer than allowed.

    DuckDB looks for Ctrl-C between its tasks only, which can take minutes, makes other errors of it
    or none, and leaves a query running whose caller was interrupted.

    Parameters
    ----------
    connection
        On which the query runs.
    work
        Runs it.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, when the query has stopped.
    QueryTimeoutError
        After ``config.query_timeout`` seconds.
    """
    seconds = config.query_timeout
    try:
        return apart(work, partial(interrupt, connection), seconds)
    except TimeoutError as error:
        raise QueryTimeoutError(
            f"The query took longer than config.query_timeout, {seconds:g} seconds. Set it to "
            "more, or to None for no limit."
        ) from error
