"""`t5g audit`, as an operator types it."""

import asyncio
import csv
import io
import json

import pytest
import typer
from typer.testing import CliRunner, Result

from t5g.audit import COLUMNS, Audit, AuditEntry, Outcome
from t5g.cli import audit
from t5g.connection import open_redis
from t5g.keys import Keys
from t5g.timestamps import MomentError
from tests import wall_clock

DAY = 86_400


@pytest.fixture
def run(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("T5G_REDIS_URL", redis_url)
    monkeypatch.setenv("T5G_LOG_LEVEL", "error")
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    audit.add_commands(app)
    app.command("other")(lambda: None)

    def typed(*words: str) -> Result:
        return CliRunner().invoke(app, ["audit", *words])

    return typed


@pytest.fixture(autouse=True)
def log(redis_url):
    """A claim of Ann's, a refusal of Ben's, and a job a week ago that begins like a formula."""

    async def fill() -> None:
        async with open_redis(redis_url) as redis:
            book = Audit(redis, Keys())
            await book.record(
                AuditEntry(who="job", action="close", outcome=Outcome.DONE, origin="job",
                           detail="=1+1", at=wall_clock.seconds() - 8 * DAY),
                AuditEntry(who="U1", name="Ann", action="claim", outcome=Outcome.DONE,
                           origin="slack", case="01234567"),
                AuditEntry(who="U2", name="Ben", action="assign", outcome=Outcome.REFUSED,
                           origin="slack", case="01234567", detail="engineers may"),
            )  # fmt: skip

    asyncio.run(fill())


def actions(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [json.loads(line)["action"] for line in result.stdout.splitlines()]


def test_it_lists_the_newest_first(run) -> None:
    shown = run().output
    assert shown.index("assign") < shown.index("claim") < shown.index("close")
    assert "engineers may" in shown
    assert "Ann" in shown


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--who", "ann"), ["claim"]),
        (("--action", "assign"), ["assign"]),
        (("--case", "01234567"), ["assign", "claim"]),
        (("--origin", "job"), ["close"]),
        (("--outcome", "refused"), ["assign"]),
        (("--limit", "1"), ["assign"]),
        (("--limit", "0"), ["assign", "claim", "close"]),
        (("--who", "nobody"), []),
    ],
)
def test_it_narrows(run, words, found) -> None:
    assert actions(run("--json", *words)) == found


def test_the_log_is_cut_at_moments_of_its_own_writing(run) -> None:
    assert actions(run("--json", "--since", "1h")) == ["assign", "claim", "close"]
    assert "audit export" in run("--limit", "1").output


def test_an_export_is_a_table_and_stands_in_the_log_itself(run) -> None:
    out = run("--csv").stdout
    rows = list(csv.reader(io.StringIO(out, newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 4
    assert rows[-1][-1] == "'=1+1"
    assert "audit export" in run().output
    assert "3 lines" in run().output


def test_what_can_not_be_asked_for_is_said(run) -> None:
    wrong = run("--since", "yesterday")
    assert isinstance(wrong.exception, MomentError)
    assert "yesterday" in str(wrong.exception)
    assert "7d" in str(wrong.exception)
    assert run("--csv", "--json").exit_code == 2
    assert run("--outcome", "odd").exit_code == 2


def test_nothing_found_is_said(run) -> None:
    assert "Nothing in the audit log is like that." in run("--who", "nobody").output
