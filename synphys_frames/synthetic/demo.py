"""The main job end to end, on synthetic data served over loopback, or on a published file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..database import load_current, load_version
from ..options import config
from ..query import CellClass
from ..releases import ReleaseFiles, as_callback, fetch_version, list_versions, release_path
from ..schema import NEWEST
from .sample import build_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..database import SynphysDatabase
    from ..releases import Size


_SERVED = "synphys_synthetic_r0.1_small.sqlite"
_SERVED_SCALE = 0.2


class _BrokenOffError(Exception):
    """Stands for a lost connection or Ctrl-C in the middle of a download."""


def run(say: Callable[[str], None], version: Size | None = None, *, progress: bool = True) -> None:
    """Show what a user does: list, fetch, open, filter, count, export.

    Parameters
    ----------
    say
        Prints a line.
    version
        A published size, downloaded where there is internet. Default: a synthetic release, served
        over HTTP on loopback.
    progress
        Whether to show bars.
    """
    if version is not None:
        say(f"# The newest published {version} release")
        with tempfile.TemporaryDirectory() as folder:
            _use(load_current(version, progress=progress), Path(folder), say, progress=progress)
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        say("# Everything here is synthetic: made up, not measured. Building it ...")
        release = build_sample(place / "origin" / _SERVED, scale=_SERVED_SCALE)
        # It brings an HTTP server along, which nothing else needs.
        from .demo_server import serve

        before = config.catalogue_url
        with serve({_SERVED: release}, NEWEST, slow=0.05) as url:
            config.catalogue_url = url
            try:
                with _fetched(place / "cache", say, progress=progress) as db:
                    _use(db, place / "parquet", say, progress=progress)
            finally:
                config.catalogue_url = before


def _fetched(cache: Path, say: Callable[[str], None], *, progress: bool) -> SynphysDatabase:
    say("\n# sf.list_versions()")
    say(_shown(list_versions(cache_path=cache)[["db_file", "schema_version", "cached"]]))
    say(f"\n# sf.load_version({_SERVED!r}), broken off on the way")
    bar = as_callback(progress, desc=_SERVED, unit="B", unit_scale=True)
    add = bar.absolute_update

    def break_off(value: int) -> None:
        add(value)
        if bar.size and value > bar.size // 2:
            raise _BrokenOffError

    bar.absolute_update = break_off
    try:
        with bar:
            fetch_version(_SERVED, cache_path=cache, progress=bar)
    except _BrokenOffError:
        have = ReleaseFiles(release_path(cache, _SERVED)).partial.stat().st_size
        say(f"... broken off; {have:,} bytes are kept. The same call goes on from there:")
    return load_version(_SERVED, cache_path=cache, progress=progress)


def _use(db: SynphysDatabase, folder: Path, say: Callable[[str], None], *, progress: bool) -> None:
    say(f"\n# db\n{db!r}")
    say("\n# db.tables")
    tables = db.tables
    say(_shown(tables.loc[tables["rows"] > 0, ["table", "rows", "columns"]]))
    _pairs(db, say)
    say(f'\n# db.to_parquet("{folder.name}/")')
    files = db.to_parquet(folder, progress=progress)
    back = pd.read_parquet(folder / "pair.parquet")
    say(f"{len(files)} files; pandas.read_parquet('pair.parquet') gives {back.shape[0]:,} rows:")
    say(_shown(back.dtypes.astype(str).rename("dtype").to_frame().head(8).reset_index()))


def _pairs(db: SynphysDatabase, say: Callable[[str], None]) -> None:
    pvalb, sst = CellClass(cre_type="pvalb"), CellClass(cre_type="sst")
    pairs = db.pairs(pre_class=pvalb, post_class=sst, synapse=True, include=["cell", "synapse"])
    say("\n# db.pairs(pre_class=pvalb, post_class=sst, synapse=True, include=['cell', 'synapse'])")
    columns = ["pair.id", "pre_cell.cre_type", "post_cell.cre_type", "synapse.latency"]
    say(f"{pairs.shape[0]} pairs, {pairs.shape[1]} columns")
    say(_shown(pairs[columns].head()))
    classes = {
        "Pvalb": pvalb,
        "Sst": sst,
        "Vip": CellClass(cre_type="vip"),
        "spiny": CellClass(dendrite_type="spiny"),
    }
    say("\n# connected / probed, presynaptic class down, postsynaptic across")
    probed = db.pairs(project_name=db.mouse_projects, synapse_probed=True, include="cell")
    classified = probed.synphys.classify(classes)
    # A probed pair whose has_synapse is missing counts as probed and not connected.
    connected = classified["pair.has_synapse"].fillna(False).astype(int)
    groups = connected.groupby([classified["pre_class"], classified["post_class"]], observed=False)
    counts = groups.sum().astype(str) + " / " + groups.size().astype(str)
    matrix = counts.rename("counts").reset_index()
    say(_shown(matrix.pivot_table("counts", "pre_class", "post_class", "first", observed=False)))


def _shown(frame: pd.DataFrame) -> str:
    options: tuple[Any, ...] = ("display.width", 100, "display.max_columns", 12)
    with pd.option_context(*options):
        return frame.to_string(index=frame.index.name is not None)
