from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.cli import main
from synphys_frames.figures import FigureSet, comparison, figure_sets
from synphys_frames.releases import shipped_catalogue
from tests.support.printed_release import (
    AT_DISTANCE,
    NOT_PROBED,
    counted_pairs,
    one_entry,
    printed,
    printed_release,
)
from tests.support.release_builder import build, change

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = {
    "what": "str",
    "published": "float64",
    "here": "float64",
    "difference": "float64",
    "source": "str",
    "agrees": "boolean",
}
# How many figures of a release were printed, and the schema version that it has.
NUMBERS = {
    "r2.1": (708, "22"),
    "r2.0-pre4": (2, "20"),
    "r2.0-pre3": (10, "19"),
    "r2.0-pre1": (10, "16"),
    "r1.0": (8, "15"),
}
SMALL = "synphys_r2.1_small.sqlite"
MATRIX = printed("r2.1_connectivity")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sf.SynphysDatabase]:
    """A release under the name of a published one, with its printed matrices."""
    with sf.load_sqlite(printed_release(tmp_path_factory.mktemp("real") / SMALL)) as opened:
        yield opened


@pytest.fixture(scope="module")
def checked(real: sf.SynphysDatabase) -> pd.DataFrame:
    return real.check_published()


def of(checked: pd.DataFrame, what: str) -> pd.Series:
    [row] = checked.index[checked["what"] == what]
    found: pd.Series = checked.loc[row]
    return found


def types(frame: pd.DataFrame) -> dict[str, str]:
    return {str(name): str(dtype) for name, dtype in frame.dtypes.items()}


@pytest.mark.parametrize("version", NUMBERS)
def test_every_figure_can_be_found_in_a_file_of_its_schema_version(
    version: str, releases: dict[str, sf.SynphysDatabase]
) -> None:
    number, schema_version = NUMBERS[version]
    [published] = {
        release.schema_version
        for release in shipped_catalogue()
        if release.release_version == version
    }
    assert published == schema_version
    checked = releases[schema_version].check_published(version)
    assert types(checked) == COLUMNS
    assert len(checked) == number
    assert checked["what"].is_unique
    assert (checked["source"].str.len() > 20).all()
    assert checked["agrees"].notna().all()


def test_the_numbers_are_told() -> None:
    told = re.findall(
        r"(r\d\S*) (?:there are )?(\d+)", str(sf.SynphysDatabase.check_published.__doc__)
    )
    assert dict(told) == {version: str(number) for version, (number, _) in NUMBERS.items()}


@pytest.mark.parametrize(
    "place", MATRIX.index, ids=lambda place: f"{MATRIX.pre[place]}-{MATRIX.post[place]}"
)
def test_the_printed_counts_give_the_printed_connectivity(
    checked: pd.DataFrame, place: int
) -> None:
    row = MATRIX.loc[place]
    n_near, n_connected_near = AT_DISTANCE[row.pre, row.post]
    assert n_near < row.n_probed
    assert n_connected_near <= row.n_connected
    for statistic in MATRIX.columns[2:]:
        found = of(checked, f"{row.pre} → {row.post}: {statistic}")
        assert found.published == row[statistic]
        assert abs(found.here - row[statistic]) <= 1e-12
        assert found.agrees


def test_a_row_as_it_was_printed(checked: pd.DataFrame) -> None:
    statistics = ["n_probed", "n_connected", "connection_probability", "ci_lower", "ci_upper"]
    found = [of(checked, f"pyr → pyr: {statistic}").here for statistic in statistics]
    assert found[:2] == [6513, 298]
    limits = [0.045754644557039766, 0.04080765842335016, 0.05111329804913622]
    assert found[2:] == pytest.approx(limits, rel=1e-12)


