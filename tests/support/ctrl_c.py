"""A program that goes on with one verb after another, gets SIGINT now and then, and looks around.

Usage: ctrl_c.py RELEASE FOLDER SEED COUNT. It prints what is wrong after a signal, and at the end
how many were heard.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import synphys_frames as sf

if TYPE_CHECKING:
    from collections.abc import Callable

# The longest time between a verb's begin and the signal, and from there until it is heard.
LONGEST = 0.25
LATEST = 1.5


def verbs(path: Path, folder: Path) -> dict[str, Callable[[sf.SynphysDatabase, int], object]]:
    """Return what is done, each with a database and a number that is another every time."""
    classes = {"ex": sf.CellClass(cell_class="ex"), "in": sf.CellClass(cell_class="in")}

    def mouse(db: sf.SynphysDatabase) -> pd.DataFrame:
        return db.pairs(species="mouse", include="cell")

    return {
        "sql": lambda db, _: db.sql("SELECT count(*) FROM pair a, pair b WHERE a.id * b.id < 0"),
        "where": lambda db, n: db.pairs(where=f"sin(distance * {n}.5) > 0 AND pre_cell.id > {n}"),
        "class": lambda db, n: db.pairs(pre_class=sf.CellClass(f"depth > {n}e-7")),
        "open": lambda _, __: sf.load_sqlite(path).table("cell", limit=1),
        "load": lambda _, __: sf.load_sqlite(path).pairs(include=["cell", "synapse"]),
        "table": lambda db, n: db.table("pair", where=f"sin(distance * {n}.5) > 0"),
        "connectivity": lambda db, _: mouse(db).synphys.connectivity(classes),
        "fit": lambda db, _: mouse(db).synphys.fit_distance(),
        "export": lambda db, n: db.to_parquet(folder / str(n), progress=False),
        "related": lambda db, _: db.pairs(synapse=True).synphys.related("slice"),
        "picture": lambda db, _: mouse(db).synphys.plot.connectivity(classes).figure.clear(),
        "published": lambda db, _: db.check_published("r2.1"),
    }


def answers(db: sf.SynphysDatabase) -> list[pd.DataFrame]:
    """Return frames of all ways to ask, which are to be the same after a signal as before."""
    return [
        db.pair,
        db.table("pair", where="distance < 1e-4"),
        db.pairs(synapse=True, include=["cell", "synapse"]),
        db.pairs(where="distance < 1e-4 AND pre_cell.id > 3"),
        db.pairs(pre_class=sf.CellClass("depth > 1e-4")),
        db.sql("SELECT count(*) AS n, sum(id) AS total FROM cell"),
    ]


def differs(db: sf.SynphysDatabase, expected: list[pd.DataFrame]) -> list[str]:
    """Return what is wrong with the answers that this and another thread get."""
    given: list[list[pd.DataFrame]] = []
    other = threading.Thread(target=lambda: given.append(answers(db)), daemon=True)
    other.start()
    other.join(timeout=20)
    if not given:
        return ["another thread gets no answer"]
    given.append(answers(db))
    return [
        f"answer {number} is another one"
        for frames in given
        for number, (frame, right) in enumerate(zip(frames, expected, strict=True))
        if not frame.equals(right)
    ]


def interrupted(work: Callable[[], object], delay: float) -> str | None:
    """Go on with work until a signal comes after a delay, and return what is wrong."""
    sent: list[float] = []

    def send() -> None:
        time.sleep(delay)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    try:
        threading.Thread(target=send).start()
        end = time.monotonic() + delay + 5
        while time.monotonic() < end:
            work()
    except KeyboardInterrupt:
        late = time.monotonic() - sent[0]
        return f"heard after {late:.1f} s" if late > LATEST else None
    except Exception:  # noqa: BLE001 - any is wrong
        return traceback.format_exc()
    return "not heard"


def send_again(dropped: sys.UnraisableHookArgs) -> None:
    """Send a signal again that Python drops, since it came within a callback."""
    if dropped.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(dropped)
        return
    threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()


def main(path: Path, folder: Path, seed: int, count: int) -> None:
    """Send so many signals, at moments that a seed gives."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = send_again
    warnings.simplefilter("ignore")
    randomly = random.Random(seed)
    with sf.load_sqlite(path) as fresh:
        # The answers come from another process: here, nothing is imported or read before.
        expected = pd.read_pickle(folder / "answers.pickle")
    exports = folder / "exports"
    every = verbs(path, exports)
    names = randomly.sample(list(every), len(every))
    db, number, heard = fresh, 0, 0
    for turn in range(count):
        if turn % 4 == 0:
            db.close()
            db = sf.load_sqlite(path)
        name = names[turn % len(names)]

        def work(name: str = name, db: sf.SynphysDatabase = db) -> None:
            nonlocal number
            number += 1
            every[name](db, number)

        wrong = interrupted(work, randomly.random() * LONGEST)
        heard += wrong is None
        drafts = [str(file) for file in exports.rglob(".*")]
        for problem in [*filter(None, [wrong]), *differs(db, expected), *drafts]:
            print(f"{name}: {problem}")
    db.close()
    print(f"{heard} heard")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
