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
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
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
from synphys_frames.releases.download import Partial, Patience, fetch
from synphys_frames.releases.remote_file import RemoteState
from tests.support.http_server import http_server

NAME = "synphys_synthetic_small.sqlite"
IMPATIENT = Patience(retries=3, pause=0.0)


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
    return sorted(file.name for file in target.parent.iterdir() if file.suffix != ".lock")


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
        have = Partial(target).path.read_bytes()
        assert have == content[: len(have)]
        assert len(have) <= 1_000_000
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
        get(url, target)
        assert time.monotonic() - begun >= 0.9
    assert target.read_bytes() == content


def test_short_bodies_do_not_loop_for_ever(content: bytes, target: Path) -> None:
    with (
        http_server(files={NAME: content}, etags={NAME: '"a"'}, short_by=1) as (url, server),
        pytest.raises(IncompleteDownloadError, match="Gave up after 4 attempts"),
    ):
        get(url, target)
    # The first answer lacks one byte; then that byte is asked for, in vain.
    assert len(server.sent_ranges) == 4
    assert Partial(target).path.read_bytes() == content[:-1]


@pytest.mark.parametrize(
    ("behaviour", "error", "message"),
    [
        ({"status": 404}, NotFoundError, "the server answers 404"),
        ({"status": 403}, NotFoundError, "the server answers 403"),
        ({"status": 500}, IncompleteDownloadError, "answers 500.*Gave up after 4"),
        ({"silent": True}, IncompleteDownloadError, "no answer within 0.2 s"),
        ({"no_length": True}, FetchError, "does not say how large"),
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


def test_nobody_there(target: Path) -> None:
    with pytest.raises(IncompleteDownloadError, match="Gave up after 4 attempts in a row"):
        get("http://127.0.0.1:9", target)


@pytest.mark.parametrize("url", ["http://", "http://127.0.0.1:99999", "ftp://127.0.0.1:1"])
def test_urls_that_are_none_fail_at_once(target: Path, url: str) -> None:
    with pytest.raises(FetchError, match="can't be fetched") as caught:
        fetch(f"{url}/{NAME}", target, progress=False, patience=Patience(retries=3, pause=60))
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
