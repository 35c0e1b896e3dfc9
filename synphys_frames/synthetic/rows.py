"""Made-up rows for a synthetic release: shaped like the published ones, measured by nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .cell_details import add_cell_details
from .cells import add_cells, draw_cells
from .dynamics import add_dynamics, add_models
from .experiments import make_experiments
from .pairs import add_pairs, draw_pairs, synaptic_class
from .recordings import add_recordings
from .response_fits import add_fits
from .synapses import (
    add_conductance,
    add_gap_junctions,
    add_poly_synapses,
    add_synapses,
)
from .table_maker import TableMaker

if TYPE_CHECKING:
    from ..releases import Size
    from ..schema import Schema
    from .values import Rows


def sample_rows(schema: Schema, scale: float, seed: int, size: Size) -> dict[str, Rows]:
    """Return all rows of a synthetic release.

    Parameters
    ----------
    schema
        The tables to fill.
    scale
        1 for as many rows as the published release has.
    seed
        The same seed gives the same rows; those of a small release are the same in a larger size.
    size
        Without recordings, with them, or with their traces, too.

    Returns
    -------
    dict
        ``{table: {column: values}}``.
    """
    maker = TableMaker(schema, scale, seed)
    experiments = make_experiments(maker)
    cells = draw_cells(maker, experiments)
    pairs = draw_pairs(maker, experiments, cells)
    cell_ids, cell_class = add_cells(maker, experiments, cells, synaptic_class(cells, pairs))
    has_site = add_cell_details(maker, experiments, cells, cell_ids)
    pair_ids = add_pairs(maker, experiments, cells, pairs, cell_ids, cell_class, has_site)
    synapses = add_synapses(maker, cells, pairs, pair_ids)
    add_fits(maker, synapses, add_poly_synapses(maker, cells, pairs, pair_ids))
    add_conductance(maker, synapses)
    add_gap_junctions(maker, pairs, pair_ids)
    add_dynamics(maker, synapses, pair_ids)
    experiment = cells.experiment[pairs.pre[pairs.connected]]
    numbers = cells.number[pairs.pre], cells.number[pairs.post]
    names = [
        f"{experiments.names[place]} {pre} {post}"
        for place, pre, post in zip(
            experiment, *(number[pairs.connected] for number in numbers), strict=True
        )
    ]
    add_models(maker, synapses, pair_ids, names)
    if size != "small":
        add_recordings(
            maker, experiments, cells, pairs, synapses, cell_ids, pair_ids, traces=size == "full"
        )
        every = np.arange(len(pair_ids))
        maker.add("synapse_prediction", len(every), pair_id=pair_ids, synapse_type="ex")
    return maker.tables
