"""Ctrl-C in the command before it runs: its imports take a while, and have nothing to undo.

This is the first import of all, and takes only what Python itself has loaded: whatever is imported
before the handler is set is time in which Ctrl-C shows a traceback.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import sys
from _thread import interrupt_main

PROGRAM = "synphys-frames"
INTERRUPTED = 130
_MODULE = "synphys_frames.cli"


def _end(*_: object) -> None:
    # Not by an exception, which extensions make others of while they are imported.
    os.write(2, f"{PROGRAM}: interrupted.\n".encode())
    os._exit(INTERRUPTED)


class HearingCtrlC:
    """A block in which Ctrl-C raises KeyboardInterrupt, where before and after it ends the command.

    In another program it changes nothing.
    """

    def __enter__(self) -> None:
        self._is_command = _signal.getsignal(_signal.SIGINT) is _end
        if self._is_command:
            _signal.signal(_signal.SIGINT, _signal.default_int_handler)
            sys.unraisablehook = _raise_again

    def __exit__(self, *_: object) -> None:
        if self._is_command:
            sys.unraisablehook = sys.__unraisablehook__
            _signal.signal(_signal.SIGINT, _end)


def _raise_again(dropped: sys.UnraisableHookArgs) -> None:
    # Python drops what is raised in a callback, as of a weak reference.
    if dropped.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(dropped)
        return
    from threading import Timer

    Timer(0.01, _press).start()


def _press() -> None:
    from threading import main_thread

    if hasattr(_signal, "pthread_kill"):
        # This also wakes a thread that waits.
        _signal.pthread_kill(main_thread().ident or 0, _signal.SIGINT)
    else:
        interrupt_main()


def _is_program() -> bool:
    # A program that Python is embedded in may have no name.
    name = next(iter(sys.argv), "").replace(os.sep, "/").rpartition("/")[2]
    # While `python -m` looks for its module, the name is -m.
    return name in (PROGRAM, f"{PROGRAM}.exe") or (name == "-m" and _MODULE in sys.orig_argv)


if _is_program() and _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
    _signal.signal(_signal.SIGINT, _end)
