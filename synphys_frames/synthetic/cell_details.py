"""What was measured of single cells: their place in the cortex, shape, physiology and genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .cohorts import PUBLISHED_ROWS, scaled
from .experiments import HUMAN_THICKNESS, MOUSE_THICKNESS, add_cortical_sites
from .values import MISSING, chosen, lognormal, points, shared_out, with_gaps

if TYPE_CHECKING:
    from .._typing import Floats, Integers, Mask, Objects
    from .cells import Cells
    from .experiments import Experiments
    from .table_maker import TableMaker


# Middle of a layer, as a share of the way from pia to white matter.
_DEPTH = {
    "1": 0.06, "2": 0.18, "2/3": 0.24, "3": 0.33, "4": 0.42, "5": 0.59, "6": 0.85
}  # fmt: skip
_MORPHOLOGY_SHARE = 0.93
_PATCH_SEQ_SHARE = 0.12
# By intrinsic column: what a cell of each group has as a median, and which share is missing. Those
# of pyr, pvalb, sst and vip are published; other interneurons are set between them.
_GROUPS = ("pyr", "pvalb", "sst", "vip", "other")
_INTRINSIC: dict[str, tuple[tuple[float, ...], float]] = {
    "rheobase": ((1.26e-10, 2.31e-10, 1e-10, 5e-11, 9e-11), 0.4),
    "fi_slope": ((1.324e-13, 7.93e-13, 3.53e-13, 2.18e-13, 3e-13), 0.4),
    "input_resistance": ((1.575e8, 9.06e7, 2.31e8, 3.53e8, 2.2e8), 0.02),
    "input_resistance_ss": ((1.5e8, 8.8e7, 2.2e8, 3.3e8, 2.1e8), 0.03),
    "tau": ((0.022, 0.0063, 0.0232, 0.0201, 0.017), 0.08),
    "sag": ((0.08, 0.03, 0.12, 0.07, 0.08), 0.06),
    "sag_peak_t": ((0.06, 0.03, 0.06, 0.07, 0.06), 0.06),
    "sag_depol": ((0.05, 0.03, 0.08, 0.06, 0.06), 0.3),
    "sag_peak_t_depol": ((0.05, 0.02, 0.05, 0.06, 0.05), 0.3),
    "ap_upstroke_downstroke_ratio": ((3.2, 1.4, 2.0, 2.6, 2.1), 0.38),
    "ap_width": ((1.0e-3, 3.3e-4, 6.0e-4, 7.2e-4, 6.5e-4), 0.38),
    "ap_upstroke": ((330.0, 420.0, 340.0, 290.0, 330.0), 0.38),
    "ap_downstroke": ((-100.0, -310.0, -170.0, -115.0, -160.0), 0.38),
    "ap_threshold_v": ((-0.037, -0.036, -0.041, -0.038, -0.038), 0.38),
    "ap_peak_deltav": ((0.075, 0.055, 0.066, 0.068, 0.066), 0.38),
    "ap_fast_trough_deltav": ((0.011, 0.02, 0.016, 0.012, 0.015), 0.38),
    "firing_rate_rheo": ((5.0, 14.0, 6.0, 6.0, 7.0), 0.4),
    "latency_rheo": ((0.2, 0.1, 0.15, 0.12, 0.15), 0.4),
    "firing_rate_40pa": ((9.0, 40.0, 14.0, 16.0, 18.0), 0.45),
    "latency_40pa": ((0.06, 0.03, 0.05, 0.05, 0.05), 0.45),
    "adaptation_index": ((0.069, 0.0019, 0.057, 0.055, 0.05), 0.48),
    "isi_cv": ((0.3, 0.12, 0.28, 0.35, 0.3), 0.45),
    "chirp_peak_freq": ((1.6, 2.4, 1.8, 1.7, 1.8), 0.5),
    "chirp_3db_freq": ((9.0, 25.0, 9.0, 10.0, 12.0), 0.5),
    "chirp_peak_ratio": ((1.05, 1.03, 1.08, 1.04, 1.05), 0.5),
    "chirp_peak_impedance": ((1.5e8, 8.8e7, 2.2e8, 3.3e8, 2.1e8), 0.5),
    "chirp_sync_freq": ((1.2, 1.5, 1.4, 1.3, 1.3), 0.6),
    "chirp_inductive_phase": ((0.05, 0.02, 0.09, 0.04, 0.05), 0.5),
    "isi_adapt_ratio": ((1.83, 1.05, 1.74, 1.55, 1.5), 0.5),
    "upstroke_adapt_ratio": ((0.85, 0.98, 0.9, 0.8, 0.88), 0.5),
    "downstroke_adapt_ratio": ((0.83, 0.98, 0.9, 0.8, 0.88), 0.5),
    "width_adapt_ratio": ((1.15, 1.02, 1.1, 1.2, 1.1), 0.5),
    "threshold_v_adapt_ratio": ((0.97, 0.99, 0.98, 0.97, 0.98), 0.5),
}
_INTRINSIC_SHARE_WITHOUT_SPIKES = 0.1


def add_cell_details(
    maker: TableMaker, experiments: Experiments, cells: Cells, cell_ids: Integers
) -> Mask:
    """Make the tables of single cells; return whether each one's experiment has a site."""
    random = maker.random("details")
    count = len(cell_ids)
    # Somas are placed for whole experiments, mostly.
    drawn = random.random(len(experiments.ids))[cells.experiment] + 0.1 * random.random(count)
    located = chosen(drawn, scaled(PUBLISHED_ROWS["cortical_cell_location"], maker.scale, 1))
    with_site = np.unique(cells.experiment[located])
    sites = add_cortical_sites(maker, experiments, with_site)
    _add_locations(maker, cells, cell_ids, located, sites[cells.experiment])
    _add_morphology(maker, cells, cell_ids, located)
    good = cells.quality + random.normal(0, 0.8, count)
    measured = chosen(good, scaled(PUBLISHED_ROWS["intrinsic"], maker.scale, 1))
    _add_intrinsic(maker, cells, cell_ids, measured)
    sequenced = chosen(good, max(1, round(_PATCH_SEQ_SHARE * count)))
    _add_patch_seq(maker, cells, cell_ids, sequenced)
    has_site: Mask = sites[cells.experiment] > 0
    return has_site


