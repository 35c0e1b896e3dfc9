from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.cli import main
from synphys_frames.query.filters import FILTERS
from tests.support.catalogue import NAMES, publish
from tests.support.http_server import http_server
from tests.support.programs import run_program

if TYPE_CHECKING:
    from pathlib import Path


def test_versions(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["versions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21
    expected = "synphys_r2.1_small.sqlite r2.1 small 22 176771072 False"
    assert lines[-3].split() == expected.split()


def test_info_and_tables(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tiny_path)]) == 0
    said = capsys.readouterr().out
    assert "schema version:   22" in said
    assert "origin:           synthetic" in said
    assert main(["tables", str(tiny_path)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 33
    assert main(["tables", str(tiny_path), "pair"]) == 0
    said = capsys.readouterr().out
    assert len(said.splitlines()) == 16
    assert [line.split()[:3] for line in said.splitlines() if "lateral_dist" in line] == [
        ["lateral_distance", "float64", "m"]
    ]


def test_fetch(tiny_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with http_server(files={NAMES[0]: tiny_path.read_bytes()}) as (url, server):
        publish(url, server, NAMES[0])
        assert main(["fetch", "small", "--quiet"]) == 0
        assert capsys.readouterr().out.strip() == str(sf.config.cache_path / NAMES[0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [1, 2, 3, 4, 5, 6]),
        (["--synapse"], [1, 4, 5]),
        (["--no-synapse"], [2, 6]),
        (["--synapse-probed", "--species", "mouse"], [1]),
        (["--pre", "cre_type=pvalb,unknown", "--post", "dendrite_type=spiny"], [1, 4]),
        (["--pre", "pyramidal=true"], [2]),
        (["--pre", "cre_type='pvalb'"], [1, 3]),
        (["--pre", "cre_type = 'pvalb'"], [1, 3]),
        (["--pre", "cre_type='pvalb' AND target_layer='2/3'"], [1, 3]),
        (["--pre", "dendrite_type=sparsely spiny,aspiny", "--post", "target_layer=5"], [1, 3]),
        (["--post", "tau < 1"], [1, 4]),
        (["--distance", "-", "5e-5"], [4, 5, 6]),
        (["--age", "50", "-"], [1, 2, 3, 4]),
        (["--project-name", "human coarse matrix"], [5, 6]),
        (["--where", "synapse.latency < 2e-3"], [1]),
        (["--experiment-type", "standard_multipatch", "--electrical"], [3]),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_pairs(
    tiny_path: Path, tmp_path: Path, options: list[str], expected: list[int], ending: str
) -> None:
    out = tmp_path / f"pairs.{ending}"
    arguments = ["pairs", str(tiny_path), "--out", str(out), "--include", "synapse.latency"]
    assert main([*arguments, *options]) == 0
    frame = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
    assert frame["pair.id"].tolist() == expected
    assert frame.columns[-1] == "synapse.latency"
    if ending == "parquet":
        assert frame.attrs["synphys"]["table"] == "pair"


# What is written for each filter, and the argument that it stands for.
OPTIONS: dict[str, list[tuple[list[str], object]]] = {
    "pre_class": [
        (["--pre", "cre_type=pvalb,sst"], sf.CellClass(cre_type=("pvalb", "sst"))),
        (["--pre", "pyramidal=true", "--pre", "tau < 1"], sf.CellClass("tau < 1", pyramidal=True)),
    ],
    "post_class": [(["--post", "morphology.id=3"], sf.CellClass(**{"morphology.id": 3}))],
    "synapse": [(["--synapse"], True), (["--no-synapse"], False)],
    "synapse_type": [(["--synapse-type", "ex"], "ex")],
    "synapse_probed": [(["--synapse-probed"], True), (["--no-synapse-probed"], False)],
    "electrical": [(["--electrical"], True), (["--no-electrical"], False)],
    "experiment_type": [(["--experiment-type", "standard multipatch"], "standard multipatch")],
    "project_name": [(["--project-name", "human coarse matrix"], ["human coarse matrix"])],
    "acsf": [
        (
            ["--acsf", "2mM Ca & Mg", "--acsf", "2mM Ca & Mg"],
            ["2mM Ca & Mg", "2mM Ca & Mg"],
        )
    ],
    "age": [(["--age", "50", "-"], (50.0, None)), (["--age", "-", "49"], (None, 49))],
    "species": [(["--species", "mouse"], "mouse")],
    "distance": [(["--distance", "0", "5e-5"], (0.0, 5e-5))],
    "internal": [(["--internal", "Standard K-Gluc"], "Standard K-Gluc")],
    "where": [(["--where", "distance < 6e-5"], "distance < 6e-5")],
}


@pytest.mark.filterwarnings("ignore::synphys_frames.errors.UnknownValueWarning")
def test_every_filter_has_an_option_that_gives_its_argument(
    tiny: sf.SynphysDatabase, tmp_path: Path
) -> None:
    assert list(OPTIONS) == [one.name for one in FILTERS]
    out = tmp_path / "pairs.csv"
    for name, cases in OPTIONS.items():
        for words, argument in cases:
            assert main(["pairs", str(tiny.path), "--out", str(out), *words]) == 0
            arguments: Any = {name: argument}
            expected = tiny.pairs(**arguments)["pair.id"].tolist()
            assert pd.read_csv(out)["pair.id"].tolist() == expected, words
            # All of the tiny release is of the standard type.
            assert len(expected) < 6 or name == "experiment_type", words


def test_the_help_shows_every_filter(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pairs", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for one in FILTERS:
        # Lines are broken after a hyphen, too.
        words = f"pairs {one.keeps}".replace("`", "")
        assert words.replace(" ", "") in told.replace(" ", ""), one.name
        assert f"{one.option.flag} " in told.replace(",", " ").replace("]", " ")
        assert one.option.says.replace(" ", "") in told.replace(" ", "")


def test_export(tiny_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "out"
    command = ["export", str(tiny_path), str(folder), "--quiet", "--tables", "pair", "cell"]
    assert main(command) == 0
    assert capsys.readouterr().out == f"2 files in {folder}\n"
    assert sorted(file.name for file in folder.iterdir()) == ["cell.parquet", "pair.parquet"]


def test_the_sample_is_a_database_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "sample"]) == 0
    assert "synthetic" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["info", "nothing/there.sqlite"], 1, "There is no file"),
        (["info", "synphys_r2.1_smal.sqlite"], 2, "Did you mean 'synphys_r2.1_small.sqlite'"),
        (["tables", "{tiny}", "pairs"], 2, "Did you mean 'pair'"),
        (["pairs", "{tiny}", "--out", "x.txt"], 2, ".csv or .parquet"),
        (["pairs", "{tiny}", "--out", "no/such/x.csv"], 1, "can't be written"),
        (["pairs", "{tiny}", "--out", "x.csv", "--pre", "cretype=sst"], 2, "'cre_type'"),
        (["pairs", "{tiny}", "--out", "x.csv", "--pre", "tau=long"], 2, "tau takes a number"),
        (["pairs", "{tiny}", "--out", "x.csv", "--pre", "tau="], 2, "not valid SQL"),
        (["pairs", "{tiny}", "--out", "x.csv", "--age", "nan", "5"], 2, "age takes numbers"),
        (["pairs", "{tiny}", "--out", "x.csv", "--project-name", "x"], 2, "no project 'x'"),
        (["pairs", "{tiny}", "--out", "x.csv", "--age", "a", "b"], 2, "two numbers"),
        (["pairs", "{tiny}", "--out", "x.csv", "--where", "distance <"], 2, "not valid SQL"),
    ],
)
def test_errors_are_one_line(
    tiny_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    assert main([word.replace("{tiny}", str(tiny_path)) for word in arguments]) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("synphys-frames: ")
    assert len(said.err.splitlines()) == 1
    assert message in said.err


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["pairs", "x"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("synphys-frames")
    assert len(said.splitlines()) == 1


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for option, text in (("--help", "usage: synphys-frames"), ("--version", sf.__version__)):
        with pytest.raises(SystemExit) as stopped:
            main([option])
        assert stopped.value.code == 0
        assert text in capsys.readouterr().out


@pytest.mark.parametrize("reader", ["head -1", "true"])
def test_output_may_end_early(tiny_path: Path, reader: str) -> None:
    program = f"{sys.executable} -m synphys_frames.cli tables {tiny_path}"
    command = f"set -o pipefail; {program} | {reader}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_output_that_can_not_be_written(tiny_path: Path) -> None:
    command = f"{sys.executable} -m synphys_frames.cli tables {tiny_path} > /dev/full"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "synphys-frames: the output can't be written: No space left on device.\n"


def test_a_file_beside_the_output_is_left_alone(tiny_path: Path, tmp_path: Path) -> None:
    (tmp_path / ".p.csv.part").write_text("mine")
    assert main(["pairs", str(tiny_path), "--out", str(tmp_path / "p.csv")]) == 0
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == [
        ".p.csv.part",
        "p.csv",
    ]


def test_the_demonstration_goes_past_a_proxy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert main(["demo", "--quiet"]) == 0
    assert "32 files" in capsys.readouterr().out
    assert "no_proxy" not in os.environ


def test_the_demonstration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "synthetic" in said.splitlines()[0]
    assert "broken off;" in said
    assert "connected / probed" in said
    assert "32 files" in said
    assert sf.config.catalogue_url.startswith("http://127.0.0.1:9/")


@pytest.mark.filterwarnings("ignore::synphys_frames.errors.UnknownValueWarning")
def test_the_demonstration_on_a_published_file(
    tiny_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with http_server(files={NAMES[0]: tiny_path.read_bytes()}) as (url, server):
        publish(url, server, NAMES[0])
        assert main(["demo", "--version", "small", "--quiet"]) == 0
    assert NAMES[0] in capsys.readouterr().out


def test_the_demonstration_shows_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "synphys_frames.cli", "demo"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "broken off" in done.stdout
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.parametrize("moment", ["synphys_frames._command", "numpy", "pandas._libs.lib"])
def test_ctrl_c_while_the_command_is_imported_is_one_line(moment: str) -> None:
    program = [sys.executable, "-X", "importtime", "-m", "synphys_frames.cli", "info", "sample"]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as command:
        assert command.stderr is not None
        for line in command.stderr:
            if line.rstrip().endswith(f" {moment}"):
                break
        command.send_signal(signal.SIGINT)
        said = [line for line in command.stderr if not line.startswith("import time:")]
    assert (command.returncode, said) == (130, ["synphys-frames: interrupted.\n"])


def test_ctrl_c_that_python_drops_is_raised_again() -> None:
    program = """
        import os, signal, sys, time
        sys.argv = ["synphys-frames"]
        from synphys_frames._command import HearingCtrlC
        class Deleted:
            def __del__(self):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
        try:
            with HearingCtrlC():
                Deleted()
                time.sleep(5)
        except KeyboardInterrupt:
            print("heard")
    """
    done = run_program(program, timeout=60)
    assert (done.stdout, done.stderr) == ("heard\n", "")


@pytest.mark.parametrize("program", ["python", "synphys-frames.py", ""])
def test_ctrl_c_is_left_alone_in_other_programs(program: str) -> None:
    code = f"import sys; sys.argv = [{program!r}]; import synphys_frames, signal; "
    code += "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_ctrl_c_in_an_export_is_one_line(tmp_path: Path) -> None:
    path = sf.build_sample(tmp_path / "large.sqlite", scale=0.3)
    folder = tmp_path / "out"
    program = [sys.executable, "-m", "synphys_frames.cli", "export", str(path), str(folder)]
    with subprocess.Popen([*program, "--quiet"], stderr=subprocess.PIPE, text=True) as export:
        while not folder.exists():
            assert export.poll() is None
            time.sleep(0.002)
        export.send_signal(signal.SIGINT)
        _, said = export.communicate(timeout=30)
    assert export.returncode == 130
    assert said.startswith("synphys-frames: interrupted.")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--distance", "0", "100"], "--distance takes metres; .* 100 µm is 0.0001"),
        (["--age", "9", "1"], r"--age takes \(min, max\)"),
        (
            [
                "--experiment-type",
                "standard multipatch",
                "--project-name",
                "mouse V1 coarse matrix",
            ],
            "--experiment-type and --project-name contradict each other",
        ),
        (["--where", "latency < 1"], r"in --where='latency < 1'\)\. Write synapse\.latency"),
        (["--where", "has_synapse & has_electrical"], "Write AND .*In Python, db.sql"),
    ],
)
def test_errors_speak_of_options(
    sample_path: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    message: str,
) -> None:
    out = str(tmp_path / "out.csv")
    assert main(["pairs", str(sample_path), "--out", out, *options]) == 2
    said = capsys.readouterr().err
    assert re.search(message, said), said
    assert len(said.splitlines()) == 1


def test_a_warning_is_one_line_without_source(
    sample_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["pairs", str(sample_path), "--out", out, "--pre", "cre_type=Pvalb"]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert len(said) == 1
    assert said[0].startswith("synphys-frames: warning: No cell has cre_type 'Pvalb'")
    assert "main(" not in said[0]
