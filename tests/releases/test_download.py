from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
import traceback
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pytest
import requests
import urllib3
from filelock import FileLock
from fsspec.callbacks import Callback
from tqdm import tqdm

import synphys_frames as sf
from synphys_frames.errors import (
    FetchError,
    IncompleteDownloadError,
    NotFoundError,
    RemoteChangedError,
    VerificationError,
)
from synphys_frames.releases.download import fetch
from synphys_frames.releases.http_file import HttpFile, retry_after
from synphys_frames.releases.partial import Partial
from synphys_frames.releases.patience import Patience
from synphys_frames.releases.remote_file import RemoteState
from synphys_frames.releases.transfer import Transfer
from tests.support.http_server import http_server

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "synphys_synthetic_small.sqlite"
IMPATIENT = Patience(seconds=1.5, pause=0.01)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("origin") / NAME
    return sf.build_sample(path, scale=1 / 20).read_bytes()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / NAME


def get(url: str, target: Path, **more: Any) -> Path:
    return fetch(f"{url}/{NAME}", target, progress=False, patience=IMPATIENT, **more)


def leftovers(target: Path) -> list[str]:
    """Return what is in the folder, but for the lock and the digest of what was verified."""
    names = {file.name for file in target.parent.iterdir()}
    return sorted(names - {f"{target.name}.lock", f"{target.name}.sha256"})


class Record(Callback):
    """An fsspec callback that writes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[int] = []

    def call(self, *_: Any, **__: Any) -> None:
        self.values.append(self.value)


def test_a_file_arrives_whole_and_alone(content: bytes, target: Path) -> None:
    record = Record()
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, _):
        found = fetch(f"{url}/{NAME}", target, progress=record)
    assert found == target
    assert target.read_bytes() == content
    assert leftovers(target) == [NAME]
    digest = hashlib.sha256(content).hexdigest()
    assert target.with_name(f"{NAME}.sha256").read_text() == f"{digest}  {NAME}\n"
    assert record.size == record.values[-1] == len(content)
    assert record.values == sorted(record.values)


def test_what_is_there_is_not_fetched_again(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}) as (url, server):
        get(url, target)
        before = len(server.requests)
        get(url, target)
    assert len(server.requests) == before


def test_a_broken_connection_is_continued(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):
        server.cut_after, server.cut_times = 100_000, 3
        get(url, target)
    assert target.read_bytes() == content


def test_a_connection_that_always_breaks_early_still_gets_through(
    content: bytes, target: Path
) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}, cut_after=70_000) as (url, server):
        get(url, target)
    assert target.read_bytes() == content
    assert len(server.sent_ranges) < 4 * len(content) / 70_000


def test_the_next_call_goes_on_where_the_last_one_stopped(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):
        half = Interrupt(len(content) // 2)
        with pytest.raises(KeyboardInterrupt):
            fetch(f"{url}/{NAME}", target, progress=half)
        have = Partial(target).size
        assert 0 < have < len(content)
        server.requests.clear()
        record = Record()
        fetch(f"{url}/{NAME}", target, progress=record)
    assert server.sent_ranges[0].startswith(f"bytes={have}-")
    assert record.values[0] == have
    assert target.read_bytes() == content
    assert leftovers(target) == [NAME]


class Interrupt(Callback):
    """Stands for Ctrl-C at some point."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def call(self, *_: Any, **__: Any) -> None:
        if self.value >= self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("what", ["etag", "size", "no etag", "note lost", "too long"])
def test_a_partial_of_other_content_is_not_continued(
    content: bytes, target: Path, what: str
) -> None:
    state = RemoteState(len(content), '"a"')
    partial = Partial(target)
    target.parent.mkdir()
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):
        if what == "etag":
            state = RemoteState(len(content), '"b"')
        if what == "size":
            state = RemoteState(len(content) + 4096, '"a"')
        if what == "no etag":
            state = RemoteState(len(content), None)
            server.etags.clear()
        partial.begin(state)
        partial.path.write_bytes(b"x" * (len(content) + 1 if what == "too long" else 1000))
        if what == "note lost":
            (target.parent / f"{NAME}.part.json").unlink()
        get(url, target)
    assert server.sent_ranges[0].startswith("bytes=0-")
    assert target.read_bytes() == content


