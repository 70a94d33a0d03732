"""The files and symbols that the documentation names exist."""

import re
from pathlib import Path

import pytest

PAGES = [Path("README.md"), Path("CONTRIBUTING.md"), Path("bench/README.md"), *sorted(Path("docs").rglob("*.md"))]
PACKAGES = "bench|docs|execution|locks|models|resolvers|schema|server|tests"
# In backticks: `resolvers/read/fetch.py`, `models/`, and "`fetch` in `resolvers/read/fetch.py`".
PATH = re.compile(rf"`((?:{PACKAGES})/[\w./-]*)`")
NAME_IN_FILE = re.compile(rf"`(\w+)` in `((?:{PACKAGES})/[\w/]+\.py)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_paths_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    missing = [path for path in PATH.findall(text) if not Path(path).exists()]
    missing += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_classes_and_functions_that_a_page_names_are_in_their_files(page: Path) -> None:
    missing = [
        (name, path)
        for name, path in NAME_IN_FILE.findall(" ".join(page.read_text().split()))
        if not re.search(rf"^\s*(?:class |(?:async )?def )?{name}\b", Path(path).read_text(), re.MULTILINE)
    ]
    assert missing == []


def test_every_decision_is_in_the_index() -> None:
    decisions = Path("docs/decisions")
    index = (decisions / "README.md").read_text()
    pages = {page.name for page in decisions.glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"({page})" not in index} == set()
