"""`functools.cached_property` without the lock that Python 3.11 gives it."""

from __future__ import annotations

import functools
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class cached_property(functools.cached_property[T]):  # noqa: N801 - as functools has it
    """A property that is computed once an object, by threads that ask at once by each of them.

    Python 3.11 holds a lock meanwhile, one for all objects, as later versions do not. A process
    that is forked then would wait for it for ever.
    """

    def __init__(self, compute: Callable[..., T]) -> None:
        super().__init__(compute)
        self.lock = nullcontext()