def test_a_file_that_changes_on_the_way_is_fetched_anew(content: bytes, target: Path) -> None:
    other = content[:-8] + b"12345678"
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):

        class Change(Callback):
            def call(self, *_: Any, **__: Any) -> None:
                if self.value and server.etags[NAME] == '"a"':
                    server.files[NAME], server.etags[NAME] = other, '"b"'

        fetch(f"{url}/{NAME}", target, progress=Change(), patience=IMPATIENT)
    assert target.read_bytes() == other


def test_a_file_that_never_stops_changing_is_given_up(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"0"'}) as (url, server):

        class Change(Callback):
            def call(self, *_: Any, **__: Any) -> None:
                server.etags[NAME] = f'"{time.perf_counter_ns()}"'

        with pytest.raises(RemoteChangedError, match="changed on the server"):
            fetch(f"{url}/{NAME}", target, progress=Change(), patience=IMPATIENT)
    assert leftovers(target) == []


@pytest.mark.parametrize("resume", [False, True])
def test_a_server_without_ranges_is_read_as_a_stream(
    content: bytes, target: Path, resume: bool
) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}, ranges=False) as (url, server):
        if resume:
            target.parent.mkdir()
            partial = Partial(target)
            partial.begin(RemoteState(len(content), '"a"'))
            partial.path.write_bytes(content[:300_000])
        server.cut_after, server.cut_times = 500_000, 1
        get(url, target)
    assert target.read_bytes() == content


def test_a_wrong_range_is_never_written(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}, shifted=True) as (url, server):
        with pytest.raises(IncompleteDownloadError, match="asked for bytes from 0 on, the server"):
            get(url, target)
        assert Partial(target).size == 0
        server.shifted = False
        get(url, target)
    assert target.read_bytes() == content


@pytest.mark.parametrize(
    "page",
    [
        ({"Content-Type": "text/html"}, b"<html>log in first</html>"),
        ({"Content-Type": "text/html"}, b"<html>" + b"x" * 5_000_000),
        ({"ETag": '"a"'}, b"short"),
    ],
    ids=["small", "large", "with the ETag"],
)
def test_a_page_that_something_sends_instead_is_never_written(
    content: bytes, target: Path, page: tuple[dict[str, str], bytes]
) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):
        # The first connection breaks, then pages come, then the file again.
        server.cut_after, server.cut_times = 1_000_000, 1
        server.pages = {2: page, 3: page}
        get(url, target)
        assert target.read_bytes() == content
        # A page during a whole call leaves what has arrived as it was.
        target.unlink()
        server.gets, server.cut_times = 0, 1
        server.pages = dict.fromkeys(range(2, 20), page)
        with pytest.raises(IncompleteDownloadError, match="the answer is not of the file"):
            get(url, target)
        have = Partial(target).size
        assert Partial(target).path.read_bytes()[:have] == content[:have]
        assert have <= 1_000_000
        server.pages = {}
        get(url, target)
    assert target.read_bytes() == content


def test_a_page_of_the_very_size_is_found_out(content: bytes, target: Path) -> None:
    page = b"<html>" + content[6:]
    with http_server(files={NAME: content}, etags={NAME: '"a"'}, ranges=False) as (url, server):
        server.pages = {1: ({}, page), 2: ({"ETag": '"b"'}, page)}
        get(url, target)
    assert target.read_bytes() == content


@pytest.mark.parametrize(
    "behaviour",
    [
        {"compress": True},
        {"head": 405},
        {"head": 403},
        {"redirect": True},
        {"etags": {NAME: 'W/"weak"'}},
        {"etags": {}},
    ],
    ids=str,
)
@pytest.mark.parametrize("breaks", [0, 2])
def test_servers_of_many_kinds(
    content: bytes, target: Path, behaviour: dict[str, Any], breaks: int
) -> None:
    behaviour = {"etags": {NAME: '"a"'}} | behaviour
    with http_server(files={NAME: content}, **behaviour) as (url, server):
        server.cut_after, server.cut_times = 400_000, breaks
        # The first GET is that of a client that was refused its HEAD.
        get(url, target)
    assert target.read_bytes() == content


