"""The docs tell the truth: tables made from the code are current, links lead somewhere."""

import re
from pathlib import Path

import pytest
import typer.main

from t5g import metrics
from t5g.cli.app import app
from t5g.cli.documents import DOCS, TABLES, written
from t5g.key_owners import owner_of
from tests.test_compose import is_setting

ROOT = DOCS.parent
#: What the program and the packages that it stands on say, in source text.
SOURCES = ("t5g", "bot", "webhooks", "workers", "templates")
#: Gauges that are made for one scrape have their names where they are read.
READ_AT_A_SCRAPE = re.compile(r"[\"'](t5g_\w+)")


@pytest.mark.parametrize(("name", "marker", "table"), TABLES, ids=[t[0] for t in TABLES])
def test_table_is_current(name: str, marker: str, table: object) -> None:
    text = (DOCS / name).read_text("utf-8")
    assert text == written(text, marker, table()), (  # type: ignore[operator]
        f"docs/{name} is not current: run `.venv/bin/python -m t5g.cli.documents`"
    )


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "ops").rglob("*.md")]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8"))
    for link in links:
        if not link.startswith(("http://", "https://", "mailto:")):
            assert (path.parent / link).exists(), f"{path.name} links to {link}, which is not there"


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_anchors_lead_somewhere(path: Path) -> None:
    for link, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", path.read_text("utf-8")):
        if link.startswith("http"):
            continue
        heads = re.findall(
            r"(?m)^#+ (.+)$", (path.parent / link if link else path).read_text("utf-8")
        )
        anchors = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
        assert anchor in anchors, f"{path.name}: {link} has no heading for #{anchor}"


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_named_exists(path: Path) -> None:
    """Settings, metrics and commands that a document tells people to use."""
    text = path.read_text("utf-8")
    settings = set(re.findall(r"\bT5G_[A-Z_]+[A-Z]\b", text)) - NO_SETTINGS
    assert {name for name in settings if not is_setting(name)} == set()
    assert set(re.findall(r"\bt5g_[a-z]\w+", text)) - NO_METRICS - names_of_metrics() == set()
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    asked = set(re.findall(r"`(?:\./run |t5g )([a-z]+)", text))
    assert asked - set(commands) - {"test"} == set()


#: A variable of the tests, and names of networks that the compose file makes.
NO_SETTINGS = {"T5G_NAME", "T5G_NAME_FILE", "T5G_SHARED_DIR", "T5G_CHROMIUM"}
NO_METRICS = {"t5g_outside"}


def names_of_metrics() -> set[str]:
    text = "".join(p.read_text("utf-8") for part in SOURCES for p in (ROOT / part).rglob("*.py"))
    found = {family.name for family in metrics.REGISTRY.collect()}
    found |= set(READ_AT_A_SCRAPE.findall(text))
    found |= {f"t5g_sync_{fact}" for fact in ("stale", "running", "failures", "missed_events")}
    return {f"{name}{end}" for name in found for end in ("", "_total", "_bucket", "_count")}


def test_what_people_are_said_to_see_is_what_the_program_says() -> None:
    said = "".join(
        path.read_text("utf-8")
        for part in SOURCES
        for path in (ROOT / part).rglob("*")
        if path.suffix in (".py", ".html")
    )
    said = re.sub(r"\"\s*\n\s*f?\"", "", said)  # texts that go over several lines of code
    text = (DOCS / "troubleshooting.md").read_text("utf-8")
    rows = re.findall(r"(?m)^\| ([^|]*) \|", text)
    quoted = [part for row in rows for part in re.findall(r"\"([^\"]+)\"", row)]
    assert quoted
    parts = [part.strip(" ;:,") for whole in quoted for part in whole.split("…")]
    assert [part for part in parts if part and part not in said] == []


def test_the_table_of_what_is_kept_names_keys_that_have_an_owner() -> None:
    text = (DOCS / "t5g-data-flow-diagram.md").read_text("utf-8")
    rows = re.findall(r"(?m)^\| (`[^|]*) \|", text.partition("## What is kept where")[2])
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(names) > 8
    assert [name for name in names if owner_of(name) is None] == []
