from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import synphys_frames as sf
from synphys_frames.cli import main
from synphys_frames.errors import (
    ArgumentError,
    CatalogueError,
    NotFoundError,
    UnknownVersionError,
    VerificationError,
)
from synphys_frames.releases import verified_by
from synphys_frames.releases.cache_layout import catalogue_path
from synphys_frames.releases.catalogue import Release, find_release, parse_catalogue, parse_name
from tests.support.catalogue import NAMES, catalogue, publish
from tests.support.http_server import http_server
from tests.support.release_builder import build

COLUMNS = [
    "db_file",
    "release_version",
    "db_size",
    "schema_version",
    "bytes",
    "sha256",
    "url",
    "cached",
    "aliases",
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("synphys_r2.1_small.sqlite", ("r2.1", "small")),
        ("synphys_r2.0-pre5_medium.sqlite", ("r2.0-pre5", "medium")),
        ("synphys_r10.12_full.sqlite", ("r10.12", "full")),
        ("synphys_r1.0_2019-08-29_small.sqlite", ("r1.0", "small")),
        ("something.sqlite", (None, None)),
        ("synphys_r2.1_large.sqlite", (None, None)),
    ],
)
def test_parse_name(name: str, expected: tuple[str | None, str | None]) -> None:
    assert parse_name(name) == expected