def _add_locations(
    maker: TableMaker, cells: Cells, cell_ids: Integers, here: Integers, sites: Integers
) -> None:
    random = maker.random("locations")
    count = len(here)
    is_mouse = cells.is_mouse[here]
    thickness = np.where(is_mouse, MOUSE_THICKNESS, HUMAN_THICKNESS)
    thickness = thickness * random.normal(1, 0.05, count)
    middle = np.array([_DEPTH[layer] for layer in cells.layer[here]])
    depth = middle * thickness + cells.position[here, 1]
    unknown = random.random(count) < 0.06
    depth[unknown] = np.nan
    within = random.random(count)
    layer_thickness = 0.2 * thickness * random.normal(1, 0.1, count)
    # Metres, but pixels of the image where no depth could be calculated.
    place = random.normal(0, 1e-3, (count, 2))
    place[unknown] = random.integers(200, 4000, (int(unknown.sum()), 2))
    maker.add(
        "cortical_cell_location",
        count,
        cell_id=cell_ids[here],
        cortical_site_id=sites[here],
        cortical_layer=with_gaps(random, _measured_layers(random, cells, here), 0.05),
        distance_to_pia=depth,
        distance_to_wm=np.maximum(thickness - depth, 0),
        fractional_depth=np.clip(depth / thickness, 0, 1),
        layer_depth=np.where(unknown, np.nan, within * layer_thickness),
        layer_thickness=np.where(unknown, np.nan, layer_thickness),
        fractional_layer_depth=np.where(unknown, np.nan, within),
        position=points(place),
    )


