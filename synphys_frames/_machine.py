"""What this process may use of the machine."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

_CONTROL_GROUPS = Path("/sys/fs/cgroup")


@cache
def machine_memory() -> int:
    """Return the bytes of memory that this process may use.

    Those of the machine, or of its control group where that has fewer, as in containers and in the
    jobs of a cluster.
    """
    return min([_installed_memory(), *_group_limits()])


def processors() -> int:
    """Return on how many processors this process may run."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _installed_memory() -> int:
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil  # installed where there is no sysconf: on Windows

    return int(psutil.virtual_memory().total)


def _group_limits() -> list[int]:
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return []  # not Linux: there are no control groups
    limits = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            folder, name = _CONTROL_GROUPS, "memory.max"
        elif controllers == "memory":
            folder, name = _CONTROL_GROUPS / "memory", "memory.limit_in_bytes"
        else:
            continue
        # A group has the limits of all groups that it is in.
        inner = folder / group.strip("/")
        for place in (inner, *inner.parents):
            if place.is_relative_to(folder):
                limits += _limit(place / name)
    return limits


def _limit(file: Path) -> list[int]:
    try:
        return [int(file.read_text(encoding="ascii"))]
    except (OSError, ValueError):
        return []  # no file, or "max": no limit there