def test_the_published_list(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = sf.list_versions()
    assert versions.columns.tolist() == COLUMNS
    assert versions.dtypes.astype(str).tolist() == [
        *["str"] * 4, "Int64", "str", "str", "boolean", "object",
    ]  # fmt: skip
    assert versions["db_file"].tolist() == [
        *[f"synphys_r1.0_{size}.sqlite" for size in ("small", "medium", "full")],
        *[f"synphys_r2.0-pre1_{size}.sqlite" for size in ("small", "medium", "full")],
        *[
            f"synphys_r2.0-pre{n}_{size}.sqlite"
            for n in (2, 3, 4, 5)
            for size in ("small", "medium")
        ],
        *[f"synphys_r2.0_{size}.sqlite" for size in ("small", "medium", "full")],
        *[f"synphys_r2.1_{size}.sqlite" for size in ("small", "medium", "full")],
    ]  # fmt: skip
    row = versions.set_index("db_file").loc["synphys_r2.1_small.sqlite"]
    assert row["bytes"] == 176_771_072
    assert row["sha256"].startswith("7372499f")
    assert row["url"] == (
        "https://allen-synphys.s3-us-west-2.amazonaws.com/synphys_r2.1_small.sqlite"
    )
    assert versions.loc[0, "aliases"] == ["synphys_r1.0_2019-08-29_small.sqlite"]
    assert not versions["cached"].any()


def test_schema_versions() -> None:
    found = sf.schema_versions().set_index("schema_version")
    assert found.index.tolist() == [str(version) for version in range(15, 23)]
    assert found.loc["17", "releases"] == []
    assert found.loc["15", "releases"][0] == "synphys_r1.0_small.sqlite"
    assert found.loc["16", "tables_added"] == ["intrinsic", "patch_seq"]
    assert found.loc["16", "tables_removed"] == ["baseline_response_strength"]
    assert found.loc["16", "columns_renamed"] == []
    assert "cell.is_excitatory" in found.loc["16", "columns_removed"]
    assert found.loc["17", "columns_renamed"] == []
    assert found.loc["18", "columns_retyped"] == ["patch_seq.nucleus: bool -> str"]
    assert "pair.lateral_distance" in found.loc["18", "columns_added"]
    assert "morphology.cortical_layer" not in found.loc["17", "columns_added"]
    assert "intrinsic.width -> intrinsic.ap_width" in found.loc["19", "columns_renamed"]
    assert found.loc["19", "columns_removed"] == [
        "intrinsic.avg_firing_rate", "morphology.cortical_layer",
    ]  # fmt: skip
    assert found.loc["22", "columns_removed"] == ["patch_clamp_recording.baseline_rms_noise"]


def test_current_versions() -> None:
    current = sf.list_current_versions()
    assert current["db_file"].tolist() == [
        f"synphys_r2.1_{size}.sqlite" for size in ("small", "medium", "full")
    ]
    assert current.columns.tolist() == COLUMNS


def test_only_supported() -> None:
    with http_server() as (url, server):
        publish(url, server, *NAMES)
        listed = json.loads(server.files["catalogue.json"])
        listed["databases"].append({"file": "synphys_r99.0_small.sqlite", "schema_version": "99"})
        server.files["catalogue.json"] = json.dumps(listed).encode()
        assert len(sf.list_versions()) == 4
        assert sf.list_versions(only_supported=True)["db_file"].tolist() == [
            "synphys_r9.0_small.sqlite", "synphys_r9.1-pre2_small.sqlite",
            "synphys_r9.1_small.sqlite",
        ]  # fmt: skip
        assert sf.list_current_versions()["db_file"].tolist() == ["synphys_r9.1_small.sqlite"]


def test_the_catalogue_is_kept_revalidated_and_serves_offline() -> None:
    with http_server() as (url, server):
        publish(url, server, NAMES[0])
        for _ in range(2):
            assert sf.list_versions()["db_file"].tolist() == [NAMES[0]]
        assert len(server.requests) == 2
        server.files["catalogue.json"] = catalogue(url, *NAMES)
        # Not asked for again: the ETag is the same.
        assert len(sf.list_versions()) == 1
        server.etags["catalogue.json"] = '"2"'
        assert len(sf.list_versions()) == 3
    assert len(sf.list_versions()) == 3
    sf.config.catalogue_url = None
    assert len(sf.list_versions()) == 20


@pytest.mark.parametrize(
    "behaviour",
    [
        {"status": 500},
        {"status": 404},
        {"silent": True},
        {"files": {"catalogue.json": b"<html>log in first</html>"}},
    ],
)
def test_no_network_is_no_error(behaviour: dict[str, Any]) -> None:
    sf.config.timeout = 0.2
    with http_server(**behaviour) as (url, _):
        sf.config.catalogue_url = f"{url}/catalogue.json"
        assert len(sf.list_versions()) == 20


@pytest.mark.parametrize(
    "content",
    [b"[]", b'{"databases": [{"name": "x"}]}', b'{"databases": 5}', b"null"],
)
def test_what_is_no_catalogue_is_an_error_unless_one_is_kept(content: bytes) -> None:
    with http_server(files={"catalogue.json": content}) as (url, server):
        sf.config.catalogue_url = f"{url}/catalogue.json"
        with pytest.raises(CatalogueError, match="not of the published form"):
            sf.list_versions()
        publish(url, server, *NAMES)
        assert len(sf.list_versions()) == 3
        server.files["catalogue.json"], server.etags["catalogue.json"] = content, '"2"'
        assert len(sf.list_versions()) == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"aliases": [1]},
        {"aliases": "old.sqlite"},
        {"aliases": ["../x.sqlite"]},
        {"bytes": 1e300},
        {"bytes": True},
        {"bytes": -5},
        {"url": 5},
        {"sha256": 5},
        {"schema_version": None},
        {"file": None},
    ],
    ids=str,
)
def test_values_of_a_catalogue_are_checked(changes: dict[str, Any]) -> None:
    entry = {"file": "synphys_x.sqlite", "schema_version": "22"} | changes
    for content in ({"default_url_path": "https://x", "databases": [entry]},):
        with pytest.raises(CatalogueError, match="not of the published form"):
            parse_catalogue(content, "x")


def test_a_catalogue_needs_a_place_and_distinct_names() -> None:
    entry = {"file": "synphys_x.sqlite", "schema_version": "22"}
    with pytest.raises(CatalogueError, match="default_url_path should be a text"):
        parse_catalogue({"databases": [entry]}, "x")
    with pytest.raises(CatalogueError, match="listed twice"):
        parse_catalogue({"default_url_path": "https://x", "databases": [entry, entry]}, "x")
    [release] = parse_catalogue(
        {"databases": [entry | {"url": "https://x/y", "sha256": "AB" * 32, "aliases": None}]},
        "x",
    )
    assert (release.url, release.sha256, release.aliases) == ("https://x/y", "ab" * 32, ())


