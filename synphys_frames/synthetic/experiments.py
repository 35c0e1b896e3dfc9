"""Slices, experiments and the cortex around them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .cohorts import PUBLISHED_ROWS, apportioned, cells_per_experiment, cohorts_at, scaled
from .values import JSON_NULL, MISSING, points, shared_out, stamps, times, with_gaps

if TYPE_CHECKING:
    from .._typing import Integers, Mask, Objects, Values
    from .cohorts import Cohort
    from .table_maker import TableMaker


_FIRST_DAY = 1_457_000_000
_DAY = 86_400
_ACSF = {"2mM Ca & Mg": 0.55, "1.3mM Ca & 1mM Mg": 0.4, None: 0.05}
_INTERNAL = {"Standard K-Gluc": 0.6, "PatchSeq": 0.3, "mixed": 0.03, None: 0.07}
_MOUSE_REGIONS = {"VisP": 0.84, "TEa": 0.03, "ALM": 0.03, "": 0.05, None: 0.05}
_HUMAN_REGIONS = {"TCx": 0.6, "FCx": 0.2, "PCx": 0.05, "OCx": 0.05, "": 0.05, None: 0.05}
_LAYER_ENDS = {"1": 0.12, "2/3": 0.35, "4": 0.48, "5": 0.7, "6a": 0.93, "6b": 1.0}
MOUSE_THICKNESS, HUMAN_THICKNESS = 8.8e-4, 2.6e-3


@dataclass(frozen=True, slots=True)
class Experiments:
    """What later tables need to know of each experiment.

    Attributes
    ----------
    cohort
        Place of its cohort in `cohorts`.
    drivers
        The two driver lines of a mouse experiment's animal; None for human tissue.
    began
        Seconds since 1970.
    """

    ids: Integers
    slice_ids: Integers
    cohorts: list[Cohort]
    cohort: Integers
    is_mouse: Mask
    n_cells: Integers
    drivers: Objects
    began: Values
    names: list[str]
    region: Objects


_DRIVERS = {
    "pvalb": 22, "sst": 22, "vip": 13, "ndnf": 2, "htr3a": 1.5, "nos1": 1, "chat": 1, "chrna2": 1,
    "mDlx": 1, "3xcorehI56i": 0.5, "tac1": 1, "tlx3": 7, "sim1": 5, "fam84b": 2, "rorb": 4,
    "ntsr1": 5, "rbp4": 1, "ctgf": 1, "glt25d2": 0.7, "slc17a8": 0.7, "cux2": 2, "nr5a1": 5,
    "eHGT_078m": 0.5, "3xHGT_073m(core)": 0.5,
}  # fmt: skip


def make_experiments(maker: TableMaker) -> Experiments:
    """Make the tables slice and experiment."""
    random = maker.random("experiments")
    cohorts = cohorts_at(maker.scale)
    sizes = cells_per_experiment(cohorts)
    cohort = np.repeat(np.arange(len(cohorts)), [len(one) for one in sizes])
    order = random.permutation(len(cohort))
    cohort, n_cells = cohort[order], np.concatenate([random.permutation(s) for s in sizes])[order]
    is_mouse = np.array([one.species == "mouse" for one in cohorts])[cohort]
    count = len(cohort)
    drivers = np.empty((count, 2), dtype=object)
    for place in (0, 1):
        drivers[:, place] = np.where(is_mouse, shared_out(random, _DRIVERS, count), MISSING)
    n_slices = max(2, min(scaled(PUBLISHED_ROWS["slice"], maker.scale), count))
    of_slice, slice_is_mouse = _slices_of(random, is_mouse, n_slices)
    days = random.permutation(n_slices) * (1800 * _DAY // n_slices)
    cut = _distinct_times(_FIRST_DAY + days + random.integers(0, 36_000_000, n_slices) / 1000)
    slice_ids = _add_slices(maker, slice_is_mouse, cut, drivers[_first_of(of_slice, n_slices)])
    began = _distinct_times(
        cut[of_slice] + 3600 * (1 + np.arange(count) % 3) + np.arange(count) % 997 / 1000
    )
    region = np.where(
        is_mouse,
        shared_out(random, _MOUSE_REGIONS, count),
        shared_out(random, _HUMAN_REGIONS, count),
    )
    project = np.empty(count, dtype=object)
    for place, one in enumerate(cohorts):
        here = cohort == place
        project[here] = shared_out(random, one.projects, int(here.sum()))
    names = stamps(began)
    ids = maker.add(
        "experiment",
        count,
        ext_id=names,
        slice_id=slice_ids[of_slice],
        project_name=project,
        date=times(np.floor(began)),
        target_region=region,
        internal=shared_out(random, _INTERNAL, count),
        acsf=shared_out(random, _ACSF, count),
        target_temperature=with_gaps(random, np.full(count, 34.0), 0.04),
        rig_name=shared_out(random, {"synthetic rig 1": 1, "synthetic rig 2": 1}, count),
        operator_name="nobody",
        ephys_file=with_gaps(random, [f"{name}.synthetic" for name in names], 0.02),
        acq_timestamp=np.round(began, 3),
    )
    return Experiments(
        ids, slice_ids[of_slice], cohorts, cohort, is_mouse, n_cells, drivers, began, names, region
    )


def _distinct_times(seconds: Values) -> Values:
    """Return times of whole milliseconds, moved on by so few that no two are the same."""
    milliseconds = np.round(seconds * 1000).astype(np.int64)
    order = np.argsort(milliseconds, kind="stable")
    place = np.arange(len(order))
    # Less its place, each time may be that of the one before, but not earlier.
    milliseconds[order] = np.maximum.accumulate(milliseconds[order] - place) + place
    return milliseconds / 1000


def _slices_of(random: np.random.Generator, is_mouse: Mask, count: int) -> tuple[Integers, Mask]:
    """Return each experiment's slice, of its species; every slice has an experiment."""
    parts = apportioned(count, [int(is_mouse.sum()), int((~is_mouse).sum())], least=1)
    slice_is_mouse = random.permutation(np.repeat([True, False], parts))
    of_slice = np.empty(len(is_mouse), dtype=np.int64)
    for mouse in (True, False):
        slices = random.permutation(np.flatnonzero(slice_is_mouse == mouse))
        here = np.flatnonzero(is_mouse == mouse)
        more = random.choice(slices, len(here) - len(slices))
        of_slice[here] = np.concatenate([slices, more])
    return of_slice, slice_is_mouse