def test_all_printed_matrices_agree(checked: pd.DataFrame) -> None:
    tables = checked[~checked["what"].str.match("rows|cells|pairs|mouse|synapse|experiment")]
    assert len(tables) == 16 * 8 + 240 * 2 + 16 + 24 * 2
    assert tables["agrees"].all()
    missing = of(checked, "vip → pyr: median of dynamics.variability_resting_state")
    assert np.isnan(missing[["published", "here"]].astype(float)).all()


def test_the_library_itself_gives_the_figures_that_are_shown(
    real: sf.SynphysDatabase, checked: pd.DataFrame
) -> None:
    classes = {"pyr": {"cell_class": "ex"}, "sst": {"cre_type": "sst"}}
    pairs = real.pairs(experiment_type="standard multipatch", species="mouse")
    counts = pairs.synphys.connectivity(classes, distance="lateral_distance")
    for statistic in ("n_probed", "adjusted_ci_upper"):
        shown = of(checked, f"sst → pyr: {statistic}").here
        assert shown == counts.loc[("sst", "pyr"), statistic]


def test_one_wrong_pair_is_found(tmp_path: Path) -> None:
    path = printed_release(tmp_path / SMALL)
    # The last probed pair of the last two classes, which is not connected.
    last = "SELECT max(id) FROM pair WHERE n_in_test_spikes > 10"
    change(path, f"UPDATE pair SET has_synapse = 1 WHERE id = ({last})")
    checked = sf.load_sqlite(path).check_published()
    tables = checked[checked["what"].str.contains("→")]
    assert sorted(tables.loc[~tables["agrees"], "what"]) == [
        "vip → vip: ci_lower",
        "vip → vip: ci_upper",
        "vip → vip: connection_probability",
        "vip → vip: n_connected",
    ]
    assert of(checked, "vip → vip: n_connected").difference == 1


@pytest.mark.parametrize(
    ("version", "n_probed", "n_connected", "profile", "distance"),
    # The mean profile is not printed; these are within what the rounded figures leave.
    [("r2.0-pre3", 32, 12, 0.76348, "lateral_distance"), ("r2.0-pre1", 30, 6, 0.7241, "distance")],
)
def test_the_printed_entry_of_a_pre_release(
    tmp_path: Path, version: str, n_probed: int, n_connected: int, profile: float, distance: str
) -> None:
    name = f"synphys_{version}_small.sqlite"
    schema_version = NUMBERS[version][1]
    path = one_entry(tmp_path / name, schema_version, n_probed, n_connected, profile, distance)
    checked = sf.load_sqlite(path).check_published()
    assert of(checked, "pairs of the mouse projects").here == n_probed + NOT_PROBED
    assert of(checked, "pairs of the human project").here == 0
    entry = checked[checked["what"].str.startswith("l23sst → l23vip")]
    assert len(entry) == 8
    assert entry["agrees"].all()
    assert entry["here"].iloc[:3].tolist() == [n_connected, n_probed, n_connected / n_probed]


def test_a_rounded_number_agrees_to_its_last_digit() -> None:
    figures = next(one for one in figure_sets("r2.0-pre3") if one.question == "connectivity")
    printed = figures.published["published"]
    for shift, agrees in ((4.9e-5, True), (-5e-5, True), (5.1e-5, False)):
        assert comparison(figures, printed + shift)["agrees"].tolist() == [agrees] * len(printed)


@pytest.mark.parametrize(
    ("published", "here", "agrees"),
    [
        (123506, 123506, True),
        (123506, 123507, False),
        (0, 0, True),
        (0, 1, False),
        (-6.462348535570529e-26, -6.462348535570530e-26, True),
        (-6.462348535570529e-26, 0, False),
        (0.1, 0.1 * (1 + 1e-10), True),
        (0.1, 0.1 * (1 + 1e-8), False),
        (0.1, np.nan, False),
        (np.nan, np.nan, True),
        (np.nan, 0.1, False),
        (0.1, None, pd.NA),
    ],
)
def test_what_agrees(published: float, here: float | None, agrees: Any) -> None:
    columns: dict[str, Any] = {"what": "x", "published": float(published), "tolerance": np.nan}
    row = pd.DataFrame(columns | {"source": "y"}, index=["x"])
    answer = pd.Series({} if here is None else {"x": here}, dtype="float64")
    [found] = comparison(FigureSet("count", {}, row), answer)["agrees"]
    assert found is agrees or found == agrees


