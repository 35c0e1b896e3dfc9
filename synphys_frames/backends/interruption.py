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


def run_interruptible(
    connection: duckdb.DuckDBPyConnection, work: Callable[[], T], seconds: float | None = None
) -> T:
    """Return what a query gives, run so that Ctrl-C stops it, and it takes no longer than allowed.

    DuckDB looks for Ctrl-C between its tasks only, which can take minutes, makes other errors of it
    or none, and leaves a query running whose caller was interrupted.

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
        After Ctrl-C, when the query has stopped.
    QueryTimeoutError
        It took longer.
    """
    seconds = config.query_timeout if config.query_timeout is not None else seconds
    try:
        return apart(work, partial(interrupt, connection), seconds)
    except TimeoutError as error:
        raise QueryTimeoutError(
            f"The query took longer than {seconds:g} seconds. config.query_timeout sets how long "
            "one may take."
        ) from error
