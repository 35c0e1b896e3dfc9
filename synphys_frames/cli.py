"""The command `synphys-frames`: parse the arguments, call the library, print."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ._command import INTERRUPTED, PROGRAM, HearingCtrlC
from ._files import atomic_write
from ._version import __version__
from .errors import ArgumentError, ExpressionError, JoinError, SynphysError, UnknownNameError
from .query import FILTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from .database import SynphysDatabase


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments
        Default: those of the process.

    Returns
    -------
    int
        Exit status: 0; 1 where something failed, or a check found a difference; 2 where the
        arguments can't be used; 130 after Ctrl-C.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _tell  # type: ignore[assignment]
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    resumes, status = False, 0
    try:
        with HearingCtrlC():
            options = parser().parse_args(arguments)
            resumes = options.resumes
            status = options.run(options) or 0
            sys.stdout.flush()
    except (ArgumentError, ExpressionError, JoinError, UnknownNameError) as error:
        return _fail(error, 2)
    except SynphysError as error:
        return _fail(error, 1)
    except KeyboardInterrupt:
        # At the exit, it would tell of a connection that was broken off.
        logging.getLogger("asyncio").disabled = True
        note = " What has arrived is kept; the same command goes on from there."
        return _fail(f"interrupted.{note if resumes else ''}", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has seen enough, as `head` does.
        _drop_output()
    except OSError as error:
        _drop_output()
        return _fail(f"the output can't be written: {error.strerror or error}.", 1)
    return status


def _drop_output() -> None:
    """Send what is still to be written nowhere, so that Python's own flush at the end is quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(reason: object, status: int) -> int:
    text = _in_options(" ".join(str(reason).split()))
    print(f"{PROGRAM}: {text}", file=sys.stderr)
    return status


def _tell(message: Warning | str, *_: object) -> None:
    """Show a warning in one line, without the source that it came from."""
    text = _in_options(" ".join(str(message).split()))
    print(f"{PROGRAM}: warning: {text}", file=sys.stderr)


def _in_options(text: str) -> str:
    """Return a message with the names of options in place of those of arguments."""
    names = "|".join(sorted((one.name for one in FILTERS), key=len, reverse=True))
    flags = {one.name: one.flag for one in FILTERS}
    pattern = rf"(?<![\w.'-])(?:({names})(?= takes| and (?:{names}) contradict| contradict|=))"
    return re.sub(pattern, lambda found: flags[found[1]], text).replace(
        "db.sql(query) takes any query.", "In Python, db.sql(query) takes any query."
    )


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. See {self.prog} --help.\n")


def parser() -> argparse.ArgumentParser:
    """Return what parses the arguments: a subparser for each verb."""
    whole = _Parser(prog=PROGRAM, description="The Allen Synaptic Physiology dataset as tables.")
    whole.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    whole.set_defaults(resumes=False)
    commands = whole.add_subparsers(required=True, metavar="command")
    database = _Parser(add_help=False)
    database.add_argument(
        "database",
        help="a version (file name, alias, or small, medium, full for the newest), a path to a "
        "file, or 'sample' for synthetic data",
    )
    quiet = _Parser(add_help=False)
    quiet.add_argument("--quiet", action="store_true", help="no progress bar")
    cache = _Parser(add_help=False)
    cache.add_argument("--cache-path", help="cache folder")
    common = [database, quiet, cache]

    versions = commands.add_parser("versions", parents=[cache], help="list the published files")
    versions.add_argument("--supported", action="store_true", help="only those that open here")
    versions.set_defaults(run=_versions)
    fetch = commands.add_parser("fetch", parents=common, help="download a version, with resume")
    fetch.set_defaults(run=_fetch, resumes=True)
    fetch.add_argument("--force", action="store_true", help="anew, though the file is there")
    verify = commands.add_parser(
        "verify", parents=common, help="compare a cached file with its digest"
    )
    verify.set_defaults(run=_verify)
    info = commands.add_parser("info", parents=common, help="what a file is and has")
    info.set_defaults(run=_info)
    tables = commands.add_parser("tables", parents=common, help="tables, or a table's columns")
    tables.add_argument("table", nargs="?", help="show the columns of this table")
    tables.set_defaults(run=_tables)
    _add_pairs(commands.add_parser("pairs", parents=common, help="pairs into CSV or Parquet"))
    export = commands.add_parser("export", parents=common, help="tables into Parquet files")
    export.add_argument("folder", help="where to write")
    export.add_argument("--tables", nargs="+", help="which tables; default all")
    export.set_defaults(run=_export, resumes=True)
    check = commands.add_parser(
        "check", parents=common, help="what was printed about a release, beside what a file has"
    )
    check.add_argument(
        "--release", help="the release that is meant (r2.1); default the one that the file is"
    )
    check.set_defaults(run=_check)
    demo = commands.add_parser("demo", parents=[quiet], help="the main job, end to end")
    demo.add_argument("--version", choices=["small", "medium", "full"], help="a published file")
    demo.set_defaults(run=_demo)
    return whole


