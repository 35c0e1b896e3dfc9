"""Synthetic releases: the sample, and the demonstration."""

from .demo import run
from .sample import build_sample, load_sample

__all__ = [
    "build_sample",
    "load_sample",
    "run",
]
