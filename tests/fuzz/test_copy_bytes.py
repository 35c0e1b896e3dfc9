"""Files of a columnar copy with bytes changed at random, in a process of its own.

``SYNPHYS_FUZZ_SECONDS`` says for how long, ``SYNPHYS_FUZZ_SEED`` with which bytes to begin.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import synphys_frames as sf

SECONDS = float(os.environ.get("SYNPHYS_FUZZ_SECONDS", "3"))
SEED = int(os.environ.get("SYNPHYS_FUZZ_SEED", "1"))

PROGRAM = r"""
import json, logging, random, shutil, sys, time, zlib
from pathlib import Path
import numpy as np
import pandas as pd
import synphys_frames as sf
from synphys_frames.columns.block_content import BlockContent
from synphys_frames.columns.table import TableColumns
from synphys_frames.database.database import release_of
from synphys_frames.errors import SynphysError
from tests.support.crafted_block import CraftedBlock

release, seconds, seed = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
folder = Path(f"{release}.columns")
logging.getLogger("synphys_frames").setLevel(logging.CRITICAL)
ODD = [0, 1, -1, 7, 8, 127, 255, 2**31 - 1, -2**31, 2**31, 2**63 - 1]
ODD += [-2**63, 2**64, 10**18, 10**400, True, None, "", "../id"]
ODD += [[], {}, [[]], 0.5, float("inf"), float("nan")]


def changed_bytes(content, rng):
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8])):
        place = rng.randrange(len(content)) if content else 0
        how = rng.randrange(5)
        if how == 0 and content:
            content[place] ^= 1 << rng.randrange(8)
        elif how == 1:
            width = rng.choice([4, 8])
            number = rng.choice(ODD[:11]) % (1 << 8 * width)
            content[place : place + width] = number.to_bytes(width, "little")
        elif how == 2:
            del content[place : place + rng.choice([1, 8, 64, 10**6])]
        elif how == 3:
            content[place:place] = rng.randbytes(rng.choice([1, 8, 64]))
        else:
            stop = place + rng.choice([4, 64, 512])
            content[place:stop] = rng.randbytes(min(stop, len(content)) - place)
    return bytes(content)


def changed_json(value, rng):
    # Somewhere in it, another value.
    if rng.random() < 0.2 or not value or not isinstance(value, dict | list):
        return rng.choice(ODD)
    key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    if rng.random() < 0.2:
        value.pop(key)
    else:
        value[key] = changed_json(value[key], rng)
    return value


def changed_block(content, path, rng):
    path.write_bytes(content)
    block = CraftedBlock.of(path)
    if rng.random() < 0.5:
        number = rng.randrange(len(block.buffers))
        block.buffers[number] = bytearray(changed_bytes(block.buffers[number], rng))
        if rng.random() < 0.5:
            block.with_lengths()
    if rng.random() < 0.5:
        block.header = changed_json(block.header, rng)
    return block.content()


def all_of(release):
    with sf.load_sqlite(release) as db:
        frames = [db.pairs(include=["cell", "synapse"])]
        store = release_of(db).store
        for name in ("pair", "cell", "experiment", "synapse"):
            table = store.table(name)
            columns = {key: table.values(key) for key in store.schema.table(name).kept_columns}
            frames.append(pd.DataFrame(columns))
            for key in columns:
                if key in table._block(key).text_names:
                    table.texts(key)
        repr(frames)
    return frames


def use(content, name):
    # What is taken of a file can be used in every way, whatever its values are.
    try:
        block = BlockContent(content)
        columns = [column["name"] for column in block.description["columns"]]
        table = tables[name.partition("-")[0]]
        if not columns or len(set(columns)) < len(columns) or set(columns) - set(table.columns):
            return
        data = block.columns(table, columns)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return
    used = TableColumns(table, None, [data])
    rows = np.arange(-1, len(used))
    for column in columns:
        repr((used.values(column), used.take(column, rows)))
        if table.columns[column].facts.storage == "texts":
            repr(used.texts(column))


expected = all_of(release)
with sf.load_sqlite(release) as db:
    tables = {table.name: table for table in release_of(db).store.schema}
kept = {path.name: path.read_bytes() for path in folder.iterdir()}
stop = time.monotonic() + seconds
runs = refused = 0
while time.monotonic() < stop:
    rng = random.Random(seed)
    print(seed, flush=True)
    shutil.rmtree(folder)
    folder.mkdir()
    for name, content in kept.items():
        (folder / name).write_bytes(content)
    name = rng.choice([name for name in kept if name != "write.lock"])
    path, content = folder / name, kept[name]
    forged = name.endswith(".block") and rng.random() < 0.7
    if forged:
        path.unlink()
        content = rng.choice([changed_bytes, lambda c, r: changed_block(c, path, r)])(content, rng)
        path.unlink(missing_ok=True)
        path = path.with_name(f"{path.stem.rpartition('-')[0]}-{zlib.crc32(content):08x}.block")
        path.write_bytes(content)
    elif name == "release.json" and rng.random() < 0.5:
        path.write_text(json.dumps(changed_json(json.loads(content), rng)))
    else:
        path.write_bytes(changed_bytes(content, rng))
    begun = time.monotonic()
    try:
        frames = all_of(release)
    except SynphysError:
        # Whoever can write a copy can write numbers that are none of the release's, in the right
        # form; two of them may contradict each other.
        assert forged, name
        refused += 1
    else:
        if not forged or not path.exists():
            for frame, other in zip(frames, expected, strict=True):
                pd.testing.assert_frame_equal(frame, other)
    assert time.monotonic() - begun < 5
    for _ in range(30):
        name = rng.choice([name for name in kept if name.endswith(".block")])
        path = folder / "changed"
        use(changed_block(kept[name], path, rng), name)
        use(changed_bytes(kept[name], rng), name)
    runs += 1
    seed += 1
print(runs, refused)
"""


def test_no_bytes_of_a_copy_end_the_process_or_change_what_is_read(
    tiny_path: Path, tmp_path: Path
) -> None:
    cache = sf.config.cache_path
    cache.mkdir(parents=True)
    release = Path(shutil.copy(tiny_path, cache / "tiny.sqlite"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(release), str(SECONDS), str(SEED)],
        capture_output=True, text=True, check=False, timeout=SECONDS + 60,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    lines = done.stdout.split("\n")
    assert done.returncode == 0, f"seed {lines[-2]}: {done.returncode}\n{done.stderr[-3000:]}"
    assert int(lines[-2].split()[0]) > 5
