"""How long a download may go without enough bytes."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import IncompleteDownloadError
from ..options import config

if TYPE_CHECKING:
    from .remote_file import TransientError

_log = logging.getLogger(__name__)

_LONGEST_PAUSE = 8.0
_LONGEST_RETRY_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download goes on without enough bytes, and how long it waits in between.

    Attributes
    ----------
    seconds
        So long it goes on while less arrives than `least_rate`; default ``config.patience``.
    least_rate
        Bytes a second; default ``config.least_rate``.
    pause
        Seconds before the first repetition of what failed; each further one waits twice as long,
        until bytes arrive.
    """

    seconds: float = field(default_factory=lambda: config.patience)
    least_rate: float = field(default_factory=lambda: config.least_rate)
    pause: float = 0.25

    def pause_after(self, failures: int, error: TransientError) -> float:
        """Return the seconds to wait after so many failures in a row."""
        # The factor keeps many jobs of a cluster from coming back in step.
        factor = random.uniform(0.75, 1.25)  # noqa: S311
        pause = min(self.pause * 2.0 ** min(failures - 1, 10), _LONGEST_PAUSE) * factor
        return max(pause, min(error.retry_after, _LONGEST_RETRY_AFTER))

    def begin(self) -> Wait:
        """Return what counts the bytes and the time from now on."""
        return Wait(self)


class Wait:
    """Whether bytes arrive fast enough."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since = time.monotonic()
        self._bytes = 0
        self._failures = 0
        self._last: TransientError | None = None

    def hear(self, count: int) -> None:
        """Count bytes that arrived."""
        self._bytes += count
        elapsed = time.monotonic() - self._since
        if self._bytes >= self._patience.least_rate * elapsed:
            self._since, self._bytes, self._failures = time.monotonic(), 0, 0
            self._last = None

    def require(self, error: TransientError | None, have: int = 0) -> None:
        """Raise `IncompleteDownloadError` where too little has arrived for too long.

        Parameters
        ----------
        error
            What failed, if anything.
        have
            How many bytes are there.
        """
        is_failure = error is not None
        self._failures += is_failure
        self._last = error = error or self._last
        elapsed = time.monotonic() - self._since
        if elapsed <= self._patience.seconds:
            # Said once: somebody may be waiting for minutes.
            if is_failure and self._failures == 1:
                _log.warning("%s; it is tried again, for %g s", error, self._patience.seconds)
            return
        what = error or f"less than {self._patience.least_rate:,.0f} bytes a second arrive"
        kept = f" {have:,} bytes are kept; call again to go on from there." if have else ""
        raise IncompleteDownloadError(
            f"{what}. Gave up after {elapsed:,.0f} s and {self._failures} failures; "
            f"config.patience sets how long to try.{kept}"
        ) from error