def test_counts_of_the_release_that_is_written_out(tiny: sf.SynphysDatabase) -> None:
    checked = tiny.check_published("r2.1").set_index("what")["here"]
    expected = {
        "rows of slice": 2,
        "rows of cell": 6,
        "rows of metadata": 1,
        "cells of mouse": 4,
        "cells of human": 2,
        "cells with cell_class_nonsynaptic in": 1,
        "cells with cell_class_nonsynaptic ex": 3,
        "cells with cell_class_nonsynaptic mixed": 0,
        "cells with cell_class_nonsynaptic missing": 2,
        "pairs with has_synapse missing": 1,
        "rows of avg_response_fit of a poly_synapse only": 0,
        "synapses of mouse, excitatory": 1,
        "synapses of mouse, inhibitory": 1,
        "synapses of human, excitatory": 0,
        "mouse pairs, standard multipatch": 4,
        "mouse pairs, standard multipatch, with a synapse": 2,
        "mouse pairs, standard multipatch, probed": 1,
    }
    assert checked[list(expected)].to_dict() == expected


def test_single_values_and_fits(tmp_path: Path) -> None:
    path = build(tmp_path / "tiny.sqlite")
    fit = "INSERT INTO avg_response_fit (id, holding, clamp_mode, manual_qc_pass) VALUES "
    change(
        path,
        "UPDATE synapse SET id = 1002, latency = 0.0016358389931418775 WHERE id = 7",
        "UPDATE experiment SET id = 3337, ext_id = '1574292898.139' WHERE id = 20",
        f"{fit} (3, -70.0, 'ic', 1), (4, -70.0, 'ic', 0), (5, -55.0, 'vc', 1), (6, -70.0, 'vc', 1)",
        "UPDATE dynamics SET stp_all_stimuli = '[[1, 2]]'",
        "INSERT INTO dynamics (id, stp_all_stimuli) VALUES (2, '[]'), (3, 'null'), (4, NULL)",
    )
    checked = sf.load_sqlite(path).check_published("r2.1")
    assert of(checked, "synapse 1002: latency (s)").agrees
    assert not of(checked, "synapse 1002: psc_amplitude (A)").agrees
    assert of(checked, "experiment 3337: ext_id").agrees
    rows = "rows of avg_response_fit, holding {} mV, clamp_mode {}, manual_qc_pass"
    found = [
        of(checked, rows.format(*one)).here
        for one in ((-70, "ic"), (-55, "vc"), (-70, "vc"), (-55, "ic"))
    ]
    assert found == [1, 1, 1, 0]
    assert of(checked, "rows of dynamics with stp_all_stimuli, not an empty list").here == 1
    change(path, "UPDATE experiment SET ext_id = '1574292898.140' WHERE id = 3337")
    checked = sf.load_sqlite(path).check_published("r2.1")
    assert not of(checked, "experiment 3337: ext_id").agrees


def test_ten_test_spikes_in_the_oldest_release(tmp_path: Path) -> None:
    pairs = pd.DataFrame(
        {
            "experiment_id": [1, 1, 1, 2, 2],
            "n_ex_test_spikes": [10, 0, 9, 10, 0],
            "n_in_test_spikes": [0, 10, 9, 10, 0],
            "has_synapse": [1, 0, 1, None, 1],
            "kind": "ex",
        }
    )
    path = counted_pairs(tmp_path / "synphys_r1.0_2019-08-29_small.sqlite", "15", pairs)
    checked = sf.load_sqlite(path).check_published()
    assert checked["here"].tolist() == [3, 2, 2, 2, 1, 1, 0, 0]