@pytest.mark.parametrize(
    "kept",
    [
        {"etag": '"1"', "catalogue": {"databases": [{}]}},
        {"etag": '"1"', "catalogue": [1]},
        {"etag": 5, "catalogue": {}},
        {"etag": "a\nb"},
        {"etag": "é€"},
        [1],
        "nonsense",
    ],
    ids=str,
)
def test_a_spoilt_kept_list_is_replaced(kept: Any) -> None:
    with http_server() as (url, server):
        publish(url, server, *NAMES)
        sf.list_versions()
        [file] = sf.config.cache_path.glob("catalogue-*.json")
        file.write_text(json.dumps(kept))
        assert len(sf.list_versions()) == 3
    assert len(sf.list_versions()) == 3


def test_an_unasked_304_is_no_answer() -> None:
    with http_server(status=304) as (url, _):
        sf.config.catalogue_url = f"{url}/catalogue.json"
        assert len(sf.list_versions()) == 20


def test_a_list_that_can_not_be_read_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with http_server() as (url, _):
        sf.config.catalogue_url = f"{url}/catalogue.json"
        assert len(sf.list_versions()) == 20
    assert "catalogue.json can't be read: 404" in caplog.text


@pytest.mark.parametrize("home", ["", "/root/not/for/you"])
def test_a_home_that_can_not_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    monkeypatch.setenv("HOME", home)
    assert len(sf.list_versions(cache_path=tmp_path)) == 20


@pytest.mark.parametrize("url", ["nonsense", "ftp://x/y.json", "http://"])
def test_a_catalogue_url_that_is_none(url: str) -> None:
    sf.config.catalogue_url = url
    with pytest.raises(CatalogueError, match="takes a http or https URL"):
        sf.list_versions()


@pytest.mark.parametrize("name", ["../evil.sqlite", "/etc/passwd", "a/b.sqlite", ""])
def test_a_catalogue_can_not_name_files_outside_the_cache(name: str) -> None:
    content = {"default_url_path": "http://x", "databases": [{"file": name, "schema_version": "1"}]}
    with pytest.raises(CatalogueError, match="without folders"):
        parse_catalogue(content, "x")


def test_entries_may_carry_their_own_facts() -> None:
    entry = {
        "file": "synphys_r2.1_small.sqlite",
        "schema_version": 22,
        "url": "https://elsewhere/x",
        "bytes": 7,
        "sha256": "ab" * 32,
    }
    [release] = parse_catalogue({"databases": [entry]}, "x")
    assert release == Release(
        "synphys_r2.1_small.sqlite", "https://elsewhere/x", "22", "r2.1", "small", 7, "ab" * 32, ()
    )


def test_find_release_by_name_and_alias() -> None:
    releases = [Release("synphys_a.sqlite", "u", "22", aliases=("old_a.sqlite",))]
    for name in ("synphys_a.sqlite", "synphys_a", "old_a.sqlite"):
        assert find_release(name, releases).db_file == "synphys_a.sqlite"
    other = Release("synphys_b.sqlite", "u", "22", aliases=("synphys_a.sqlite",))
    assert find_release("synphys_a.sqlite", [releases[0], other]).db_file == "synphys_a.sqlite"
    with pytest.raises(UnknownVersionError, match=r"Did you mean 'synphys_a\.sqlite'"):
        find_release("synphys_b.sqlite", releases)
    with pytest.raises(ArgumentError, match="file name as text"):
        find_release(5, releases)  # type: ignore[arg-type]


def test_load_version_and_current(tiny_path: Path) -> None:
    with http_server(files={name: tiny_path.read_bytes() for name in NAMES}) as (url, server):
        publish(url, server, *NAMES, aliases=["first.sqlite"])
        db = sf.load_current("small", progress=False)
        assert db.version_name == "synphys_r9.1_small.sqlite"
        assert db.path == sf.config.cache_path / "synphys_r9.1_small.sqlite"
        assert sf.load_version("first.sqlite", progress=False).path.name in NAMES
        with pytest.raises(UnknownVersionError, match="no full release"):
            sf.load_current("full")
        listed = sf.list_versions().set_index("db_file")
        assert listed.loc["synphys_r9.1_small.sqlite", "cached"]
    # Without the network, what is in the cache is found.
    assert len(sf.load_version("synphys_r9.1_small.sqlite").pair) == 6


def test_sizes_are_three() -> None:
    with pytest.raises(ArgumentError, match="'small', 'medium', 'full'; got 'large'"):
        sf.load_current("large")  # type: ignore[arg-type]