def _add_pairs(pairs: argparse.ArgumentParser) -> None:
    pairs.add_argument("--out", required=True, help="file to write: .csv or .parquet")
    for one in FILTERS:
        words = "; ".join(filter(None, [f"pairs {one.keeps}", one.option.says]))
        pairs.add_argument(
            one.option.flag,
            dest=one.name,
            help=words.replace("`", "").replace("%", "%%"),
            **one.option.arguments,
        )
    pairs.add_argument(
        "--include", nargs="+", default=[], help="groups, tables and columns to put beside"
    )
    pairs.set_defaults(run=_pairs)


def _open(options: argparse.Namespace) -> SynphysDatabase:
    from .database import load_current, load_sqlite, load_version
    from .releases import SIZES
    from .synthetic import load_sample

    name = options.database
    more: dict[str, Any] = {"cache_path": options.cache_path, "progress": not options.quiet}
    if name == "sample":
        return load_sample(cache_path=options.cache_path)
    if name in SIZES:
        return load_current(name, **more)
    if Path(name).exists() or "/" in name:
        return load_sqlite(name)
    return load_version(name, **more)


def _versions(options: argparse.Namespace) -> None:
    from .releases import list_versions

    found = list_versions(options.supported, cache_path=options.cache_path)
    _print(found[["db_file", "release_version", "db_size", "schema_version", "bytes", "cached"]])


def _fetch(options: argparse.Namespace) -> None:
    if options.force:
        from .releases import SIZES, cache_folder, current_release, fetch_version

        name = options.database
        if name in SIZES:
            name = current_release(name, cache_folder(options.cache_path)).db_file
        more: dict[str, Any] = {"cache_path": options.cache_path, "progress": not options.quiet}
        print(fetch_version(name, force=True, **more))
        return
    with _open(options) as db:
        print(db.path)


def _verify(options: argparse.Namespace) -> None:
    from .releases import cache_folder, cached_file, verified_by

    # Not opened: what is damaged is to be said, and not fetched.
    name, folder = options.database, cache_folder(options.cache_path)
    if name == "sample":
        path = _open(options).path
    else:
        path = Path(name) if Path(name).exists() or "/" in name else cached_file(name, folder)
    print(f"{path}: all bytes fit {verified_by(path, folder)}")


def _info(options: argparse.Namespace) -> None:
    with _open(options) as db:
        rows: dict[str, Any] = {"version": db.version_name, "file": db.path}
        rows |= {"schema version": db.schema_version, "projects": ", ".join(db.project_names)}
        rows |= {key: value for key, value in db.metadata.items() if key != "db_version"}
        rows["tables with rows"] = int((db.tables["rows"] > 0).sum())
        for name, value in rows.items():
            print(f"{name + ':':<18}{value}")


def _tables(options: argparse.Namespace) -> None:
    with _open(options) as db:
        if options.table is None:
            _print(db.tables)
        else:
            db.table(options.table, limit=0)
            schema = db.schema
            _print(schema[schema["table"] == options.table].drop(columns="table").fillna(""))


def _pairs(options: argparse.Namespace) -> None:
    from .database import release_of

    out = Path(options.out)
    writers = {".csv": "to_csv", ".parquet": "to_parquet"}
    if out.suffix.lower() not in writers:
        raise ArgumentError(f"--out takes a .csv or .parquet file; got {options.out!r}.")
    with _open(options) as db:
        schema = release_of(db).schema
        filters: Any = {
            one.name: one.option.argument(getattr(options, one.name), schema)
            for one in FILTERS
            if getattr(options, one.name) is not None
        }
        frame = db.pairs(include=options.include, **filters)
        _write(frame, out, writers[out.suffix.lower()])
        print(f"{len(frame):,} pairs, {frame.shape[1]} columns: {out}")


def _write(frame: pd.DataFrame, out: Path, writer: str) -> None:
    from .errors import ExportError

    try:
        with atomic_write(out) as draft:
            getattr(frame, writer)(draft, index=False)
    except OSError as error:
        raise ExportError(f"{out} can't be written: {error.strerror or error}.") from error


def _export(options: argparse.Namespace) -> None:
    with _open(options) as db:
        files = db.to_parquet(options.folder, options.tables, progress=not options.quiet)
    print(f"{len(files)} files in {options.folder}")


def _check(options: argparse.Namespace) -> int:
    with _open(options) as db:
        checked = db.check_published(options.release)
        of = f"{options.release} beside {db.version_name}" if options.release else db.version_name
    differs = checked["agrees"].eq(False).fillna(False)
    unknown = checked["agrees"].isna()
    agreeing = len(checked) - int(differs.sum()) - int(unknown.sum())
    print(f"synphys_frames {__version__}: {len(checked)} published figures of {of}")
    if checked.empty:
        print(
            "Nothing is known to have been printed about it; --release takes another one, as r2.1."
        )
        return 0
    print(f"{agreeing} agree, {differs.sum()} differ, {unknown.sum()} can't be found in this file")
    for title, rows in (("Different:", differs), ("Not to be found:", unknown)):
        if rows.any():
            shown = checked.loc[rows, ["what", "published", "here", "difference", "source"]]
            print(f"\n{title}\n{shown.to_string(index=False, float_format='{:.12g}'.format)}")
    return int(differs.any())


def _demo(options: argparse.Namespace) -> None:
    from .synthetic import run

    run(lambda line: print(line, flush=True), options.version, progress=not options.quiet)


def _print(frame: pd.DataFrame) -> None:
    print(frame.to_string(index=False))


if __name__ == "__main__":
    sys.exit(main())
