"""Files are written whole or not at all, by one process at a time, with everyone's permissions."""

from __future__ import annotations

import ast
import hashlib
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import synphys_frames as sf
from synphys_frames._files import (
    FileState,
    atomic_write,
    draft_beside,
    drafts_in,
    file_lock,
    move_into_place,
    open_regular,
    sha256_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(sf.__file__).parent


@contextmanager
def process(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that runs a program, ended at the end."""
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        try:
            yield run
        finally:
            run.kill()


def line_of(run: subprocess.Popen[str]) -> str:
    assert run.stdout is not None
    return run.stdout.readline().strip()


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("before", [None, "older, and longer than what comes"])
def test_a_file_has_its_name_when_it_is_whole(
    tmp_path: Path, durable: bool, before: str | None
) -> None:
    path = tmp_path / "file.txt"
    if before is not None:
        path.write_text(before)
    with atomic_write(path, durable=durable) as draft:
        assert draft.read_bytes() == b""
        assert draft.parent == tmp_path
        draft.write_text("the whole")
        assert (path.read_text() if path.exists() else None) == before
        assert drafts_in(tmp_path) == [draft]
    assert path.read_text() == "the whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [None, "older"])
def test_a_failure_leaves_what_was_before(
    tmp_path: Path, error: BaseException, before: str | None
) -> None:
    path = tmp_path / "file.txt"
    if before is not None:
        path.write_text(before)

    def write() -> None:
        with atomic_write(path) as draft:
            draft.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert [file.read_text() for file in tmp_path.iterdir()] == ([before] if before else [])


def test_something_in_the_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.mkdir()
    with pytest.raises(OSError, match=r"file\.txt"), atomic_write(path) as draft:
        draft.write_text("the whole")
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "nowhere" / "file.txt"):
        pass


def test_drafts_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with atomic_write(path) as first, atomic_write(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    # Who ends last has written the file.
    assert path.read_text() == "first"
    with draft_beside(path) as draft:
        draft.write_text("unused")
    with draft_beside(path) as draft:
        draft.write_text("used")
        move_into_place(draft, tmp_path / "other.txt", durable=True)
    assert sorted(file.read_text() for file in tmp_path.iterdir()) == ["first", "used"]


def test_a_killed_process_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    program = """
    import sys
    from pathlib import Path
    from synphys_frames._files import atomic_write
    with atomic_write(Path(sys.argv[1]), durable=True) as draft:
        draft.write_text("half of it")
        print("written", flush=True)
        sys.stdin.read()
    """
    path = tmp_path / "file.txt"
    with process(program, path) as run:
        assert line_of(run) == "written"
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
    assert not path.exists()
    assert [draft.read_text() for draft in drafts_in(tmp_path)] == ["half of it"]


WRITERS = {
    "open": "open(folder / 'file', 'w').close()",
    "atomic_write": """
        from synphys_frames._files import atomic_write
        with atomic_write(folder / "file") as draft:
            draft.write_text("x")
    """,
    "parquet": "sf.load_sqlite(release).to_parquet(folder, tables=['slice'], progress=False)",
    "cli": """
        from synphys_frames.cli import main
        main(["pairs", str(release), "--out", str(folder / "file.csv")])
    """,
    "sample": "sf.build_sample(folder / 'file.sqlite', scale=1 / 600)",
    "columns": """
        copied = shutil.copy(release, folder)
        os.chmod(copied, 0o666 & ~mask)
        with sf.load_sqlite(copied, cache_path=folder) as db:
            db.pairs()
        (folder / (release.name + ".columns") / "write.lock").unlink()
    """,
    "download": """
        from synphys_frames.releases.download import fetch
        fetch(release.as_uri(), folder / "file.sqlite", progress=False)
        (folder / "file.sqlite.lock").unlink()
    """,
}


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("mask", [0o022, 0o007])
def test_files_have_the_permissions_that_the_umask_gives(
    tmp_path: Path, tiny_path: Path, writer: str, mask: int
) -> None:
    program = f"""
    import os, shutil, sys
    from pathlib import Path
    import synphys_frames as sf
    folder, release, mask = Path(sys.argv[1]), Path(sys.argv[2]), {mask}
    os.umask(mask)
    def refused(_mask):
        raise RuntimeError("the umask is of all threads")
    os.umask = refused
    """
    program = textwrap.dedent(program) + textwrap.dedent(WRITERS[writer]).strip()
    with process(program, tmp_path, tiny_path) as run:
        assert run.wait(timeout=60) == 0
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.is_relative_to(tmp_path / "cache")
    }
    assert modes
    assert set(modes.values()) == {0o666 & ~mask}, modes
    assert list(tmp_path.rglob("*.tmp")) == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")
def test_only_a_regular_file_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    # A folder above it may be a link.
    (tmp_path / "linked_folder").symlink_to(tmp_path)
    with open_regular(tmp_path / "linked_folder" / "file") as opened:
        assert opened.read() == b"content"
    for path in [tmp_path / name for name in ("link", "loop", "folder", "fifo")] + [
        Path("/dev/zero")
    ]:
        with pytest.raises(OSError, match=rf"No regular file: '{path}'"), open_regular(path):
            pass
    with pytest.raises(FileNotFoundError), open_regular(tmp_path / "missing"):
        pass


def test_files_are_moved_into_place_by_one_module() -> None:
    """Two ways of making drafts would be two behaviours, soon."""
    moving = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                # A text's replace takes two arguments, a path's takes one.
                is_path = node.func.attr == "replace" and len(node.args) == 1
                if is_path or node.func.attr in ("umask", "mkstemp", "NamedTemporaryFile"):
                    moving.add(path.relative_to(PACKAGE).as_posix())
    assert moving == {"_files.py"}


HOLDER = """
import sys
from pathlib import Path
from synphys_frames._files import file_lock
with file_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_lock_that_another_process_has_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    waits: list[str] = []
    with process(HOLDER, path) as run:
        assert line_of(run) == "locked"

        def end() -> None:
            waits.append("waits")
            run.kill()

        # A killed process has its lock no more.
        with file_lock(path, on_wait=end):
            assert run.wait() == -signal.SIGKILL
    assert waits == ["waits"]
    with file_lock(path, on_wait=end):
        pass
    assert waits == ["waits"]


def test_patience_ends_and_may_change_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    asked: list[float] = []

    def patience() -> float:
        asked.append(1000.0 if len(asked) < 2 else 0.0)
        return asked[-1]

    with process(HOLDER, path) as run:
        assert line_of(run) == "locked"
        with pytest.raises(TimeoutError, match="lock"), file_lock(path, patience):
            pytest.fail("two have the lock")
    assert asked == [1000.0, 1000.0, 0.0]


def test_threads_have_a_lock_in_turn(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        with file_lock(tmp_path / "lock"):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4


def test_a_lock_is_freed_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), file_lock(tmp_path / "lock"):
        raise ValueError("inside")
    with file_lock(tmp_path / "lock", lambda: 0.0):
        pass


def test_the_digest_is_of_the_whole_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = os.urandom(300_001)
    path.write_bytes(content)
    assert sha256_of(path) == hashlib.sha256(content).hexdigest()
    path.write_bytes(b"")
    assert sha256_of(path).startswith("e3b0c44298fc1c14")


def test_the_state_of_a_file_tells_a_change(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("first")
    before = FileState.of(path)
    assert FileState.of(path) == before
    os.utime(path, ns=(1, before.modified))
    path.chmod(0o600)
    assert FileState.of(path).has_same_content(before)
    path.write_text("longer")
    assert not FileState.of(path).has_same_content(before)
    assert FileState.of(path) != before
