"""Bring the missing ranges of a file, several at once."""

from __future__ import annotations

import time
from queue import Empty, Full, Queue
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from .remote_file import TransientError

if TYPE_CHECKING:
    from fsspec.callbacks import Callback

    from .partial import Partial, Range
    from .patience import Patience
    from .remote_file import RemoteFile


# Less than this comes in one request. Of more, requests are as long as several round trips take at
# the usual rate of a connection, and not so long that the last one keeps all waiting.
_ALONE = 16 << 20
_SHORTEST = 2 << 20
_LONGEST = 64 << 20
_TICK = 0.5
_PATIENCE_AT_END = 1.0


class Transfer:
    """Workers that each bring one range after the other into its place.

    Parameters
    ----------
    remote, partial, size
        From where, to where, and how many bytes there are in all.
    patience
        How long to go on without enough bytes.
    callback
        Is told of every chunk, by the thread that calls `run`.
    """

    def __init__(
        self,
        remote: RemoteFile,
        partial: Partial,
        size: int,
        patience: Patience,
        callback: Callback,
    ) -> None:
        self._remote = remote
        self._partial = partial
        self._size = size
        self._patience = patience
        self._callback = callback
        self._gaps = partial.missing(size)
        missing = sum(stop - start for start, stop in self._gaps)
        self._connections = remote.connections if missing >= _ALONE else 1
        self._lock = Lock()
        self._stop = Event()
        self._working = 0
        # Short, so that workers are not far ahead of what the caller was told.
        self._news: Queue[int | TransientError | BaseException | None] = Queue(1)

    def run(self) -> None:
        """Bring all that is missing.

        Raises
        ------
        IncompleteDownloadError
            Too little arrived for too long.
        FetchError
            What else a server says.
        """
        workers: list[Thread] = []
        try:
            if self._gaps:
                self._add_worker(workers)
            self._follow(workers)
        finally:
            self._stop.set()
            # A server that is silent keeps them; what they may still write is in its place.
            end = time.monotonic() + _PATIENCE_AT_END
            for worker in workers:
                worker.join(max(end - time.monotonic(), 0.0))

    def _add_worker(self, workers: list[Thread]) -> None:
        worker = Thread(target=self._work, name="fetch", daemon=True)
        with self._lock:
            self._working += 1
        workers.append(worker)
        worker.start()

    def _follow(self, workers: list[Thread]) -> None:
        have: int = self._callback.value
        wait = self._patience.begin()
        while self._working or not self._news.empty():
            try:
                news = self._news.get(timeout=_TICK)
            except Empty:
                wait.require(None, have)
                continue
            if isinstance(news, int):
                have += news
                wait.hear(news)
                wait.require(None, have)
                self._callback.absolute_update(have)
                # Others only where the first has shown that the server gives ranges.
                if self._remote.takes_ranges and self._gaps:
                    while len(workers) < self._connections:
                        self._add_worker(workers)
            elif isinstance(news, TransientError):
                wait.require(news, have)
            elif news is not None:
                raise news

    def _next(self) -> Range | None:
        """Take the next range from what is missing."""
        with self._lock:
            if not self._gaps or self._stop.is_set():
                self._working -= 1
                return None
            missing = sum(stop - start for start, stop in self._gaps)
            length = missing // (2 * self._connections)
            length = min(max(length, _SHORTEST), _LONGEST)
            start, stop = self._gaps.pop(0)
            # A rest that is hardly worth a request of its own goes with it.
            if self._connections > 1 and stop - start > length + _SHORTEST // 2:
                self._gaps.insert(0, (start + length, stop))
                stop = start + length
            return start, stop

    def _take_behind(self, stop: int) -> int:
        """Take what is missing right behind a range, and return where it ends."""
        with self._lock:
            for gap in self._gaps:
                if gap[0] == stop:
                    self._gaps.remove(gap)
                    return gap[1]
        return stop

    def _give_back(self, start: int, stop: int) -> None:
        with self._lock:
            self._gaps.insert(0, (start, stop))

    def _tell(self, news: int | TransientError | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                self._news.put(news, timeout=_TICK)
            except Full:
                continue
            return

    def _work(self) -> None:
        failures = 0
        try:
            while (piece := self._next()) is not None:
                start, stop, problem = self._bring(*piece)
                failures = 1 if start > piece[0] else failures + 1
                if start >= stop:
                    failures = 0
                    continue
                self._give_back(start, stop)
                self._tell(problem)
                if self._leaves_after(problem, failures):
                    break
        except BaseException as error:  # noqa: BLE001 - it is raised again where the caller waits
            # Before it counts as gone: whoever waits goes by that.
            self._tell(error)
            with self._lock:
                self._working -= 1
        self._tell(None)

    def _leaves_after(self, problem: TransientError, failures: int) -> bool:
        """Wait after a failure; return whether to leave the rest to other workers."""
        with self._lock:
            # The server has too much to do for so many.
            if problem.is_busy and self._working > 1:
                self._working -= 1
                return True
        return self._stop.wait(self._patience.pause_after(failures, problem))

    def _bring(self, start: int, stop: int) -> tuple[int, int, TransientError]:
        """Write a range as far as it comes; return what is still missing of it, and why."""
        problem = TransientError(f"{self._remote.url}: the answer ended early")
        writer = self._partial.writer(start)
        try:
            for chunk in self._remote.stream(start, stop):
                if not self._remote.takes_ranges:
                    # All that is behind it comes, too.
                    stop = self._take_behind(stop)
                fresh = chunk[: stop - writer.position]
                writer.write(fresh)
                self._tell(len(fresh))
                if self._stop.is_set() or writer.position >= stop:
                    break
        except TransientError as error:
            problem = error
        finally:
            writer.close()
        return writer.position, stop, problem