def test_unknown_version() -> None:
    with pytest.raises(UnknownVersionError, match=r"Did you mean 'synphys_r2\.1_small\.sqlite'"):
        sf.load_version("synphys_r2.1_smal.sqlite")


def test_the_server_may_not_have_what_the_catalogue_lists() -> None:
    with http_server() as (url, server):
        publish(url, server, NAMES[0])
        with pytest.raises(NotFoundError, match="answers 404"):
            sf.load_version(NAMES[0], progress=False)


def test_published_files_are_held_to_what_is_known_of_them(tiny_path: Path) -> None:
    name = "synphys_r2.1_small.sqlite"
    with http_server(files={name: tiny_path.read_bytes()}) as (url, server):
        publish(url, server, name)
        with pytest.raises(VerificationError, match="176,771,072"):
            sf.load_version(name, progress=False)


@pytest.mark.parametrize("how", ["argument", "config", "environment"])
def test_the_cache_folder_can_be_set(
    tiny_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    folder = tmp_path / "elsewhere"
    more: dict[str, Any] = {}
    if how == "argument":
        more["cache_path"] = folder
    elif how == "config":
        sf.config.cache_path = folder
    else:
        monkeypatch.setenv("SYNPHYS_FRAMES_CACHE", str(folder))
    with http_server(files={NAMES[0]: tiny_path.read_bytes()}) as (url, server):
        publish(url, server, NAMES[0])
        assert sf.load_version(NAMES[0], progress=False, **more).path == folder / NAMES[0]


def test_a_download_of_the_existing_library_is_used_in_place() -> None:
    theirs = Path.home() / "ai_synphys_cache" / "database" / "synphys_r1.0_2019-08-29_small.sqlite"
    build(theirs)
    before = theirs.stat().st_mtime_ns
    db = sf.load_version("synphys_r1.0_small.sqlite")
    assert db.path == theirs
    assert len(db.pairs()) == 6
    assert theirs.stat().st_mtime_ns == before
    assert [file.name for file in theirs.parent.iterdir()] == [theirs.name]
    listed = sf.list_versions().set_index("db_file")
    assert listed.loc["synphys_r1.0_small.sqlite", "cached"]
    assert not listed.loc["synphys_r2.0_small.sqlite", "cached"]


@pytest.mark.parametrize("name", ["synphys_r2.1_small.sqlite", "synphys_r2.0_small.sqlite"])
def test_a_download_of_the_existing_library_whose_size_does_not_fit(name: str) -> None:
    theirs = Path.home() / "ai_synphys_cache" / "database" / name
    whole = build(theirs).read_bytes()
    if name == "synphys_r2.0_small.sqlite":
        theirs.write_bytes(whole[:-100])
    listed = sf.list_versions().set_index("db_file")
    assert not listed.loc[name, "cached"]


def test_a_damaged_file_in_the_cache_is_fetched_again(tiny_path: Path) -> None:
    with http_server(files={NAMES[0]: tiny_path.read_bytes()}) as (url, server):
        publish(url, server, NAMES[0])
        path = sf.fetch_version(NAMES[0], progress=False)
        path.write_bytes(path.read_bytes()[:1000])
        assert sf.fetch_version(NAMES[0], progress=False) == path
        assert path.read_bytes() == tiny_path.read_bytes()


def test_a_cache_that_can_not_be_written_still_lists(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with http_server() as (url, server):
        publish(url, server, *NAMES)
        found = sf.list_versions(cache_path=tmp_path / "file" / "cache")
    assert len(found) == 3
    assert isinstance(found, pd.DataFrame)


@pytest.mark.parametrize("size", ["small", "medium", "full"])
def test_a_size_is_no_version(size: str) -> None:
    with pytest.raises(UnknownVersionError, match=rf"load_current\('{size}'\)"):
        sf.load_version(size)


def test_what_is_in_the_cache_opens_without_asking(tiny_path: Path) -> None:
    with http_server(files={NAMES[0]: tiny_path.read_bytes()}) as (url, server):
        publish(url, server, NAMES[0])
        sf.load_version(NAMES[0], progress=False).close()
        server.requests.clear()
        server.silent = True
        assert len(sf.load_version(NAMES[0], progress=False).pair) == 6
        assert len(sf.load_version(NAMES[0], progress=False, offline=True).pair) == 6
        assert server.requests == []


def test_a_name_that_the_list_lost_still_opens_from_the_cache(tiny_path: Path) -> None:
    with http_server(files={NAMES[0]: tiny_path.read_bytes()}) as (url, server):
        publish(url, server, NAMES[0])
        sf.load_version(NAMES[0], progress=False).close()
        server.files["catalogue.json"] = catalogue(url, *NAMES[1:])
        server.etags["catalogue.json"] = '"2"'
        assert NAMES[0] not in sf.list_versions()["db_file"].tolist()
        assert sf.load_version(NAMES[0], progress=False).path.name == NAMES[0]
        with pytest.raises(UnknownVersionError, match="There is no version"):
            sf.load_version("../cache/" + NAMES[0], progress=False)


def test_offline_asks_nobody_and_says_what_is_missing() -> None:
    with http_server() as (url, server):
        publish(url, server, NAMES[0])
        sf.list_versions()
        server.requests.clear()
        with pytest.raises(UnknownVersionError, match=r"offline=True asks nobody\. fetch_version"):
            sf.load_version(NAMES[0], offline=True)
        assert server.requests == []
    with pytest.raises(ArgumentError, match="contradict each other"):
        sf.fetch_version(NAMES[0], offline=True, force=True)


def test_force_brings_a_whole_file_again(tiny_path: Path) -> None:
    content = tiny_path.read_bytes()
    with http_server(files={NAMES[0]: content}) as (url, server):
        publish(url, server, NAMES[0])
        path = sf.fetch_version(NAMES[0], progress=False)
        damaged = bytearray(content)
        damaged[-1] ^= 255
        path.write_bytes(damaged)
        assert sf.fetch_version(NAMES[0], progress=False).read_bytes() == damaged
        assert sf.fetch_version(NAMES[0], progress=False, force=True).read_bytes() == content
        assert sorted(one.name for one in path.parent.glob(f"{NAMES[0]}*")) == sorted(
            [path.name, f"{path.name}.lock", f"{path.name}.sha256"]
        )


def test_the_newest_in_the_cache_opens_and_news_are_heard_for_the_next_time(
    tiny_path: Path,
) -> None:
    content = tiny_path.read_bytes()
    with http_server(files=dict.fromkeys(NAMES, content)) as (url, server):
        publish(url, server, "synphys_r9.0_small.sqlite")
        first = sf.load_current("small", progress=False)
        assert first.path.name == "synphys_r9.0_small.sqlite"
        server.files["catalogue.json"] = catalogue(url, *NAMES)
        server.etags["catalogue.json"] = '"2"'
        assert sf.load_current("small", progress=False).path == first.path
        for thread in threading.enumerate():
            if thread.name == "catalogue":
                thread.join()
        newer = sf.load_current("small", progress=False)
        assert newer.path.name == "synphys_r9.1_small.sqlite"


def test_a_silent_server_does_not_keep_a_kept_list_waiting() -> None:
    with http_server() as (url, server):
        publish(url, server, *NAMES)
        assert len(sf.list_versions()) == 3
        server.silent = True
        sf.config.timeout = 30.0
        began = time.monotonic()
        assert len(sf.list_versions()) == 3
        assert time.monotonic() - began < 10


def test_a_list_has_a_largest_size() -> None:
    endless = b'{"databases": [' + b" " * 11_000_000
    with http_server(files={"catalogue.json": endless}) as (url, _):
        sf.config.catalogue_url = f"{url}/catalogue.json"
        assert len(sf.list_versions()) == 20


@pytest.mark.parametrize("kind", ["fifo", "text", "other json", "bytes", "folder"])
def test_a_kept_list_that_is_none_is_told_and_passed_over(
    caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    kept = catalogue_path(sf.config.cache_path, sf.config.catalogue_url)
    kept.parent.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(kept)
    elif kind == "folder":
        kept.mkdir()
    else:
        said = {"text": b"<html>", "other json": b'{"catalogue": 5}', "bytes": b"\xff\xfe"}
        kept.write_bytes(said[kind])
    assert len(sf.list_versions()) == 20
    assert "The kept list of versions" in caplog.text


@pytest.mark.parametrize("known", ["published", "arrived", "etag", "nothing"])
def test_one_wrong_byte_in_the_cache_is_found_by_verifying(tiny_path: Path, known: str) -> None:
    content = tiny_path.read_bytes()
    name = NAMES[0]
    with http_server(files={name: content}) as (url, server):
        publish(url, server, name)
        if known == "published":
            listed = json.loads(server.files["catalogue.json"])
            listed["databases"][0]["sha256"] = hashlib.sha256(content).hexdigest()
            server.files["catalogue.json"] = json.dumps(listed).encode()
        if known == "etag":
            server.etags[name] = f'"{hashlib.md5(content).hexdigest()}"'
        path = sf.fetch_version(name, progress=False)
        if known != "arrived":
            path.with_name(f"{name}.sha256").unlink()
        said = {
            "published": "its published SHA-256",
            "arrived": "the SHA-256 that it had when it arrived",
            "etag": "the ETag of the server",
            "nothing": "SQLite's own check",
        }
        assert verified_by(path, sf.config.cache_path) == said[known]
        assert sf.load_version(name, verify=True).path == path
        damaged = bytearray(content)
        # In the header of a page, which SQLite's own check sees, too.
        damaged[4096 + 3] ^= 255
        path.write_bytes(damaged)
        with pytest.raises(VerificationError, match=r"not the file that was published.*force=True"):
            sf.load_version(name, verify=True)
        assert sf.fetch_version(name, force=True, progress=False) == path
        assert verified_by(path, sf.config.cache_path)


@pytest.mark.parametrize("page", [1, 2])
def test_a_file_that_sqlite_finds_damaged_is_told_by_name(tiny_path: Path, page: int) -> None:
    content = bytearray(tiny_path.read_bytes())
    start = 100 if page == 1 else 4096
    content[start : start + 40] = bytes(40)
    path = sf.config.cache_path / "of_mine.sqlite"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(VerificationError, match="not the file that was published"):
        verified_by(path, sf.config.cache_path)
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_can_not_be_read_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="it can't be read: No such file"):
        verified_by(tmp_path / "gone.sqlite", tmp_path)


def test_the_command_verifies_the_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "sample"]) == 0
    assert "all bytes fit SQLite's own check" in capsys.readouterr().out


