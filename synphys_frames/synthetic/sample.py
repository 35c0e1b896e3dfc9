"""A synthetic release in the published layout, for documentation, tests and trying things out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .._arguments import PLACE, checked
from .._files import atomic_write
from ..database import SynphysDatabase, load_sqlite
from ..errors import ExportError
from ..releases import cache_folder, damage, sample_path
from ..schema import NEWEST, published_schema
from .older_versions import rows_in_version
from .rows import sample_rows
from .sqlite_writer import write_release

if TYPE_CHECKING:
    import os

    from ..releases import CachePath, Size


SAMPLE_NAME = "synphys_synthetic_sample_small.sqlite"
SAMPLE_SCALE = 1 / 60
ORIGIN = "synthetic: made up by synphys_frames, not measured"
# To be raised with each change of what is built.
_BUILDER = "3"


@checked(path=PLACE)
def build_sample(
    path: str | os.PathLike[str],
    *,
    scale: float = SAMPLE_SCALE,
    size: Size = "small",
    schema_version: str = NEWEST,
    seed: int = 0,
) -> Path:
    """Write a synthetic release file in the published layout of a schema version.

    Parameters
    ----------
    path
        The file to make; it must not exist.
    scale
        1 for as many rows as the published release r2.1 has: 5,058 experiments, 24,739 cells,
        123,506 pairs, 3,297 synapses; the sample has 1/60 of that.
    size
        "small": recording-level tables are empty, as in published small files. "medium": they have
        rows, without traces: `data`, and `meta` beside it, is NULL. "full": `data` of
        pulse_response, baseline and stim_pulse holds 20 ms at 20 kHz, in volts or amperes, as
        .npy arrays of float64; about 0.6 MB for each experiment. Recordings are fewer than
        published ones: two sweeps of an experiment, four pulses of a cell. All tables of a small
        release have the same rows in a medium and a full one, but synapse_prediction.
    schema_version
        "15" to "22". The same scale, size and seed give the same rows in every version, as far as
        it has columns for them.
    seed
        The same seed gives the same rows.

    Returns
    -------
    Path
        The file. Its metadata says that it is synthetic.

    Raises
    ------
    ArgumentError
        A value can't be used.
    ExportError
        The file is there already, or can't be written.

    Examples
    --------
    >>> path = sf.build_sample(folder / "tiny.sqlite", scale=1 / 600)
    >>> sf.load_sqlite(path).metadata["origin"]
    'synthetic: made up by synphys_frames, not measured'
    """
    target = Path(path).expanduser()
    if target.exists():
        raise ExportError(f"{target} is there already. Name another file, or delete it.")
    schema = published_schema(schema_version)
    newest = published_schema(NEWEST)
    rows = sample_rows(newest, float(scale), int(seed), size)
    if schema_version != NEWEST:
        rows = rows_in_version(rows, schema_version, seed)
    about = {
        "db_version": schema_version,
        "creation_date": "2026-01-01",
        "origin": ORIGIN,
        "synthetic": True,
        "scale": float(scale),
        "seed": int(seed),
    }
    rows["metadata"] = {"id": [1], "meta": [json.dumps(about)]}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as draft:
            write_release(draft, schema, rows)
    except OSError as error:
        raise ExportError(
            f"{target} can't be written: {error.strerror or error}. Name another file; the folder "
            "of the sample is set by SYNPHYS_FRAMES_CACHE or synphys_frames.config.cache_path."
        ) from error
    return target


@checked()
def load_sample(*, cache_path: CachePath = None) -> SynphysDatabase:
    """Open a small synthetic release: a few hundred cells that nobody measured.

    For documentation, tests and trying things out. It is built on first use, which takes about a
    second, and kept in the cache folder.

    Parameters
    ----------
    cache_path
        Cache folder; default ``config.cache_path``.

    Returns
    -------
    SynphysDatabase

    Examples
    --------
    >>> sf.load_sample().version_name
    'synphys_synthetic_sample_small.sqlite'
    """
    folder = cache_folder(cache_path)
    path = sample_path(folder, _BUILDER, SAMPLE_NAME)
    if path.is_file() and damage(path) is not None:
        # Nobody but this function writes there: what is damaged is made anew.
        path.unlink()
    if not path.exists():
        try:
            build_sample(path)
        except ExportError:
            # Another process may have been faster; what it made is the same.
            if not path.exists():
                raise
    return load_sqlite(path, cache_path=folder)
