"""Ctrl-C in the command before it runs: its imports take a while, and have nothing to undo."""

from __future__ import annotations

import os
import signal
import sys
from _thread import interrupt_main
from contextlib import contextmanager
from threading import Timer, main_thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "synphys-frames"
INTERRUPTED = 130
_MODULE = "synphys_frames.cli"


def _end(*_: object) -> None:
    # Not by an exception, which extensions make others of while they are imported.
    os.write(sys.stderr.fileno(), f"{PROGRAM}: interrupted.\n".encode())
    os._exit(INTERRUPTED)


@contextmanager
def hearing_ctrl_c() -> Iterator[None]:
    """Have Ctrl-C raise KeyboardInterrupt, where before and after it ends the command."""
    if signal.getsignal(signal.SIGINT) is not _end:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = _raise_again
    try:
        yield
    finally:
        sys.unraisablehook = sys.__unraisablehook__
        signal.signal(signal.SIGINT, _end)


def _press() -> None:
    if hasattr(signal, "pthread_kill"):
        # This also wakes a thread that waits.
        signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)
    else:
        interrupt_main()


def _raise_again(dropped: sys.UnraisableHookArgs) -> None:
    # Python drops what is raised in a callback, as of a weak reference.
    if dropped.exc_type is KeyboardInterrupt:
        Timer(0.01, _press).start()
    else:
        sys.__unraisablehook__(dropped)


def _is_program() -> bool:
    # Without pathlib, whose import takes a part of the time that this is for. A program that
    # Python is embedded in may have no name.
    name = next(iter(sys.argv), "").replace(os.sep, "/").rpartition("/")[2]
    # While `python -m` looks for its module, the name is -m.
    return name in (PROGRAM, f"{PROGRAM}.exe") or (name == "-m" and _MODULE in sys.orig_argv)


if _is_program() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end)
