"""Lists of versions that somebody else wrote."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

import synphys_frames as sf
from synphys_frames.errors import CatalogueError
from synphys_frames.releases.catalogue import parse_catalogue
from tests.support.catalogue import NAMES, publish
from tests.support.http_server import http_server

if TYPE_CHECKING:
    from pathlib import Path

NO_VERSIONS: list[Any] = ["", "2" * 101, "2\n", "\x1b[2J", 2.2, True, [22], {}]
ENTRY = {"file": "synphys_x.sqlite", "schema_version": "22"}

NO_FILES = [
    "../evil.sqlite", "..\\evil.sqlite", "/etc/evil.sqlite", "C:evil.sqlite", "~/evil.sqlite",
    ".hidden.sqlite", "a\0.sqlite", "a\n.sqlite", "a\x7f.sqlite", "\x1b[2J.sqlite",
    "\ud800.sqlite", "a\u202eetilqs.sqlite", "NUL", "nul.sqlite", "COM1.sqlite", "con .sqlite",
    "x" * 5_000 + ".sqlite", "evil.sqlite.", "evil.sqlite ", "", "x.sqlite.part", "x.sqlite.lock",
    "catalogue-123456789abc.json", "x.sqlite-wal", "x",
]  # fmt: skip
NO_URLS = [
    "file:///etc/passwd", "ftp://x/y", "s3://key:secret@bucket/y", "https://user:pass@x/y",
    "https://token@x/y", "memory://x", "local://x", "data:,x", "ssh://x/y", "smb://x/y",
    "simplecache::https://x/y", "filecache::https://x/y", "zip://a::https://x/y", "https://",
    "https:///y", "https:x", "x", "//x/y", "\\\\server\\x", "https://x/y z", "https://x/\n",
    "https://x\\@y/z", "https://x/\ud800", "https://x/" + "y" * 5_000, "javascript:alert(1)",
    7, True, ["https://x/y"], {"a": 1},
]  # fmt: skip


def _document(**changes: Any) -> dict[str, Any]:
    return {"default_url_path": "https://x", "databases": [ENTRY | changes]}


def _nested(levels: int) -> list[Any]:
    nested: list[Any] = []
    for _ in range(levels):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    "changes",
    [{"file": name} for name in NO_FILES]
    + [{"aliases": [name]} for name in NO_FILES[:19]]
    + [{"url": url} for url in NO_URLS]
    + [{"bytes": size} for size in (-1, 1.0, float("nan"), float("inf"), True, "7", 1 << 63, [7])]
    + [{"bytes": 10**400}, {"aliases": ["a.sqlite"] * 101}, {"aliases": {"a": 1}}]
    + [
        {"sha256": digest}
        for digest in ("", "ab", "g" * 64, "a" * 65, "a" * 64 + "\n", 7, True, ["a"])
    ]
    + [{"schema_version": version} for version in NO_VERSIONS]
    + [{name: _nested(900)} for name in ("file", "url", "bytes", "aliases", "schema_version")],
    ids=lambda changes: ascii(changes)[:40],
)
def test_an_entry_that_is_none_is_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(CatalogueError, match="not of the published form") as it:
        parse_catalogue(_document(**changes), "x")
    assert len(str(it.value)) < 2_000
    assert "secret" not in str(it.value)
    assert "\x1b" not in str(it.value)


@pytest.mark.parametrize(
    "document",
    [None, 7, "x", [], [[]], {}, {"databases": None}, {"databases": {}}, {"databases": "x"},
     {"databases": {"file": "x"}}, {"databases": [None]}, {"databases": [[]]}, _nested(900)],
    ids=lambda document: ascii(document)[:30],
)  # fmt: skip
def test_a_document_of_another_form_is_refused(document: Any) -> None:
    with pytest.raises(CatalogueError, match="not of the published form"):
        parse_catalogue(document, "x")


def test_names_that_some_file_systems_take_for_the_same_are_one_name() -> None:
    other = ENTRY | {"file": "Synphys_X.sqlite"}
    with pytest.raises(CatalogueError, match="listed twice"):
        parse_catalogue({"default_url_path": "https://x", "databases": [ENTRY, other]}, "x")


def test_a_list_is_of_bounded_length() -> None:
    entries = [ENTRY | {"file": f"synphys_{number}.sqlite"} for number in range(10_000)]
    document = {"default_url_path": "https://x", "databases": entries}
    assert len(parse_catalogue(document, "x")) == 10_000
    document["databases"] = [*entries, ENTRY]
    with pytest.raises(CatalogueError, match="at most 10,000 files"):
        parse_catalogue(document, "x")


@pytest.mark.parametrize("scheme", ["https", "http", "s3", "gs", "abfs"])
def test_lists_of_other_places_are_taken(scheme: str) -> None:
    url = f"{scheme}://place/deep/synphys_x.sqlite"
    assert parse_catalogue(_document(url=url), "x")[0].url == url


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff\xfe\x00", b"\x00" * 100, b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5_000,
        b'{"databases": [' + b'{},' * 100, b" " * 11_000_000, "{}".encode("utf-32"), b"NaN",
    ],
    ids=lambda body: ascii(body[:12]),
)  # fmt: skip
def test_what_is_no_list_at_all_leads_to_the_kept_or_shipped_list(
    tmp_path: Path, body: bytes
) -> None:
    with http_server() as (url, server):
        publish(url, server, NAMES[0])
        server.files["catalogue.json"] = body
        try:
            assert len(sf.list_versions()) == 20
        except CatalogueError as error:
            assert "published form" in str(error)  # noqa: PT017
        assert not list(tmp_path.glob("**/*.*"))
        publish(url, server, NAMES[0])
        assert sf.list_versions()["db_file"].tolist() == [NAMES[0]]
        server.files["catalogue.json"], server.etags["catalogue.json"] = body, '"2"'
        assert sf.list_versions()["db_file"].tolist() == [NAMES[0]]
        [kept] = tmp_path.glob("**/*.*")
        assert kept.parent == sf.config.cache_path


@pytest.mark.skipif(sys.platform == "win32", reason="such files are of POSIX")
@pytest.mark.parametrize("kind", ["fifo", "link", "large"])
def test_a_kept_list_that_is_no_file_of_ours_is_not_read(tmp_path: Path, kind: str) -> None:
    with http_server() as (url, server):
        publish(url, server, NAMES[0])
        sf.list_versions()
        [kept] = tmp_path.glob("**/*.json")
        content = kept.read_text()
        kept.unlink()
        if kind == "fifo":
            os.mkfifo(kept)
        elif kind == "link":
            (tmp_path / "elsewhere.txt").write_text(content)
            kept.symlink_to(tmp_path / "elsewhere.txt")
        else:
            kept.write_text(content + " " * 25_000_000)
        server.status = 500
        assert len(sf.list_versions()) == (1 if kind == "large" else 20)
        server.status = None
        assert sf.list_versions()["db_file"].tolist() == [NAMES[0]]
        # Its own file is in that place now, and what the link led to is as it was.
        if kind != "large":
            assert json.loads(kept.read_text())["etag"] == '"1"'
            assert not kept.is_symlink()
        if kind == "link":
            assert (tmp_path / "elsewhere.txt").read_text() == content