def test_the_command_verifies_what_is_there_and_fetches_nothing(
    tiny_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = tiny_path.read_bytes()
    with http_server(files={NAMES[0]: content}) as (url, server):
        publish(url, server, NAMES[0])
        assert main(["fetch", "small", "--quiet"]) == 0
        path = sf.config.cache_path / NAMES[0]
        server.requests.clear()
        for name in (NAMES[0], "small", str(path)):
            assert main(["verify", name]) == 0
        assert capsys.readouterr().out.count("the SHA-256 that it had when it arrived") == 3
        path.write_bytes(content[:-4096])
        for name in (NAMES[0], "small", str(path)):
            assert main(["verify", name]) == 1
        assert capsys.readouterr().err.count("it is truncated") == 3
        path.unlink()
        assert main(["verify", "small"]) == 2
        assert "'small' is not in" in capsys.readouterr().err
        assert server.requests == []
        assert main(["fetch", "small", "--force", "--quiet"]) == 0
        assert path.read_bytes() == content
        assert main(["fetch", "full", "--force", "--quiet"]) == 2
        assert "has no full release that is supported" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "content"),
    [
        ("{scheme}me:password@{host}/catalogue.json?token=signed", b"[]"),
        ("{scheme}me:password@{host}/catalogue.json?token=signed", b"<html>"),
        ("{scheme}me:password@127.0.0.1:9/catalogue.json?token=signed", b""),
        ("nonsense://me:password@{host}/catalogue.json?token=signed", b""),
    ],
)
def test_nothing_secret_of_the_lists_url_is_shown(
    caplog: pytest.LogCaptureFixture, url: str, content: bytes
) -> None:
    with http_server(files={"catalogue.json": content}) as (base, _):
        sf.config.catalogue_url = url.format(scheme="http://", host=base.removeprefix("http://"))
        shown = caplog.text
        try:
            sf.list_versions()
        except CatalogueError as error:
            shown += "".join(traceback.format_exception(error))
        shown += caplog.text
    assert "catalogue.json" in shown
    assert "password" not in shown
    assert "signed" not in shown
