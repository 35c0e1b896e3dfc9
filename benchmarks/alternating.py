"""Time contenders in turn in one process, and set the ratios beside each other."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Comparison:
    """Times of some contenders, the first of which the others are compared with.

    Attributes
    ----------
    title
        What was done.
    times
        Seconds, or bytes, of each round, by contender.
    unit
        "ms" for seconds to be shown so, "MB" for bytes.
    """

    title: str
    times: dict[str, list[float]]
    unit: str = "ms"

    @property
    def rows(self) -> list[tuple[str, str, str, str]]:
        """A row a contender: name, median, spread, ratio to the first."""
        factor = {"ms": 1e3, "MB": 1e-6}[self.unit]
        first = statistics.median(next(iter(self.times.values())))
        rows = []
        for name, values in self.times.items():
            middle = statistics.median(values)
            spread = f"{min(values) * factor:,.1f} to {max(values) * factor:,.1f}"
            rows.append((name, f"{middle * factor:,.1f}", spread, f"{middle / first:,.2f}"))
        return rows

    def text(self) -> str:
        """Return the rows for a terminal."""
        lines = [f"\n{self.title}"]
        for name, median, spread, ratio in self.rows:
            lines.append(f"  {name:<44}{median:>10} {self.unit}  ({spread})  {ratio:>8} x")
        return "\n".join(lines)

    def markdown(self) -> str:
        """Return the rows as a table."""
        lines = [f"### {self.title}", "", f"| | median ({self.unit}) | spread | ratio |"]
        lines.append("|---|---:|---:|---:|")
        lines += [f"| {' | '.join(row)} |" for row in self.rows]
        return "\n".join(lines)


def alternate(
    title: str, contenders: Mapping[str, Callable[[], object]], rounds: int
) -> Comparison:
    """Time the contenders in turn, so that a slow minute of the machine meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            begun = time.perf_counter()
            result = call()
            times[name].append(time.perf_counter() - begun)
            del result
    return Comparison(title, times)
