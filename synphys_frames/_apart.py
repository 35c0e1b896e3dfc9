"""Work of other libraries that Ctrl-C leaves at once, a fork waits for, and the exit stops.

DuckDB and SQLite hear of Ctrl-C late or swallow it, and some modules whose import is broken off
can't be imported again. So such work runs in a thread of its own, while the main thread waits where
Python hears of Ctrl-C.
"""

from __future__ import annotations

import _thread
import atexit
import os
import sys
import time
from contextlib import contextmanager
from importlib import import_module
from threading import Lock, current_thread, get_ident, main_thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Stop = Callable[[], object]

T = TypeVar("T")

# Seconds that work may take to stop once it is told to, and between being told again: what was told
# before it began does not count.
_PATIENCE = 5.0
_STEP = 0.02
# Seconds that a fork, and the end of the process, wait for the work of other threads.
_PATIENCE_OF_FORK = 2.0
_PATIENCE_AT_EXIT = 2.0


class _InProgress:
    """The threads that are within another library now, and how each is stopped."""

    def __init__(self) -> None:
        # Who holds it lets nobody in.
        self.door = Lock()
        self.stops: dict[int, Stop | None] = {}
        self.is_exiting = False
        self.was_forked_amid = False

    @contextmanager
    def entered(self, stop: Stop | None) -> Iterator[None]:
        """Note the thread that runs the block. It may come in again while it is in."""
        thread = get_ident()
        if thread in self.stops:
            yield
            return
        try:
            with self.door:
                self.stops[thread] = stop
            yield
        finally:
            self.stops.pop(thread, None)

    def others(self) -> list[Stop | None]:
        """Return how the other threads are stopped that are in."""
        own = get_ident()
        return [stop for thread, stop in list(self.stops.items()) if thread != own]

    def wait_for_others(self, seconds: float) -> None:
        """Wait until no other thread is in, so long at most."""
        end = time.monotonic() + seconds
        while self.others() and time.monotonic() < end:
            time.sleep(0.001)


_in_progress = _InProgress()


def was_forked_amid_work() -> bool:
    """Return whether this process was forked while another thread was within a library.

    What that thread had locked stays locked for ever here.
    """
    return _in_progress.was_forked_amid


class _Work(Generic[T]):
    """Work in a thread of its own.

    The thread is of `_thread`, and its end is told by a plain lock: what `threading` has for both
    is written in Python, and stays locked where Ctrl-C comes at the wrong moment.
    """

    def __init__(self, work: Callable[[], T], stop: Stop | None) -> None:
        self._work = work
        self._stop = stop
        self._end = Lock()
        self._end.acquire()
        self._has_begun = self._is_done = self._is_given_up = False
        self._results: list[T] = []
        self._errors: list[BaseException] = []

    def start(self) -> None:
        """Begin, in another thread."""
        _thread.start_new_thread(self._run, ())

    def _run(self) -> None:
        self._has_begun = True
        try:
            if not self._is_given_up:
                with _in_progress.entered(self._stop):
                    self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it belongs
            self._errors.append(error)
        finally:
            self._is_done = True
            self._end.release()

    def has_ended(self, seconds: float | None) -> bool:
        """Wait for the end, and return whether it came within so many seconds."""
        return self._end.acquire(timeout=-1 if seconds is None else seconds)

    def give_up(self) -> None:
        """Stop the work; whoever presses Ctrl-C again waits no less."""
        self._is_given_up = True
        end = time.monotonic() + _PATIENCE
        while self._has_begun and not self._is_done and time.monotonic() < end:
            try:
                if self._stop is not None:
                    self._stop()
                self._end.acquire(timeout=_STEP)
            except KeyboardInterrupt:
                continue

    def result(self) -> T:
        """Return what the work gave, or raise what it raised."""
        if self._errors:
            raise self._errors[0]
        return self._results[0]


def apart(
    work: Callable[[], T], stop: Callable[[], object] | None = None, seconds: float | None = None
) -> T:
    """Return what work gives that another library does.

    Where Ctrl-C could come, and where there is a limit, it is done in another thread.

    Parameters
    ----------
    work
        The work.
    stop
        Stops it, from another thread. Without it, work goes on to its end beside what follows.
    seconds
        How long it may take; default no limit.

    Raises
    ------
    KeyboardInterrupt
        At once, where the work can't be stopped; else when it has stopped.
    TimeoutError
        It took longer, and was stopped.
    """
    # Only the main thread of a program hears of Ctrl-C.
    if current_thread() is not main_thread():
        _freeze_at_exit()
        if seconds is None:
            with _in_progress.entered(stop):
                return work()
    task = _Work(work, stop)
    try:
        task.start()
        in_time = task.has_ended(seconds)
    except KeyboardInterrupt:
        if stop is not None:
            task.give_up()
        raise
    if not in_time:
        if stop is not None:
            task.give_up()
        raise TimeoutError
    return task.result()


def import_whole(*names: str) -> None:
    """Import modules to their end, whatever Ctrl-C says.

    Of matplotlib and asyncio, no second import succeeds where the first was broken off. And where
    it was broken off amid the `exec` of a text, as there is in dataclasses, Python ends the process
    by the signal, though the program caught it.
    """
    missing = [name for name in names if name not in sys.modules]
    if missing:
        apart(lambda: [import_module(name) for name in missing])


def _freeze_at_exit() -> None:
    """Let a daemon thread begin nothing that the end of the process would find it in."""
    if _in_progress.is_exiting:
        never = Lock()
        with never:
            never.acquire()


def _at_exit() -> None:
    # A thread that the interpreter's end finds within C++ takes the process down by a signal.
    _in_progress.is_exiting = True
    end = time.monotonic() + _PATIENCE_AT_EXIT
    while (stops := _in_progress.others()) and time.monotonic() < end:
        for stop in stops:
            if stop is not None:
                stop()
        time.sleep(_STEP)


def _before_fork() -> None:
    _in_progress.door.acquire()
    _in_progress.wait_for_others(_PATIENCE_OF_FORK)


def _after_fork_in_parent() -> None:
    _in_progress.door.release()


def _after_fork_in_child() -> None:
    global _in_progress
    parents = _in_progress
    _in_progress = _InProgress()
    _in_progress.was_forked_amid = parents.was_forked_amid or bool(parents.others())


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
