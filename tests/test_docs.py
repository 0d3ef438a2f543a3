"""The docs tell the truth: tables made from the code are current, links lead somewhere."""

import re
from pathlib import Path

import pytest

from t5g.cli.documents import DOCS, TABLES, written

ROOT = DOCS.parent


@pytest.mark.parametrize(("name", "marker", "table"), TABLES, ids=[t[0] for t in TABLES])
def test_table_is_current(name: str, marker: str, table: object) -> None:
    text = (DOCS / name).read_text("utf-8")
    assert text == written(text, marker, table()), (  # type: ignore[operator]
        f"docs/{name} is not current: run `.venv/bin/python -m t5g.cli.documents`"
    )


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8"))
    for link in links:
        if not link.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / link).exists(), f"{path.name} links to {link}, which is not there"
