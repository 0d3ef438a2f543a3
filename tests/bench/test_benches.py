"""A smoke run of each bench, so that they keep working. No figure is looked at: machines differ."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from bench import growth, sync, together, workers
from bench.plot import LINES, curves, draw
from bench.report import Findings, joined
from t5g.cli.app import app


def titles(found: Findings) -> str:
    return "\n".join(row.what for row in found.rows)


async def test_growth_measures_every_path_beside_its_floor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(growth, "STARTS", 1)
    found = await growth.measure(100, rounds=1, count=20)
    for path in growth.paths(1, 1):
        assert f"100 cases: {path.name}: throughput of the floor" in titles(found)
        assert found.detail["100"][path.name]["floor"]["per_second"] > 0
    for figure in ("Redis", "start to first answer", "memory of web", "changes seen"):
        assert figure in titles(found)
    assert "answers that were not 200" not in titles(found)
    assert set(curves(found.detail)) == {name for name, _ in LINES}


async def test_the_syncs_are_measured() -> None:
    found = await sync.measure(cases=20, latency=0.001, memory_cases=0)
    assert "nothing changed: requests" in titles(found)
    assert found.detail["full_requests"] > 0


async def test_workers_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "COUNTS", (1, 2))
    found = await workers.measure(20, 0.001, asked=4)
    assert "syncs with 2 workers, times what the upstream allows" in titles(found)
    assert "cases read anew with 2 workers, times as many as with one" in titles(found)
    assert all(rate > 0 for rate in found.detail["jobs_a_second"].values())


async def test_a_busy_day_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "PAGES", 5)
    monkeypatch.setattr(together, "LOOKING", 0.2)
    found = await together.measure(2, 30)
    assert {"Slack", "events", "pages"} <= set(found.detail)
    rows = {row.what: row for row in found.rows}
    assert rows["answers that were errors"].value == 0
    assert rows["syncs and open pages that broke"].value == 0


def test_findings_are_told_and_written(tmp_path: Path) -> None:
    first, second = Findings(), Findings()
    first.least("speed", 70, "%", 60)
    second.most("memory", 200, "MB", 150)
    whole = joined([first, second])
    assert not whole.met
    assert first.met
    whole.write(tmp_path / "found.json")
    rows = json.loads((tmp_path / "found.json").read_text("utf-8"))["rows"]
    assert [(row["what"], row["met"]) for row in rows] == [("speed", True), ("memory", False)]
    assert "NO memory" in whole.table()


def test_growth_is_drawn_beside_the_fewest_cases() -> None:
    detail = {
        "1000": {"start_cpu_s": 0.5, "searches_cpu_ms": 2.0},
        "10000": {"start_cpu_s": 1.0, "searches_cpu_ms": 20.0},
    }
    assert curves(detail) == {
        "GET /cases?q= changing": [(1_000, 1.0), (10_000, 10.0)],
        "start to first answer": [(1_000, 1.0), (10_000, 2.0)],
    }
    picture = ElementTree.fromstring(draw(detail))
    told = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "start to first answer (2.0 ×)" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["speed"], "no bench “speed”"),
        (["--sizes", "ten"], "--sizes ten"),
        (["sync", "--plot", "x.svg"], "--plot draws what growth finds"),
    ],
)
def test_a_wrong_wish_is_answered_with_what_there_is(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert said in str(result.exception)
