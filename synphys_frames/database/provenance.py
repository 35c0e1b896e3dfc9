"""From a frame back to its database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .._files import is_there
from ..errors import ArgumentError, ProvenanceError, SynphysError, shown
from ..options import config
from ..query import key_mismatch, noted_in
from ..releases import find_file, find_release, shipped_catalogue
from .database import SynphysDatabase, release_of
from .release import Release, opened

if TYPE_CHECKING:
    import pandas as pd


_LONGEST_PATH = 4096
_LONGEST_SAID = 500


def database_of(frame: pd.DataFrame, db: SynphysDatabase | None = None) -> Release:
    """Return the release that a frame belongs to.

    Parameters
    ----------
    frame
        A frame with ``attrs["synphys"]``.
    db
        The database, where it is known; counts before the attrs.

    Raises
    ------
    ProvenanceError
        The frame does not say where it comes from, or that file is not there any more, or is of
        another content; or the frame's own keys are not those of the release's rows with its ids.
    """
    release = _release_of(frame, db)
    is_noted = _is_of_content(frame, release)
    mismatch = key_mismatch(frame, release.store, is_noted=is_noted)
    if mismatch is not None:
        raise ProvenanceError(
            f"{_origin(frame)}, and its rows are not those of {_name(release)}: {mismatch}. Ids "
            "mean something only within a release; keep frames of two releases apart."
        )
    return release


def _release_of(frame: pd.DataFrame, db: SynphysDatabase | None) -> Release:
    if db is not None:
        if not isinstance(db, SynphysDatabase):
            raise ArgumentError(f"db takes a SynphysDatabase; got {type(db).__name__}.")
        return release_of(db)
    noted = noted_in(frame)
    release = open_database_of(frame)
    if release is not None:
        return release
    if "file" not in noted:
        raise ProvenanceError(
            "This frame does not say which release it comes from: its attrs were lost on the way "
            "(pandas.concat and merge keep them only where all frames agree, which frames of two "
            "releases never do: ids mean something only within a release). Give the database: "
            "db=load_sqlite(path)."
        )
    path = _path_in(noted)
    if not is_there(str(path)):
        path = _moved(str(noted.get("release", "")), path)
    return opened(str(path), _errors(noted)) or _followed(path, noted)


def _path_in(noted: dict[str, Any]) -> Path:
    """Return the path that a frame notes; what somebody else wrote there can be anything."""
    file = noted["file"]
    is_local = isinstance(file, str) and "://" not in file and not file.startswith(("//", "\\\\"))
    if not is_local or "\0" in file or len(file) > _LONGEST_PATH or not Path(file).is_absolute():
        raise ProvenanceError(
            f"This frame notes {shown(file)} as the file that it comes from, which is no path on "
            "this computer. Give the database: db=load_sqlite(path)."
        )
    return Path(file)


def _followed(path: Path, noted: dict[str, Any]) -> Release:
    """Open the file that a frame names, if it is a release of the very content that is noted.

    The note may be somebody else's: it shows nothing of any other file, and no other release is
    taken for theirs.
    """
    content, name = noted.get("content"), noted.get("release")
    if not isinstance(content, str) or not content:
        raise ProvenanceError(
            f"This frame names {path}, which is not open, and does not note of what content that "
            "is. Give the database: db=load_sqlite(path)."
        )
    try:
        release = Release(path, _errors(noted))
        is_the_same = release.contents.content == content
        is_named_so = release.contents.version_name == name
    except SynphysError:
        # What went wrong would show what is in the file.
        raise ProvenanceError(
            f"This frame names {path}, which can't be opened as a release. Give the database: "
            "db=load_sqlite(path)."
        ) from None
    if not (is_the_same and is_named_so):
        release.close()
        raise ProvenanceError(
            f"{_origin_of(noted)}, and that file is of another content by now, in which the same "
            'ids may be of other rows. If the rows are the same: frame.attrs["synphys"]'
            '.pop("content"), and give the database: db=load_sqlite(path).'
        )
    return release


def _is_of_content(frame: pd.DataFrame, release: Release) -> bool:
    """Return whether a frame notes a release's content; raise where it notes another."""
    noted, content = noted_in(frame).get("content"), release.contents.content
    if not isinstance(noted, str) or not noted or not content:
        return False
    if noted == content:
        return True
    raise ProvenanceError(
        f"{_origin(frame)}, and the database is {_name(release)}: another content, in which the "
        "same ids may be of other rows. Take the frame from that database; or if it is the same "
        'release and its rows are those, remove the note: frame.attrs["synphys"].pop("content"), '
        "and give the database: db=."
    )


def _origin(frame: pd.DataFrame) -> str:
    return _origin_of(noted_in(frame))


def _origin_of(noted: dict[str, Any]) -> str:
    if "file" not in noted:
        return "This frame does not say which release it comes from"
    content = f", content {_said(noted['content'])}" if "content" in noted else ""
    return f"This frame comes from {_said(noted.get('release'))} ({_said(noted['file'])}{content})"


def _said(value: object) -> str:
    """Return what a frame notes, which can be anything, as a text of a bounded length."""
    return value if isinstance(value, str) and len(value) <= _LONGEST_SAID else shown(value)


def _name(release: Release) -> str:
    contents = release.contents
    content = f", content {contents.content}" if contents.content else ""
    return f"{contents.version_name} ({release.path}{content})"


def open_database_of(frame: pd.DataFrame, db: SynphysDatabase | None = None) -> Release | None:
    """Return the release that a frame belongs to if it is open, else None."""
    if isinstance(db, SynphysDatabase):
        return None if db.is_closed else release_of(db)
    noted = noted_in(frame)
    file = noted.get("file")
    return opened(file, _errors(noted)) if isinstance(file, str) else None


def _errors(noted: dict[str, Any]) -> Literal["raise", "coerce"]:
    return "coerce" if noted.get("errors") == "coerce" else "raise"


def _moved(release: str, path: Path) -> Path:
    for known in shipped_catalogue():
        if known.db_file == release:
            file = find_file(find_release(release, shipped_catalogue()), config.cache_path)
            if file is not None:
                return file
    raise ProvenanceError(
        f"This frame comes from {path}, which is not there any more. Give the database: "
        "db=load_sqlite(path)."
    )