def _first_of(of_slice: Integers, count: int) -> Integers:
    first = np.zeros(count, dtype=np.int64)
    first[of_slice[::-1]] = np.arange(len(of_slice))[::-1]
    return first


def _add_slices(maker: TableMaker, is_mouse: Mask, began: Values, drivers: Objects) -> Integers:
    random = maker.random("slices")
    count = len(is_mouse)
    human_age = np.where(random.random(count) < 0.7, random.integers(7000, 26_000, count), np.nan)
    age = np.where(is_mouse, random.integers(38, 75, count), human_age)
    age[random.permutation(count)[: int(0.04 * count)]] = np.nan
    genotype = [
        f"{driver.capitalize()}-IRES-Cre/wt;Synthetic-tdT/wt" if mouse else None
        for driver, mouse in zip(drivers[:, 0], is_mouse, strict=True)
    ]
    return maker.add(
        "slice",
        count,
        ext_id=stamps(began),
        acq_timestamp=np.round(began, 3),
        species=np.where(is_mouse, "mouse", "human"),
        date_of_birth=times(np.where(is_mouse, np.floor(began / _DAY - age) * _DAY, np.nan)),
        age=[None if np.isnan(days) else int(days) for days in age],
        sex=shared_out(random, {"M": 0.5, "F": 0.4, "unknown": 0.02, None: 0.08}, count),
        weight=None,
        genotype=with_gaps(random, genotype, 0.02),
        orientation=shared_out(random, {"coronal": 0.8, "sagittal": 0.1, None: 0.1}, count),
        surface=shared_out(random, {"medial": 0.4, "lateral": 0.4, None: 0.2}, count),
        hemisphere=shared_out(random, {"left": 0.45, "right": 0.45, None: 0.1}, count),
        quality=shared_out(random, {1: 1, 2: 2, 3: 4, 4: 4, 5: 2, None: 2}, count),
        slice_time=times(began - 3600 + 0.000123),
        slice_conditions=JSON_NULL,
    )


def add_cortical_sites(
    maker: TableMaker, experiments: Experiments, with_site: Integers
) -> Integers:
    """Make the table cortical_site; return each experiment's site, 0 where there is none.

    Parameters
    ----------
    with_site
        Places of the experiments that have one.
    """
    random = maker.random("sites")
    count = len(with_site)
    is_mouse = experiments.is_mouse[with_site]
    mean = np.where(is_mouse, MOUSE_THICKNESS, HUMAN_THICKNESS)
    thickness = mean * random.normal(1, 0.05, count)
    thickness[random.permutation(count)[: int(0.08 * count)]] = np.nan
    pia = random.normal(0, 1e-3, (count, 2))
    angle = random.normal(0, 0.4, count)
    wm = pia - thickness[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    boundaries = [
        JSON_NULL
        if np.isnan(depth)
        else json.dumps({layer: float(f"{end * depth:.4g}") for layer, end in _LAYER_ENDS.items()})
        for depth in thickness
    ]
    ids = maker.add(
        "cortical_site",
        count,
        slice_id=experiments.slice_ids[with_site],
        experiment_id=experiments.ids[with_site],
        pia_to_wm_distance=thickness,
        pia_position=points(pia),
        wm_position=points(wm),
        layer_boundaries=boundaries,
        brain_region=experiments.region[with_site],
    )
    sites = np.zeros(len(experiments.ids), dtype=np.int64)
    sites[with_site] = ids
    return sites
