"""Work that Ctrl-C leaves at once is stopped, or goes on to its end."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from synphys_frames._apart import apart


def press_ctrl_c_after(seconds: float) -> None:
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)).start()


def test_work_that_does_not_listen_yet_is_told_again() -> None:
    ended: list[str] = []
    listens, is_told = threading.Event(), threading.Event()

    def work() -> None:
        time.sleep(0.3)
        listens.set()
        ended.append("told" if is_told.wait(timeout=20) else "not told")

    def stop() -> None:
        if listens.is_set():
            is_told.set()

    press_ctrl_c_after(0.05)
    with pytest.raises(KeyboardInterrupt):
        apart(work, stop)
    assert ended == ["told"]


def test_work_that_nothing_stops_is_left_and_ends() -> None:
    is_over, ended = threading.Event(), threading.Event()

    def work() -> None:
        is_over.wait(timeout=20)
        ended.set()

    press_ctrl_c_after(0.05)
    with pytest.raises(KeyboardInterrupt):
        apart(work)
    assert not ended.is_set()
    is_over.set()
    assert ended.wait(timeout=20)


def test_pressing_ctrl_c_again_waits_no_less() -> None:
    ended: list[bool] = []
    pressed: list[bool] = []

    def work() -> None:
        time.sleep(0.5)
        ended.append(True)

    def stop() -> None:
        if not pressed:
            pressed.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    press_ctrl_c_after(0.05)
    with pytest.raises(KeyboardInterrupt):
        apart(work, stop)
    assert ended == [True]


def test_what_work_raises_and_returns_comes_back() -> None:
    assert apart(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        apart(lambda: 1 // 0)
    with pytest.raises(TimeoutError):
        apart(lambda: time.sleep(1), seconds=0.05)


def test_work_may_do_work() -> None:
    assert apart(lambda: apart(lambda: apart(lambda: 3)) + 1) == 4
