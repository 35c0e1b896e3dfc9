"""How many rows a release has, by species and project: the counts of the published r2.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._typing import Integers


MOST_CELLS = 8


@dataclass(frozen=True, slots=True)
class Cohort:
    """Experiments of one species and one set of projects.

    Attributes
    ----------
    projects
        Names and how often each occurs; None is an experiment without a project.
    n_excitatory, n_inhibitory
        Synapses of each type.
    """

    species: str
    projects: dict[str | None, float]
    n_experiments: int
    n_cells: int
    n_pairs: int
    n_probed: int
    n_excitatory: int
    n_inhibitory: int


# Counted on the published file: cells by species; pairs, probed pairs and synapses of the mouse
# projects; synapses by species and type; all totals. The rest is divided plausibly.
PUBLISHED = (
    Cohort(
        "mouse",
        {"mouse V1 coarse matrix": 0.75, "mouse V1 pre-production": 0.25},
        *(3238, 16_100, 83_552, 23_320, 720, 1085),
    ),
    Cohort(
        "mouse", {"mouse synthetic extra": 0.95, None: 0.05}, *(1120, 5333, 24_254, 6700, 386, 619)
    ),
    Cohort("human", {"human coarse matrix": 1.0}, *(470, 2250, 10_900, 3900, 300, 90)),
    Cohort("human", {"human synthetic extra": 1.0}, *(230, 1056, 4800, 1600, 76, 21)),
)
PUBLISHED_ROWS = {
    "slice": 4276,
    "poly_synapse": 87,
    "dynamics": 3287,
    "intrinsic": 17_940,
    "cortical_cell_location": 12_451,
    "avg_response_fit": 9139,
    "resting_state_fit": 3384,
}


def scaled(count: float, scale: float, least: int = 0) -> int:
    """Return a published count at a scale."""
    return max(least, round(count * scale))


def apportioned(total: int, weights: Sequence[float], least: int = 0) -> list[int]:
    """Divide a number by weights into whole numbers, by largest remainder.

    Parameters
    ----------
    total
        What the parts add up to, or more where `least` asks for it.
    weights
        Of any sum above 0.
    least
        The least part.

    Examples
    --------
    >>> apportioned(10, [2, 1, 1])
    [5, 3, 2]
    >>> apportioned(4, [100, 1, 1], least=1)
    [2, 1, 1]
    """
    shares = np.asarray(weights, dtype=float) / sum(weights) * total
    parts = np.maximum(np.floor(shares).astype(int), least)
    order = np.argsort(parts - shares, kind="stable")
    missing = total - int(parts.sum())
    if missing > 0:
        parts[order[:missing]] += 1
    while missing < 0 and (parts > least).any():
        parts[np.argmax(parts)] -= 1
        missing += 1
    return [int(part) for part in parts]


def cohorts_at(scale: float) -> list[Cohort]:
    """Return the published cohorts at a scale; each keeps an experiment and two cells."""

    def parts(name: str, least: int) -> list[int]:
        counts = [getattr(cohort, name) for cohort in PUBLISHED]
        return apportioned(scaled(sum(counts), scale), counts, least)

    synapses = [count for one in PUBLISHED for count in (one.n_excitatory, one.n_inhibitory)]
    by_type = apportioned(scaled(sum(synapses), scale, least=4), synapses)
    columns = zip(
        PUBLISHED,
        parts("n_experiments", 1),
        parts("n_cells", 2),
        parts("n_pairs", 2),
        parts("n_probed", 1),
        by_type[::2],
        by_type[1::2],
        strict=True,
    )
    return [Cohort(one.species, one.projects, *counts) for one, *counts in columns]


def cells_per_experiment(cohorts: Sequence[Cohort]) -> list[Integers]:
    """Return for each cohort how many cells each experiment has.

    The sizes add up to the cohort's cells, and their ordered pairs to its pairs where whole numbers
    from 1 to 8 allow that; what is left over goes to the next larger cohort.
    """
    sizes: list[Integers] = [np.empty(0, dtype=np.int64)] * len(cohorts)
    cells_left = pairs_left = 0
    for place in sorted(range(len(cohorts)), key=lambda place: cohorts[place].n_experiments):
        cohort = cohorts[place]
        cells, pairs = cohort.n_cells + cells_left, cohort.n_pairs + pairs_left
        sizes[place] = _sizes(cohort.n_experiments, cells, pairs)
        cells_left = cells - int(sizes[place].sum())
        pairs_left = pairs - int((sizes[place] * (sizes[place] - 1)).sum())
    return sizes


def _sizes(experiments: int, cells: int, pairs: int) -> Integers:
    cells = min(max(cells, experiments, 2), MOST_CELLS * experiments)
    counts = np.zeros(MOST_CELLS + 2, dtype=np.int64)
    counts[cells // experiments] = experiments - cells % experiments
    counts[cells // experiments + 1] = cells % experiments
    sizes = np.arange(MOST_CELLS + 2)
    # A cell moved to an experiment that is no smaller adds pairs, and keeps the cells.
    while (lacking := pairs - int((counts * sizes * (sizes - 1)).sum())) > 1:
        moves = [
            (min(counts[source] // (1 + (source == to)), counts[to]), source, to)
            for source in range(2, MOST_CELLS)
            for to in range(source, MOST_CELLS)
            if 2 * (to - source + 1) <= lacking
        ]
        times, source, to = max(moves)
        if not times:
            break
        times = min(times, lacking // (2 * (to - source + 1)))
        # A part of the commonest at a time, so that all sizes are in use.
        times = (times + 3) // 4
        np.add.at(counts, [source, source - 1, to, to + 1], [-times, times, -times, times])
    return np.repeat(sizes, counts)
