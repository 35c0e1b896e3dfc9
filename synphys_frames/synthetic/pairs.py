"""Pairs of cells: which were probed, and which are connected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .cohorts import PUBLISHED_ROWS, scaled
from .values import lognormal, sampled, with_gaps

if TYPE_CHECKING:
    from .._typing import Floats, Integers, Mask, Objects
    from .cells import Cells
    from .experiments import Experiments
    from .table_maker import TableMaker


# Connection probability by presynaptic (rows) and postsynaptic group, about as published.
_GROUPS = ("pyr", "pvalb", "sst", "vip", "other")
_CONNECTED = np.array(
    [
        [0.060, 0.20, 0.14, 0.05, 0.08],
        [0.290, 0.37, 0.06, 0.04, 0.12],
        [0.140, 0.19, 0.05, 0.20, 0.12],
        [0.010, 0.03, 0.12, 0.03, 0.04],
        [0.120, 0.12, 0.10, 0.08, 0.10],
    ]
)
_SIGMA = 110e-6
_ACROSS_LAYERS = 0.4
_UNTESTED_CONNECTED = 0.04
_MISSING_HAS_SYNAPSE = 41_564
_ELECTRICAL_PAIRS = 460
MOST_WITHOUT_TEST = 10


@dataclass(frozen=True, slots=True)
class Pairs:
    """What the other tables need to know of each pair.

    Attributes
    ----------
    pre, post
        Places of the cells.
    back
        Place of the pair in the other direction.
    connected
        Places of the pairs with a synapse.
    poly
        Places of the pairs with a polysynaptic response only.
    coupled
        Places of the pairs with a gap junction, both directions.
    """

    pre: Integers
    post: Integers
    back: Integers
    lateral: Floats
    probed: Mask
    connected: Integers
    poly: Integers
    coupled: Integers


def draw_pairs(maker: TableMaker, experiments: Experiments, cells: Cells) -> Pairs:
    """Return all ordered pairs of cells of an experiment."""
    random = maker.random("pairs")
    pre, post, back = _all_pairs(experiments.n_cells)
    offset = cells.position[pre] - cells.position[post]
    lateral = np.hypot(offset[:, 0], offset[:, 2])
    cohort = experiments.cohort[cells.experiment[pre]]
    good = cells.quality[pre] + cells.quality[post] + random.normal(0, 0.7, len(pre))
    probed = np.zeros(len(pre), dtype=bool)
    for place, one in enumerate(experiments.cohorts):
        here = np.flatnonzero(cohort == place)
        probed[here[np.argsort(-good[here], kind="stable")[: one.n_probed]]] = True
    weight = _weights(cells, pre, post, lateral)
    connected: list[Integers] = []
    for place, one in enumerate(experiments.cohorts):
        for inhibitory, count in ((False, one.n_excitatory), (True, one.n_inhibitory)):
            here = (cohort == place) & (cells.is_inhibitory[pre] == inhibitory)
            untested = round(count * _UNTESTED_CONNECTED)
            tested = sampled(random, weight * (here & probed), count - untested)
            connected += [tested, sampled(random, weight * (here & ~probed), count - len(tested))]
    free = np.ones(len(pre), dtype=bool)
    free[np.concatenate(connected)] = False
    # In a very small release a cohort can lack cells of a type.
    total = sum(one.n_excitatory + one.n_inhibitory for one in experiments.cohorts)
    lacking = total - int(np.count_nonzero(~free))
    free[sampled(random, weight * free, lacking)] = False
    connected_pairs = np.flatnonzero(~free)
    n_poly = scaled(PUBLISHED_ROWS["poly_synapse"], maker.scale, 1)
    poly = sampled(random, (free & probed).astype(float), n_poly)
    return Pairs(
        pre,
        post,
        back,
        lateral,
        probed,
        connected_pairs,
        poly,
        _coupled(maker, cells, pre, post, back),
    )


def _all_pairs(n_cells: Integers) -> tuple[Integers, Integers, Integers]:
    """Return each pair's cells, and the place of the pair the other way."""
    size = np.repeat(n_cells, n_cells)
    first = np.repeat(np.cumsum(n_cells) - n_cells, n_cells)
    pre = np.repeat(np.arange(len(size)), size - 1)
    within = np.arange(len(pre)) - np.repeat(np.cumsum(size - 1) - (size - 1), size - 1)
    own = (np.arange(len(size)) - first)[pre]
    to = within + (within >= own)
    post = first[pre] + to
    before = np.cumsum(size - 1) - (size - 1)
    return pre, post, before[post] + own - (own > to)


def _weights(cells: Cells, pre: Integers, post: Integers, lateral: Floats) -> Floats:
    groups = {name: place for place, name in enumerate(_GROUPS)}
    group = np.array([groups[name] for name in cells.group])
    layers = np.where(cells.layer[pre] == cells.layer[post], 1.0, _ACROSS_LAYERS)
    weight: Floats = _CONNECTED[group[pre], group[post]] * layers
    return weight * np.exp(-(lateral**2) / (2 * _SIGMA**2))


