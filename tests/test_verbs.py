"""Every verb of the command is told, helps, and does what it is for."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from synphys_frames.cli import main, parser

README = Path(__file__).parent.parent / "README.md"

# A call of each verb on a small release, and words of what it prints.
VERBS: dict[str, tuple[str, str]] = {
    "versions": ("versions --supported", "synphys_r2.1_small.sqlite"),
    "fetch": ("fetch {tiny}", "tiny.sqlite"),
    "verify": ("verify {tiny}", "all bytes fit SQLite's own check"),
    "info": ("info {tiny}", "schema version"),
    "tables": ("tables {tiny} pair", "has_synapse"),
    "pairs": ("pairs {tiny} --synapse --out {folder}/pairs.csv", "3 pairs"),
    "export": ("export {tiny} {folder}/out --tables pair --quiet", "1 files"),
    "check": ("check {tiny}", "0 published figures of tiny.sqlite"),
    "demo": ("demo --quiet", "connected / probed"),
}


def subcommands() -> dict[str, argparse.ArgumentParser]:
    [action] = [
        action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return dict(action.choices)


def test_every_verb_is_tried() -> None:
    assert list(subcommands()) == list(VERBS)


def test_the_readme_shows_every_verb() -> None:
    [section] = re.findall(r"## From the command line\n(.*?)\n## ", README.read_text(), re.DOTALL)
    assert set(re.findall(r"^synphys-frames (\w+)", section, re.MULTILINE)) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_helps(verb: str) -> None:
    text = subcommands()[verb].format_help()
    assert verb in text
    undocumented = [
        action.dest
        for action in subcommands()[verb]._actions
        if not action.help and action.dest != "help"
    ]
    assert undocumented == []


@pytest.mark.parametrize(
    "verb",
    [pytest.param(verb, marks=pytest.mark.slow) if verb == "demo" else verb for verb in VERBS],
)
def test_a_verb_runs(
    verb: str, tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call, words = VERBS[verb]
    assert main(shlex.split(call.format(tiny=tiny_path, folder=tmp_path))) == 0
    assert words in capsys.readouterr().out