def _measured_layers(random: np.random.Generator, cells: Cells, here: Integers) -> Objects:
    layer = cells.layer[here]
    sixth = shared_out(random, {"6a": 0.85, "6b": 0.12, "6": 0.03}, len(here))
    measured: Objects = np.where((layer == "6") & cells.is_mouse[here], sixth, layer).astype(object)
    return measured


def _add_morphology(maker: TableMaker, cells: Cells, cell_ids: Integers, located: Integers) -> None:
    random = maker.random("morphology")
    # Until schema 16 the layer is kept with the morphology: a located cell has a row.
    described = random.random(len(cell_ids)) < _MORPHOLOGY_SHARE
    described[located] = True
    here = np.flatnonzero(described)
    count = len(here)
    spiny = ~cells.is_inhibitory[here]
    smooth = shared_out(random, {"aspiny": 0.72, "sparsely spiny": 0.28}, count)
    dendrite = np.where(spiny, "spiny", smooth).astype(object)
    kind = shared_out(random, {"told": 0.4, "NEI": 0.015, None: 0.585}, count)
    pyramidal = np.where(cells.is_mouse[here] | spiny, spiny.astype(int), 0)
    maker.add(
        "morphology",
        count,
        cell_id=cell_ids[here],
        pyramidal=with_gaps(random, pyramidal, 0.45),
        qual_morpho_type=with_gaps(random, np.where(spiny, "pyramidal", "other"), 0.75),
        dendrite_type=np.where(kind == "told", dendrite, kind).astype(object),
        apical_trunc_distance=with_gaps(random, lognormal(random, 1.5e-4, count), 0.9),
        axon_trunc_distance=with_gaps(random, lognormal(random, 1e-4, count), 0.8),
        apical_truncation=shared_out(random, {"truncated": 1, "intact": 2, None: 7}, count),
        axon_truncation=shared_out(
            random, {"truncated": 2, "borderline": 1, "intact": 1, None: 7}, count
        ),
        axon_origin=shared_out(
            random, {"soma": 2, "dendrite": 0.7, "unclear": 0.3, None: 7}, count
        ),
    )


def _add_intrinsic(maker: TableMaker, cells: Cells, cell_ids: Integers, here: Integers) -> None:
    random = maker.random("intrinsic")
    count = len(here)
    groups = {name: place for place, name in enumerate(_GROUPS)}
    group = np.array([groups[name] for name in cells.group[here]])
    # A cell that never fired lacks all that is told by spikes.
    silent = random.random(count) < _INTRINSIC_SHARE_WITHOUT_SPIKES
    columns: dict[str, Any] = {}
    for name, (medians, missing) in _INTRINSIC.items():
        sigma = 0.06 if name.endswith(("_ratio", "threshold_v")) else 0.4
        values: Floats = lognormal(random, np.array(medians)[group], count, sigma)
        if missing > _INTRINSIC_SHARE_WITHOUT_SPIKES:
            share = (missing - _INTRINSIC_SHARE_WITHOUT_SPIKES) / (
                1 - _INTRINSIC_SHARE_WITHOUT_SPIKES
            )
            values[silent | (random.random(count) < share)] = np.nan
        else:
            values[random.random(count) < missing] = np.nan
        columns[name] = values
    maker.add("intrinsic", count, cell_id=cell_ids[here], **columns)


def _add_patch_seq(maker: TableMaker, cells: Cells, cell_ids: Integers, here: Integers) -> None:
    random = maker.random("patch_seq")
    count = len(here)
    inhibitory = cells.is_inhibitory[here]
    mapped = random.random(count) < 0.6
    type_name = np.where(inhibitory, "Sst Synthetic 1", "L5 IT Synthetic 1").astype(object)
    maker.add(
        "patch_seq",
        count,
        cell_id=cell_ids[here],
        tube_id=[f"SYN-{number:06d}" for number in range(1, count + 1)],
        nucleus=shared_out(random, {"+": 0.5, "-": 0.3, None: 0.2}, count),
        t_type=np.where(mapped, type_name, MISSING),
        mapped_subclass=np.where(mapped, np.where(inhibitory, "Sst", "L5 IT"), MISSING),
    )
