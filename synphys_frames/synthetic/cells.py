"""Cells and the electrodes on them: what they are, where they lie, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .cohorts import MOST_CELLS, scaled
from .values import MISSING, chosen, points, shared_out, times, with_gaps

if TYPE_CHECKING:
    from .._typing import Floats, Integers, Mask, Objects
    from .experiments import Experiments
    from .table_maker import TableMaker


INHIBITORY_DRIVERS = frozenset(
    {"pvalb", "sst", "vip", "ndnf", "chat", "htr3a", "nos1", "chrna2", "mDlx", "3xcorehI56i"}
    | {"tac1"}
)
_LAYER_OF_DRIVER = {
    "tlx3": "5", "sim1": "5", "fam84b": "5", "rbp4": "5", "glt25d2": "5", "chrna2": "5",
    "ntsr1": "6", "ctgf": "6", "nr5a1": "4", "rorb": "4", "cux2": "2/3", "ndnf": "1",
}  # fmt: skip
_LAYERS = {"2/3": 0.42, "4": 0.16, "5": 0.32, "6": 0.1}
_HUMAN_LAYERS = {"2": 0.3, "3": 0.45, "4": 0.1, "5": 0.1, "6": 0.05}
_NEIGHBOUR = {
    "1": "2/3", "2/3": "4", "4": "2/3", "5": "4", "6": "5", "2": "3", "3": "2"
}  # fmt: skip
# Published: cells by cell_class_nonsynaptic; NULL in the rest of 24,739.
_KNOWN = {"in": 6679, "ex": 4410, "mixed": 166}
# Somas scatter this far around their experiment's centre: along the layers, across, in depth.
_SPREAD = np.array([42e-6, 48e-6, 38e-6])
# Of the places for an electrode without a cell, the share that had one: 34,000 electrodes in all.
_EMPTY_ELECTRODES = 0.58


@dataclass(frozen=True, slots=True)
class Cells:
    """What the other tables need to know of each cell.

    Attributes
    ----------
    experiment
        Place of its experiment.
    group
        "pyr", "pvalb", "sst", "vip" or "other": by which connections are drawn.
    quality
        How well it was patched, around 0: what is known of it and was tested with it goes by that.
    nonsynaptic
        Its `cell_class_nonsynaptic`.
    """

    experiment: Integers
    number: Integers
    is_mouse: Mask
    position: Floats
    is_inhibitory: Mask
    cre_type: Objects
    group: Objects
    layer: Objects
    quality: Floats
    nonsynaptic: Objects


def draw_cells(maker: TableMaker, experiments: Experiments) -> Cells:
    """Return the cells of all experiments, one after the other."""
    random = maker.random("cells")
    experiment = np.repeat(np.arange(len(experiments.ids)), experiments.n_cells)
    count = len(experiment)
    rank = np.argsort(np.argsort(random.random((len(experiments.ids), MOST_CELLS)), axis=1), axis=1)
    number = np.nonzero(rank < experiments.n_cells[:, None])[1] + 1
    is_mouse = experiments.is_mouse[experiment]
    cre_type = _cre_types(random, experiments.drivers[experiment], is_mouse)
    first = np.array([str(cre).split(",")[0] for cre in cre_type], dtype=object)
    labelled = ~np.isin(first, ["unknown", "None"])
    is_inhibitory = np.where(
        labelled, np.isin(first, list(INHIBITORY_DRIVERS)), random.random(count) < 0.3
    )
    group = np.where(np.isin(first, ["pvalb", "sst", "vip"]), first, "other")
    group = np.where(is_inhibitory, group, "pyr").astype(object)
    quality = random.normal(0, 1, count)
    return Cells(
        experiment=experiment,
        number=number,
        is_mouse=is_mouse,
        position=random.normal(0, 1, (count, 3)) * _SPREAD,
        is_inhibitory=is_inhibitory,
        cre_type=cre_type,
        group=group,
        layer=_layers(random, experiments, experiment),
        quality=quality,
        nonsynaptic=_nonsynaptic(maker, is_inhibitory, quality + 0.7 * labelled),
    )


def _cre_types(random: np.random.Generator, drivers: Objects, is_mouse: Mask) -> Objects:
    count = len(drivers)
    kinds = {"first": 0.43, "second": 0.28, "unknown": 0.24, "both": 0.025, None: 0.025}
    kind = shared_out(random, kinds, count)
    both = np.where(drivers[:, 0] == drivers[:, 1], drivers[:, 0], _joined(drivers))
    human = shared_out(random, {"unknown": 0.9, None: 0.1}, count)
    cre = np.select(
        [~is_mouse, kind == "first", kind == "second", kind == "both", kind == "unknown"],
        [human, drivers[:, 0], drivers[:, 1], both, np.full(count, "unknown", dtype=object)],
        default=MISSING,
    )
    return np.asarray(cre, dtype=object)


def _joined(drivers: Objects) -> Objects:
    texts = [f"{first},{second}" for first, second in drivers]
    return np.array(texts, dtype=object)


def _layers(random: np.random.Generator, experiments: Experiments, experiment: Integers) -> Objects:
    """Return the layer that each cell lies in, mostly that of the whole experiment."""
    count = len(experiments.ids)
    of_driver = [_LAYER_OF_DRIVER.get(driver) for driver in experiments.drivers[:, 0]]
    drawn = shared_out(random, _LAYERS, count)
    common = np.array(
        [known or other for known, other in zip(of_driver, drawn, strict=True)], dtype=object
    )
    human = shared_out(random, _HUMAN_LAYERS, count)
    common = np.where(experiments.is_mouse, common, human)[experiment]
    neighbour = np.array([_NEIGHBOUR[layer] for layer in common], dtype=object)
    return np.where(random.random(len(common)) < 0.85, common, neighbour).astype(object)


def _nonsynaptic(maker: TableMaker, is_inhibitory: Mask, score: Floats) -> Objects:
    random = maker.random("nonsynaptic")
    known: Objects = np.full(len(score), None, dtype=object)
    score = score + random.normal(0, 0.7, len(score))
    for kind, able in (("in", is_inhibitory), ("ex", ~is_inhibitory), ("mixed", score > -np.inf)):
        free = able & (known == None)  # noqa: E711
        here = chosen(np.where(free, score, -np.inf), scaled(_KNOWN[kind], maker.scale, 1))
        known[here] = kind
    return known


def add_cells(
    maker: TableMaker, experiments: Experiments, cells: Cells, synaptic: Objects
) -> tuple[Integers, Objects]:
    """Make the tables electrode and cell.

    Parameters
    ----------
    synaptic
        What each cell's own synapses say: "ex", "in" or None.

    Returns
    -------
    ids
        Of the cells.
    cell_class
        Of each cell.
    """
    random = maker.random("add cells")
    count = len(cells.experiment)
    electrode_ids = _add_electrodes(maker, experiments, cells)
    told = np.where(cells.nonsynaptic == None, synaptic, cells.nonsynaptic)  # noqa: E711
    disagrees = np.array(
        [one is not None and other is not None and one != other
         for one, other in zip(told, synaptic, strict=True)]
    )  # fmt: skip
    cell_class = np.where(disagrees, "mixed", told).astype(object)
    ids = maker.add(
        "cell",
        count,
        experiment_id=experiments.ids[cells.experiment],
        ext_id=[str(number) for number in cells.number],
        electrode_id=electrode_ids,
        cre_type=cells.cre_type,
        target_layer=_target_layers(random, cells),
        position=points(_with_unknown(random, cells.position, 0.03)),
        depth=with_gaps(random, random.normal(6e-5, 1.5e-5, count), 0.12),
        cell_class=cell_class,
        cell_class_nonsynaptic=cells.nonsynaptic,
    )
    return ids, cell_class


def _add_electrodes(maker: TableMaker, experiments: Experiments, cells: Cells) -> Integers:
    """Make the table electrode; return the id of each cell's."""
    random = maker.random("electrodes")
    shape = (len(experiments.ids), MOST_CELLS)
    has_cell = np.zeros(shape, dtype=bool)
    has_cell[cells.experiment, cells.number - 1] = True
    present = has_cell | (random.random(shape) < _EMPTY_ELECTRODES)
    experiment, device = np.nonzero(present)
    patched = has_cell[present]
    count = len(experiment)
    without = shared_out(
        random, {"no attempt": 3, "no seal": 2, "low seal": 1, "GOhm seal": 1, None: 1}, count
    )
    start = experiments.began[experiment] + random.integers(60, 1800, count)
    ids = maker.add(
        "electrode",
        count,
        experiment_id=experiments.ids[experiment],
        ext_id=[str(number + 1) for number in device],
        patch_status=np.where(patched, "whole cell", without).astype(object),
        device_id=device,
        start_time=times(np.where(patched, start, np.nan)),
        stop_time=times(np.where(patched, start + random.integers(600, 5400, count), np.nan)),
    )
    return ids[patched]


def _target_layers(random: np.random.Generator, cells: Cells) -> Any:
    shares = {"layer": 0.82, None: 0.1, "": 0.04, "part": 0.03, "+": 0.01}
    kind = shared_out(random, shares, len(cells.layer))
    part = np.where(random.random(len(kind)) < 0.7, "5a", "5b")
    part = np.where(cells.layer == "5", part, cells.layer)
    named = np.where(kind == "part", part, kind)
    return np.where(kind == "layer", cells.layer, named).astype(object)


def _with_unknown(random: np.random.Generator, rows: Floats, share: float) -> Floats:
    known = rows.copy()
    known[random.random(len(rows)) < share] = np.nan
    return known
