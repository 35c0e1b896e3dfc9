"""The citation and the changelog agree with the package."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import synphys_frames as sf

ROOT = Path(__file__).parent.parent
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DOI = "10.1126/science.abj5861"


def field(name: str) -> str:
    """Return the value of a top-level key; the file is YAML of one line a value."""
    values: list[str] = re.findall(rf"^{name}: (.+)$", CITATION, re.MULTILINE)
    assert len(values) == 1
    return values[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cff-version", "1.2.0"),
        ("type", "software"),
        ("title", "synphys_frames"),
        ("version", sf.__version__),
        ("license", PROJECT["license"]),
        ("abstract", f"{PROJECT['description']}."),
    ],
)
def test_the_software_is_cited_as_it_is(name: str, value: str) -> None:
    assert field(name) == value


def test_authors_and_keywords_are_those_of_the_project() -> None:
    head = CITATION.partition("\nreferences:\n")[0]
    assert re.findall("^  - name: (.+)$", head, re.MULTILINE) == [
        author["name"] for author in PROJECT["authors"]
    ]
    assert re.findall("^  - (?!name: )(.+)$", head, re.MULTILINE) == PROJECT["keywords"]


def test_the_paper_of_the_dataset_is_among_the_references() -> None:
    references = CITATION.partition("\nreferences:\n")[2]
    paper, dataset = re.split("^  - ", references, flags=re.MULTILINE)[1:]
    assert f"doi: {DOI}\n" in paper
    assert PROJECT["urls"]["Paper"] == f"https://doi.org/{DOI}"
    assert f"url: {PROJECT['urls']['Paper']}\n" in paper
    assert f"url: {PROJECT['urls']['Dataset']}\n" in dataset
    assert PROJECT["urls"]["Dataset"] in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_changelog_starts_with_what_is_not_released() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    releases = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    for release in releases[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", release)
    kinds = re.findall(r"^### (.+)$", changelog, re.MULTILINE)
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert sf.__version__ in changelog
