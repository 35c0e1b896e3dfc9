"""Time contenders in turn in one process, and print the ratios."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def alternate(
    contenders: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Time the contenders in turn, so that a slow minute of the machine meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            begun = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begun)
    return times


def show(title: str, times: dict[str, list[float]]) -> None:
    """Print medians, spreads and ratios to the first contender."""
    print(f"\n{title}")
    first = statistics.median(next(iter(times.values())))
    for name, values in times.items():
        middle = statistics.median(values)
        print(
            f"  {name:<32}{middle * 1e3:9.1f} ms  ({min(values) * 1e3:.1f} to "
            f"{max(values) * 1e3:.1f})  {middle / first:7.1f} x"
        )