def test_what_a_schema_version_lacks_is_told(releases: dict[str, sf.SynphysDatabase]) -> None:
    checked = releases["15"].check_published("r2.1")
    assert types(checked) == COLUMNS
    assert len(checked) == NUMBERS["r2.1"][0]
    lacking = checked[checked["agrees"].isna()]
    assert lacking["here"].isna().all()
    assert lacking["what"].str.contains("synapse_model").sum() == 7 * 16 * 2
    assert checked.loc[checked["what"] == "rows of pair", "agrees"].notna().all()


def test_a_synthetic_release_is_none_of_the_published(
    db: sf.SynphysDatabase, tmp_path: Path
) -> None:
    made_up = sf.load_sqlite(sf.build_sample(tmp_path / SMALL, scale=1 / 400))
    for release in (db, made_up):
        checked = release.check_published()
        assert len(checked) == 0
        assert types(checked) == COLUMNS
    assert len(made_up.check_published("r2.1 small")) == NUMBERS["r2.1"][0]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("synphys_r2.1_medium.sqlite", 708),
        ("synphys_r2.0_small.sqlite", 0),
        ("synphys_r2.0-pre4_small.sqlite", 0),
        ("renamed.sqlite", 0),
    ],
)
def test_a_file_is_what_its_name_and_schema_version_tell(
    tiny_path: Path, tmp_path: Path, name: str, rows: int
) -> None:
    (tmp_path / name).write_bytes(tiny_path.read_bytes())
    checked = sf.load_sqlite(tmp_path / name).check_published()
    assert len(checked) == rows
    assert types(checked) == COLUMNS


@pytest.mark.parametrize(
    "name", ["r2.1", "r2.1 small", "r2.1 full", SMALL, "synphys_r2.1_small", "r2.0"]
)
def test_a_release_by_name(tiny: sf.SynphysDatabase, name: str) -> None:
    assert len(tiny.check_published(name)) == (0 if name == "r2.0" else 708)


def test_a_release_that_is_not_there(tiny: sf.SynphysDatabase) -> None:
    with pytest.raises(sf.SynphysError, match=r"Did you mean 'synphys_r2\.1_small\.sqlite'"):
        tiny.check_published("synphys_r2.1_smal.sqlite")
    with pytest.raises(sf.errors.ArgumentError, match=r"such as 'r2\.1'; got 2\.1"):
        tiny.check_published(2.1)


def test_a_closed_database(tiny_path: Path) -> None:
    closed = sf.load_sqlite(tiny_path)
    closed.close()
    with pytest.raises(sf.errors.ClosedError):
        closed.check_published()


def test_the_command_tells_differences(
    real: sf.SynphysDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(real.path)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith(f"708 published figures of {SMALL}")
    assert said[1] == "674 agree, 34 differ, 0 can't be found in this file"
    assert len(said) == 2 + 3 + 34


def test_the_command_where_all_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = np.arange(376 + 2555)
    pairs = pd.DataFrame({"experiment_id": np.where(numbers < 376, 2, 1), "has_synapse": 1})
    pairs["kind"] = np.where(numbers % 2 & (numbers >= 376), "in", "ex")
    name = "synphys_r2.0-pre4_small.sqlite"
    path = counted_pairs(tmp_path / name, "20", pairs)
    assert main(["check", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "2 agree, 0 differ, 0 can't be found in this file"
    ]


def test_the_command_names_a_release(
    releases: dict[str, sf.SynphysDatabase], capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(releases["15"].path)
    assert main(["check", path, "--release", "r2.1"]) == 1
    assert "Not to be found:" in capsys.readouterr().out
    assert main(["check", path, "--release", "r3"]) == 2
    assert "There is no version 'r3'" in capsys.readouterr().err