def test_the_server_may_ask_to_wait(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, status=429, status_times=2, retry_after="1") as (
        url,
        _,
    ):
        begun = time.monotonic()
        fetch(f"{url}/{NAME}", target, progress=False, patience=Patience(seconds=20, pause=0.01))
        assert time.monotonic() - begun >= 0.9
    assert target.read_bytes() == content


def test_short_bodies_do_not_loop_for_ever(content: bytes, target: Path) -> None:
    with (
        http_server(files={NAME: content}, etags={NAME: '"a"'}, short_by=1) as (url, server),
        pytest.raises(IncompleteDownloadError, match=r"the answer ended early\. Gave up after"),
    ):
        get(url, target)
    # The first answer lacks one byte; then that byte is asked for, in vain.
    last = len(content) - 1
    assert set(server.sent_ranges[1:]) == {f"bytes={last}-{last}"}
    assert Partial(target).missing(len(content)) == [(last, last + 1)]


@pytest.mark.parametrize(
    ("behaviour", "error", "message"),
    [
        ({"status": 404}, NotFoundError, "the server answers 404"),
        ({"status": 403}, NotFoundError, "the server answers 403"),
        ({"status": 500}, IncompleteDownloadError, r"answers 500.*Gave up after .* failures"),
        ({"silent": True}, IncompleteDownloadError, "no answer within 0.2 s"),
        ({"no_length": True, "ranges": False}, FetchError, "does not say how large"),
    ],
)
def test_servers_that_do_not_serve(
    content: bytes,
    target: Path,
    behaviour: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    sf.config.timeout = 0.2
    with (
        http_server(files={NAME: content}, **behaviour) as (url, _),
        pytest.raises(error, match=message),
    ):
        get(url, target)
    assert leftovers(target) == []


def test_somebody_who_waits_is_told_once(
    content: bytes, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with http_server(files={NAME: content}, status=503, status_times=3) as (url, _):
        get(url, target)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == [f"{url}/{NAME}: the server answers 503; it is tried again, for 1.5 s"]


def test_nobody_there(target: Path) -> None:
    with pytest.raises(
        IncompleteDownloadError, match=r"Gave up after .* failures; config\.patience"
    ):
        get("http://127.0.0.1:9", target)


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999", "ftp://127.0.0.1:1"])
def test_urls_that_are_none_fail_at_once(target: Path, url: str) -> None:
    with pytest.raises(FetchError, match="can't be fetched") as caught:
        fetch(f"{url}/{NAME}", target, progress=False, patience=Patience(pause=60))
    assert not isinstance(caught.value, IncompleteDownloadError)


def test_a_passing_fault_is_overcome(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, status=503, status_times=2) as (url, _):
        get(url, target)
    assert target.read_bytes() == content


@pytest.mark.parametrize(
    ("change", "known", "message"),
    [
        (lambda data: data, {"sha256": "0" * 64}, "its SHA-256 is"),
        (lambda data: data[:-4096], {}, "it is truncated"),
        (lambda data: data + b"\0" * 4096, {}, "it is too long"),
        (lambda data: b"<html>" + data, {}, "it is not an SQLite file"),
    ],
)
def test_what_is_not_the_published_file_is_not_published(
    content: bytes, target: Path, change: Any, known: dict[str, str], message: str
) -> None:
    with (
        http_server(files={NAME: change(content)}) as (url, _),
        pytest.raises(VerificationError, match=message),
    ):
        get(url, target, **known)
    assert leftovers(target) == []


def test_another_size_than_published_is_not_even_fetched(content: bytes, target: Path) -> None:
    with (
        http_server(files={NAME: content}) as (url, server),
        pytest.raises(VerificationError, match="was published with 5"),
    ):
        get(url, target, size=5)
    assert server.sent_ranges == []


def test_size_and_digest_that_fit_are_accepted(content: bytes, target: Path) -> None:
    digest = hashlib.sha256(content).hexdigest()
    with http_server(files={NAME: content}) as (url, _):
        get(url, target, size=len(content), sha256=digest)
    assert target.read_bytes() == content


@pytest.mark.parametrize("protocol", ["file", "memory"])
def test_other_urls_work_alike(content: bytes, target: Path, tmp_path: Path, protocol: str) -> None:
    if protocol == "file":
        (tmp_path / NAME).write_bytes(content)
        url = (tmp_path / NAME).as_uri()
    else:
        url = f"memory://origin/{NAME}"
        fsspec.filesystem("memory").pipe(url, content)
    with pytest.raises(KeyboardInterrupt):
        fetch(url, target, progress=Interrupt(1_000_000))
    have = Partial(target).size
    assert 0 < have < len(content)
    record = Record()
    fetch(url, target, progress=record)
    assert record.values[0] == have
    assert target.read_bytes() == content


def test_missing_files_of_other_urls(target: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no such file"):
        fetch((tmp_path / "nothing.sqlite").as_uri(), target)
    with pytest.raises(FetchError, match="can't be fetched"):
        fetch("nonsense://x/y.sqlite", target)


def _fetch_in_a_process(url: str, target: str, done: Any) -> None:
    fetch(url, Path(target), progress=False)
    done.put(Path(target).stat().st_size)


def test_two_processes_fetch_a_file_once(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}, chunk_delay=0.005) as (
        url,
        server,
    ):
        context = multiprocessing.get_context("spawn")
        done = context.Queue()
        arguments = (f"{url}/{NAME}", str(target), done)
        processes = [context.Process(target=_fetch_in_a_process, args=arguments) for _ in "ab"]
        for process in processes:
            process.start()
        sizes = [done.get(timeout=60) for _ in processes]
        for process in processes:
            process.join()
    assert sizes == [len(content)] * 2
    assert target.read_bytes() == content
    assert server.sent_ranges == [f"bytes=0-{len(content) - 1}"]


def test_two_threads_fetch_a_file_once(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):
        threads = [threading.Thread(target=get, args=(url, target)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert target.read_bytes() == content
    assert server.sent_ranges == [f"bytes=0-{len(content) - 1}"]


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_leaves_a_partial_that_is_continued(
    content: bytes, target: Path, kind: signal.Signals, tmp_path: Path
) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):
        server.files["catalogue.json"] = json.dumps(
            {"default_url_path": url, "databases": [{"file": NAME, "schema_version": "22"}]}
        ).encode()
        server.chunk_delay = 0.02
        environment = os.environ | {
            "SYNPHYS_FRAMES_CACHE": str(target.parent),
            "SYNPHYS_FRAMES_CATALOGUE_URL": f"{url}/catalogue.json",
        }
        command = [sys.executable, "-m", "synphys_frames.cli", "fetch", NAME, "--quiet"]
        process = subprocess.Popen(
            command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while Partial(target).size == 0 and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(kind)
        _, said = process.communicate()
        have = Partial(target).size
        assert 0 < have < len(content)
        if kind == signal.SIGINT:
            assert process.returncode == 130
            assert "the same command goes on from there" in said
            assert len(said.splitlines()) == 1
        server.chunk_delay = 0
        server.requests.clear()
        finished = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
    assert finished.stdout.strip() == str(target)
    assert server.sent_ranges[0].startswith(f"bytes={have}-")
    assert target.read_bytes() == content


def test_the_bar_starts_at_what_is_there(
    content: bytes, target: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, _):
        with pytest.raises(KeyboardInterrupt):
            fetch(f"{url}/{NAME}", target, progress=Interrupt(1))
        have = Partial(target).size
        capfd.readouterr()
        fetch(f"{url}/{NAME}", target, progress=True)
    bar = capfd.readouterr().err
    first = bar.split("\r")[1]
    assert f"{round(100 * have / len(content))}%" in first
    assert tqdm.format_sizeof(have) in first
    assert "100%" in bar
    assert "B/s" in bar


def test_the_bar_moves_while_bytes_come(content: bytes, target: Path) -> None:
    record = Record()
    with http_server(files={NAME: content}) as (url, _):
        fetch(f"{url}/{NAME}", target, progress=record)
    steps = np.diff(record.values).tolist()
    assert max(steps) <= 1 << 18
    assert len(steps) >= len(content) >> 18


@pytest.mark.parametrize("name", [NAME, f"{NAME}.part", f"{NAME}.part.json"])
def test_a_folder_in_the_way(content: bytes, target: Path, name: str) -> None:
    (target.parent / name).mkdir(parents=True)
    with (
        http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, _),
        pytest.raises(FetchError, match="can't be written: Is a directory"),
    ):
        get(url, target)


@pytest.mark.slow
def test_kills_at_random_moments_lose_nothing(content: bytes, target: Path) -> None:
    """A process is killed again and again; what the last one publishes is the file."""
    generator = random.Random(5)
    with http_server(files={NAME: content}, etags={NAME: '"a"'}, chunk_delay=0.002) as (url, _):
        for _ in range(30):
            process = multiprocessing.get_context("spawn").Process(target=get, args=(url, target))
            process.start()
            process.join(timeout=1.2 + generator.random())
            if process.exitcode == 0:
                break
            process.kill()
            process.join()
        get(url, target)
    assert target.read_bytes() == content


def test_progress_takes_only_what_it_takes(target: Path) -> None:
    with http_server(files={NAME: b"x" * 10}) as (url, _), pytest.raises(ValueError, match="bar"):
        fetch(f"{url}/{NAME}", target, progress="yes")  # type: ignore[arg-type]


def test_a_cache_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FetchError, match="Set another one"):
        fetch("http://127.0.0.1:9/x.sqlite", tmp_path / "file" / "x.sqlite")


def part_etag(content: bytes, length: int) -> str:
    """Return the ETag that S3 gives what was sent in parts of a length."""
    parts = [content[start : start + length] for start in range(0, len(content), length)]
    digests = b"".join(hashlib.md5(part).digest() for part in parts)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(parts)}"'


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("origin") / NAME
    return sf.build_sample(path, scale=1 / 3).read_bytes()


def test_several_ranges_come_at_once_and_once(large: bytes, target: Path) -> None:
    assert len(large) > 2 * (8 << 20)
    with http_server(files={NAME: large}, etags={NAME: '"a"'}, chunk_delay=0.001) as (url, server):
        record = Record()
        fetch(f"{url}/{NAME}", target, progress=record)
    assert target.read_bytes() == large
    asked = [tuple(map(int, text.removeprefix("bytes=").split("-"))) for text in server.sent_ranges]
    assert len(asked) > 2
    assert sum(last - first + 1 for first, last in asked) == len(large)
    assert record.values == sorted(record.values)
    assert record.values[-1] == len(large)
    assert leftovers(target) == [NAME]


@pytest.mark.parametrize("cut", [1, 1000, 300_000, 9_000_000])
def test_breaks_at_any_place_cost_next_to_nothing(large: bytes, target: Path, cut: int) -> None:
    with http_server(files={NAME: large}, etags={NAME: '"a"'}) as (url, server):
        server.cut_after, server.cut_times = cut, 20
        get(url, target)
    assert target.read_bytes() == large
    starts = [int(text.removeprefix("bytes=").split("-")[0]) for text in server.sent_ranges]
    # None begins where another one did: what had come before the break was kept.
    assert len(set(starts)) == len(starts)


@pytest.mark.parametrize("length", [8 << 20, 5 << 20, 16 << 20, None])
@pytest.mark.parametrize("is_wrong", [False, True])
def test_the_etag_of_an_object_store_is_a_digest(
    large: bytes, target: Path, length: int | None, is_wrong: bool
) -> None:
    etag = part_etag(large, length) if length else f'"{hashlib.md5(large).hexdigest()}"'
    served = bytearray(large)
    if is_wrong:
        served[len(large) // 2] ^= 1
    with http_server(files={NAME: bytes(served)}, etags={NAME: etag}) as (url, _):
        if is_wrong:
            with pytest.raises(VerificationError, match="its MD5 is not that of its ETag"):
                get(url, target)
            assert leftovers(target) == []
        else:
            assert get(url, target).read_bytes() == large


def test_an_etag_of_parts_of_an_unknown_length_is_told(
    content: bytes, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with http_server(files={NAME: content}, etags={NAME: part_etag(content, 777_777)}) as (url, _):
        get(url, target)
    assert "parts of an unknown length" in caplog.text


@pytest.mark.parametrize("damage", ["zeroed", "one byte", "truncated", "torn line", "other lines"])
def test_what_is_there_counts_only_where_it_is_what_arrived(
    large: bytes, target: Path, damage: str
) -> None:
    with http_server(files={NAME: large}, etags={NAME: '"a"'}) as (url, _):
        with pytest.raises(KeyboardInterrupt):
            fetch(f"{url}/{NAME}", target, progress=Interrupt(len(large) // 2))
        partial = Partial(target)
        journal = target.with_name(f"{NAME}.part.json")
        held = bytearray(partial.path.read_bytes())
        if damage == "zeroed":
            held[1_000_000:3_000_000] = bytes(2_000_000)
        elif damage == "one byte":
            held[5_000] ^= 1
        if damage == "truncated":
            os.truncate(partial.path, len(large) // 4)
        else:
            partial.path.write_bytes(held)
        if damage == "torn line":
            journal.write_bytes(journal.read_bytes() + b"0 9999")
        if damage == "other lines":
            journal.write_bytes(
                journal.read_bytes()
                + b"x\n9 5 1\n0 99999999999 7\n1 2 3 4\n"
                + b"9" * 5000
                + b" 1 2\n"
            )
        get(url, target)
    assert target.read_bytes() == large


@pytest.mark.parametrize("status", [204, 400, 402, 405, 407, 412, 416, 451])
def test_answers_that_will_not_change_are_named_at_once(
    content: bytes, target: Path, status: int
) -> None:
    with http_server(files={NAME: content}, status=status) as (url, server):
        with pytest.raises(FetchError, match=f"the server answers {status}, which is no file"):
            fetch(f"{url}/{NAME}", target, progress=False, patience=Patience(pause=60))
        assert len(server.requests) <= 3


def test_ctrl_c_does_not_wait_for_a_silent_server(content: bytes, target: Path) -> None:
    sf.config.timeout = 20.0
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):
        program = (
            "import sys; from pathlib import Path; import synphys_frames as sf\n"
            "from synphys_frames.releases.download import fetch\n"
            f"try: fetch('{url}/{NAME}', Path({str(target)!r}), progress=False)\n"
            "except KeyboardInterrupt: print('heard')"
        )
        server.cut_after, server.cut_times = 1_000_000, 1
        server.silent_after_gets = 1
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 60
        while Partial(target).size == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert said == "heard\n"
        assert time.monotonic() - sent < 10


def test_a_drip_is_given_up_and_a_slow_line_is_not(content: bytes, target: Path) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}, chunk_delay=0.1) as (url, server):
        slow = Patience(seconds=0.5, least_rate=10_000_000, pause=0.01)
        with pytest.raises(IncompleteDownloadError, match="less than 10,000,000 bytes a second"):
            fetch(f"{url}/{NAME}", target, progress=False, patience=slow)
        assert Partial(target).size > 0
        server.chunk_delay = 0.01
        enough = Patience(seconds=0.2, least_rate=1000, pause=0.01)
        fetch(f"{url}/{NAME}", target, progress=False, patience=enough)
    assert target.read_bytes() == content


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [("3", 3, 3), ("junk", 0, 0), ("", 0, 0), ("9" * 50, 1, 1e9), ("date", 25, 31)],
)
def test_retry_after_is_seconds_or_a_date(text: str, least: float, most: float) -> None:
    if text == "date":
        text = formatdate(time.time() + 30, usegmt=True)
    assert least <= retry_after(text) <= most


@pytest.mark.parametrize(
    "options",
    [{"client_kwargs": {"timeout": 5}}, {"anon": True}, {"client_kwargs": {"connector": None}}],
)
def test_options_that_would_take_checks_away_are_refused(
    target: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(FetchError, match="storage_options of web servers are auth, cookies"):
        get("http://127.0.0.1:9", target, storage_options=options)


def test_headers_of_the_user_do_not_take_checks_away(content: bytes, target: Path) -> None:
    options = {"client_kwargs": {"headers": {"X-Token": "secret"}}}
    with (
        http_server(files={NAME: content}, etags={NAME: '"a"'}, shifted=True) as (url, _),
        pytest.raises(IncompleteDownloadError, match="asked for bytes from 0 on"),
    ):
        get(url, target, storage_options=options)


def test_nothing_secret_shows_in_an_error(target: Path) -> None:
    url = "http://me:password@127.0.0.1:9/x.sqlite?X-Amz-Signature=signed"
    with pytest.raises(FetchError) as caught:
        fetch(url, target, progress=False, patience=IMPATIENT)
    shown = "".join(traceback.format_exception(caught.value))
    assert "127.0.0.1" in shown
    for secret in ("password", "signed"):
        assert secret not in shown


def test_a_digest_decides_where_the_etag_changes(content: bytes, target: Path) -> None:
    digest = hashlib.sha256(content).hexdigest()
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):
        with pytest.raises(KeyboardInterrupt):
            fetch(f"{url}/{NAME}", target, progress=Interrupt(len(content) // 2))
        half = Partial(target).size

        class Change(Callback):
            def call(self, *_: Any, **__: Any) -> None:
                server.etags[NAME] = '"b"'

        server.requests.clear()
        fetch(f"{url}/{NAME}", target, progress=Change(), sha256=digest, patience=IMPATIENT)
    assert target.read_bytes() == content
    assert all(int(text[6:].split("-")[0]) >= half for text in server.sent_ranges)


def test_a_lock_that_nobody_works_under_is_told_after_a_while(content: bytes, target: Path) -> None:
    target.parent.mkdir()
    lock = target.with_name(f"{NAME}.lock")
    with FileLock(lock), http_server(files={NAME: content}) as (url, server):
        with pytest.raises(FetchError, match=r"brought nothing for 0 s.*delete that lock"):
            fetch(
                f"{url}/{NAME}", target, progress=False, patience=Patience(seconds=0.1, pause=0.01)
            )
        assert server.requests == []


def test_a_writer_whose_lock_was_deleted_does_no_harm(large: bytes, target: Path) -> None:
    """Two at once, which only a lock that was taken away lets happen."""
    with http_server(files={NAME: large}, etags={NAME: '"a"'}, chunk_delay=0.002) as (url, _):
        errors: list[BaseException] = []

        def work() -> None:
            try:
                get(url, target)
            except FetchError as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
            time.sleep(0.1)
            target.with_name(f"{NAME}.lock").unlink(missing_ok=True)
        for thread in threads:
            thread.join()
        assert get(url, target).read_bytes() == large


def test_what_is_for_the_first_host_goes_to_no_other(content: bytes, target: Path) -> None:
    options = {"headers": {"X-Token": "t"}, "auth": ("me", "secret"), "cookies": {"session": "c"}}
    with (
        http_server(files={NAME: content}, etags={NAME: '"a"'}) as (other, second),
        http_server(redirect_to=other) as (url, first),
    ):
        assert get(url, target, storage_options=options).read_bytes() == content
    secret = {"x-token", "authorization", "cookie"}
    assert all(secret <= set(headers) for headers in first.headers)
    assert second.headers
    assert not any(secret & set(headers) for headers in second.headers)


@pytest.mark.parametrize(
    ("place", "is_refused"),
    [
        ("http://host/x.sqlite", True),
        ("//host/x.sqlite", False),
        ("/x.sqlite", False),
        ("https://other/x.sqlite", False),
        ("ftp://host/x.sqlite", True),
    ],
)
def test_no_answer_leads_out_of_encryption(place: str, is_refused: bool) -> None:
    answer = requests.Response()
    answer.status_code, answer.url = 302, "https://me:secret@host/old.sqlite?token=secret"
    answer.headers["Location"], answer.raw = place, urllib3.HTTPResponse()
    session = HttpFile(answer.url)._session
    if is_refused:
        with pytest.raises(FetchError, match="which is not encrypted") as caught:
            session.get_redirect_target(answer)
        assert "secret" not in str(caught.value)
    else:
        assert session.get_redirect_target(answer) == place


class Vanishing:
    """A file of a storage that gives two chunks, and then says that it has no such file."""

    url = "vanishing://x"
    takes_ranges: bool | None = True
    connections = 1

    def state(self) -> RemoteState:
        return RemoteState(1000, '"a"')

    def expect(self, state: RemoteState) -> None:
        pass

    def stream(self, start: int, stop: int) -> Iterator[bytes]:
        yield b"x" * 10
        yield b"x" * 10
        raise NotFoundError(f"{self.url} is gone: {start} to {stop}")

    def close(self) -> None:
        pass


class SlowAtFirst(Callback):
    """Has the worker come to its end while two chunks still wait to be told."""

    def call(self, *_: Any, **__: Any) -> None:
        if self.value == 10:
            time.sleep(0.02)


def test_what_a_worker_meets_last_is_always_heard(tmp_path: Path) -> None:
    for _ in range(20):
        partial = Partial(tmp_path / NAME)
        partial.discard()
        partial.begin(Vanishing().state())
        with pytest.raises(NotFoundError, match="is gone: 0 to 1000"):
            Transfer(Vanishing(), partial, 1000, IMPATIENT, SlowAtFirst()).run()
        assert partial.missing(1000) == [(20, 1000)]


@pytest.mark.parametrize("etag", ['"b"', '"a"', None])
def test_a_late_worker_notes_nothing_in_what_was_begun_anew(
    tmp_path: Path, etag: str | None
) -> None:
    partial = Partial(tmp_path / NAME)
    partial.begin(RemoteState(1000, '"a"' if etag else None))
    late = partial.writer(100)
    late.write(b"x" * 300)
    partial.discard()
    partial.begin(RemoteState(1000, etag))
    late.close()
    assert partial.missing(1000) == [(0, 1000)]
    assert partial.path.read_bytes() == bytes(1000)
    fresh = partial.writer(0)
    fresh.write(b"y" * 200)
    fresh.close()
    assert partial.missing(1000) == [(200, 1000)]


def test_a_second_process_goes_on_with_what_the_first_noted(tmp_path: Path) -> None:
    state = RemoteState(1000, '"a"')
    first, second = Partial(tmp_path / NAME), Partial(tmp_path / NAME)
    first.begin(state)
    begun = first.writer(0)
    begun.write(b"x" * 300)
    begun.note()
    second.begin(state)
    begun.write(b"x" * 200)
    begun.close()
    assert second.missing(1000) == first.missing(1000) == [(500, 1000)]


def test_a_fetch_ends_whole_where_another_process_began_it_anew(
    content: bytes, target: Path
) -> None:
    with http_server(files={NAME: content}, etags={NAME: '"a"'}) as (url, server):

        class BeginAnew(Callback):
            def call(self, *_: Any, **__: Any) -> None:
                if self.value and "x" not in server.etags:
                    server.etags["x"] = ""
                    Partial(target).discard()
                    Partial(target).begin(RemoteState(len(content), '"a"'))

        fetch(f"{url}/{NAME}", target, progress=BeginAnew(), patience=IMPATIENT)
    assert target.read_bytes() == content
