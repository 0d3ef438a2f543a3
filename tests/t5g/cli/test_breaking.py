"""`t5g chaos` as somebody types it."""

import re

import pytest
import typer
from typer.testing import CliRunner, Result

from bench.chaos import run as chaos_run
from bench.chaos import soak as chaos_soak
from bench.chaos.run import Options, Report
from bench.chaos.soak import Soaked
from t5g.cli import breaking


def typed(*words: str) -> Result:
    app = typer.Typer()
    breaking.add_commands(app)
    return CliRunner().invoke(app, list(words))


def test_a_plan_is_told_without_anything_being_run() -> None:
    first = typed("--plan", "--seconds", "20", "--disasters", "30", "--seed", "4")
    assert first.exit_code == 0
    lines = first.output.splitlines()
    assert len(lines) == 30
    assert all(re.match(r" *\d+\.\d s  \S", line) for line in lines)
    again = typed("--plan", "--seconds", "20", "--disasters", "30", "--seed", "4")
    assert again.output == first.output


@pytest.mark.parametrize("wrong", [[], ["case 1 has two cards"]])
def test_what_was_done_and_what_did_not_hold_is_told(
    monkeypatch: pytest.MonkeyPatch, wrong: list[str]
) -> None:
    asked = list[Options]()

    async def run(options: Options, tell: object) -> Report:
        asked.append(options)
        report = Report(cases=60, digests=6, wrong=wrong)
        report.toll.done.update({"web killed": 2, "Redis frozen": 1})
        return report

    monkeypatch.setattr(chaos_run, "run", run)
    found = typed("--seed", "9")
    assert found.exit_code == (1 if wrong else 0)
    assert re.search(r"web killed +2", found.output)
    assert "Seed 9: 3 disasters" in found.output
    assert (wrong[0] in found.output) if wrong else ("3 survived" in found.output)
    assert not asked[0].folder.exists(), "what nobody asked to keep was kept"


def test_a_soak_tells_what_grew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def soak(*_: object) -> Soaked:
        found = Soaked(seconds=7_200)
        for n in range(40):
            found.gauges.add("web: megabytes", 100 + 5 * n)
        return found

    monkeypatch.setattr(chaos_soak, "soak", soak)
    found = typed("--soak")
    assert found.exit_code == 1
    assert "grew: web: megabytes" in found.output
    assert "7200 s at ten times the normal rate" in found.output