def _coupled(
    maker: TableMaker, cells: Cells, pre: Integers, post: Integers, back: Integers
) -> Integers:
    random = maker.random("coupled")
    distance = np.linalg.norm(cells.position[pre] - cells.position[post], axis=1)
    alike = (cells.group[pre] == cells.group[post]) & (pre < post)
    alike &= cells.is_inhibitory[pre] & cells.is_inhibitory[post]
    count = scaled(_ELECTRICAL_PAIRS, maker.scale, 1)
    there = sampled(random, alike * np.exp(-((distance / 80e-6) ** 2)), count)
    both: Integers = np.sort(np.concatenate([there, back[there]]))
    return both


def synaptic_class(cells: Cells, pairs: Pairs) -> Objects:
    """Return for each cell the type of the synapses that it makes, None where it makes none."""
    told: Objects = np.full(len(cells.experiment), None, dtype=object)
    makes = pairs.pre[pairs.connected]
    told[makes] = np.where(cells.is_inhibitory[makes], "in", "ex")
    return told


def add_pairs(
    maker: TableMaker,
    experiments: Experiments,
    cells: Cells,
    pairs: Pairs,
    cell_ids: Integers,
    cell_class: Objects,
    has_site: Mask,
) -> Integers:
    """Make the table pair.

    Parameters
    ----------
    cell_class
        Of each cell: it tells what spikes a probed pair was tested with.
    has_site
        For each cell, whether the axis of the cortex is known there.

    Returns
    -------
    array
        The ids of the pairs.
    """
    random = maker.random("add pairs")
    count = len(pairs.pre)
    offset = cells.position[pairs.pre] - cells.position[pairs.post]
    distance = np.linalg.norm(offset, axis=1)
    no_axis = ~has_site[pairs.pre] & (cells.experiment[pairs.pre] % 2 == 0)
    no_place = random.random(count) < 0.02
    no_place |= no_place[pairs.back]
    answers = _answers(maker, pairs)
    n_ex, n_in = _test_spikes(random, pairs, cell_class)
    ids = maker.add(
        "pair",
        count,
        experiment_id=experiments.ids[cells.experiment[pairs.pre]],
        pre_cell_id=cell_ids[pairs.pre],
        post_cell_id=cell_ids[pairs.post],
        has_synapse=answers["has_synapse"],
        has_polysynapse=answers["has_polysynapse"],
        has_electrical=answers["has_electrical"],
        crosstalk_artifact=with_gaps(random, lognormal(random, 2e-5, count, 1.0), 0.65),
        n_ex_test_spikes=n_ex,
        n_in_test_spikes=n_in,
        distance=np.where(no_place, np.nan, distance),
        lateral_distance=np.where(no_place | no_axis, np.nan, pairs.lateral),
        vertical_distance=np.where(no_place | no_axis, np.nan, np.abs(offset[:, 1])),
        reciprocal_id=[None] * count,
    )
    maker.tables["pair"]["reciprocal_id"] = ids[pairs.back].tolist()
    return ids


def _answers(maker: TableMaker, pairs: Pairs) -> dict[str, Objects]:
    """Return what was said of each pair; nothing of a third of them."""
    random = maker.random("answers")
    count = len(pairs.pre)
    answers: dict[str, Objects] = {}
    for name, places in (
        ("has_synapse", pairs.connected),
        ("has_polysynapse", pairs.poly),
        ("has_electrical", pairs.coupled),
    ):
        answers[name] = np.zeros(count, dtype=object)
        answers[name][places] = 1
    said_yes = np.zeros(count, dtype=bool)
    for places in (pairs.connected, pairs.poly, pairs.coupled):
        said_yes[places] = True
    # Whoever tested a pair mostly said what was seen.
    weight = np.where(said_yes, 0.0, np.where(pairs.probed, 0.03, 1.0))
    unsaid = sampled(random, weight, scaled(_MISSING_HAS_SYNAPSE, maker.scale))
    for column in answers.values():
        column[unsaid] = None
    return answers


def _test_spikes(
    random: np.random.Generator, pairs: Pairs, cell_class: Objects
) -> tuple[Objects, Objects]:
    """Return the test spikes of both types: more than 10 of what the class calls for, if probed."""
    count = len(pairs.pre)
    calls_for = cell_class[pairs.pre]
    many = [MOST_WITHOUT_TEST + 1 + random.geometric(1 / 140, count) for _ in range(2)]
    few = [
        np.where(random.random(count) < 0.75, 0, random.integers(1, MOST_WITHOUT_TEST + 1, count))
        for _ in range(2)
    ]
    often = [random.random(count) < share for share in (0.6, 0.6)]
    # Where the class is not known, a pair that was not probed has few of one type at least.
    first = random.random(count) < 0.5
    spikes = []
    for place, kind in enumerate(("ex", "in")):
        required = (calls_for == kind) | ~np.isin(calls_for, ["ex", "in"])
        spared = ~np.isin(calls_for, ["ex", "in"]) & (first == bool(place))
        enough = np.where(pairs.probed, required | often[place], ~required | spared)
        enough &= pairs.probed | (random.random(count) < 0.08)
        spikes.append(np.where(enough, many[place], few[place]).astype(object))
    return spikes[0], spikes[1]
