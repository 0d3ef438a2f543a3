"""`t5g deadletters`, as an operator types it."""

import asyncio

import pytest
import typer
from typer.testing import CliRunner, Result

from t5g.audit import Audit, Filter
from t5g.cli import deadletters
from t5g.connection import open_redis
from t5g.errors import NotFoundError
from t5g.inbox import Inbox, letter_of
from t5g.keys import Keys
from tests import wall_clock
from tests.making import portal_seen
from tests.making_jira import body_of, event, issue_event


@pytest.fixture
def run(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("T5G_REDIS_URL", redis_url)
    monkeypatch.setenv("T5G_LOG_LEVEL", "error")
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    deadletters.add_commands(app)

    def typed(*words: str, input: str = "") -> Result:
        return CliRunner().invoke(app, ["deadletters", *words], input=input)

    return typed


def doing(redis_url, work):
    async def opened():
        async with open_redis(redis_url) as redis:
            return await work(redis)

    return asyncio.run(opened())


@pytest.fixture
def put(redis_url):
    """Keep letters: `good` ones can be applied now, others never."""

    def kept(id: str, *, good: bool = False) -> None:
        payload = issue_event("created", 0) if good else event("jira:issue_updated", 1)
        letter = letter_of(
            id=id, subject="10001", name="jira:issue_created", error="ValueError: odd",
            event_at=wall_clock.seconds() - 60, now=wall_clock.seconds() - 60,
            headers={"X-Atlassian-Webhook-Identifier": id}, body=body_of(payload),
        )  # fmt: skip
        doing(redis_url, lambda redis: Inbox(redis, Keys()).put(letter))

    return kept


@pytest.fixture
def count(redis_url):
    return lambda: doing(redis_url, lambda redis: Inbox(redis, Keys()).count())


@pytest.fixture
def audited(redis_url):
    async def read(redis):
        found = await Audit(redis, Keys()).read(Filter())
        return [(entry.action, entry.outcome.value) for entry in found]

    return lambda: doing(redis_url, read)


def test_nothing_is_said_as_such(run) -> None:
    assert run().output == "Every event of JIRA was applied.\n"


def test_they_are_listed_with_what_keeps_them(run, put) -> None:
    put("abc-1")
    put("abd-2")
    shown = run("list").output
    assert "abc-1" in shown
    assert "abd-2" in shown
    assert "ValueError: odd" in shown
    assert "60.0 s ago" in shown or "1 min ago" in shown


def test_what_comes_from_outside_is_neither_markup_nor_does_it_steer_the_terminal(
    run, redis_url
) -> None:
    letter = letter_of(
        id="abc-1", subject="[/x]", name="odd\x1b[2J", error="ValueError: [/red] \u202e",
        event_at=1.0, now=wall_clock.seconds(), headers={"User-Agent": "[bold]\x9b1m"},
        body=b'{"a": "[/]"} \x1b[2J',
    )  # fmt: skip
    doing(redis_url, lambda redis: Inbox(redis, Keys()).put(letter))
    for shown in (run("list"), run("show", "abc-1")):
        assert shown.exit_code == 0
        assert "ValueError: [/red]" in shown.output
        assert not set("\x1b\x9b\u202e") & set(shown.output)
    assert '{"a": "[/]"} \\x1b[2J' in shown.output


def test_one_is_shown_whole(run, put) -> None:
    put("abc-1", good=True)
    shown = run("show", "abc").output
    assert "X-Atlassian-Webhook-Identifier" in shown
    assert '"webhookEvent": "jira:issue_created"' in shown
    assert "01234567: Node not ready" in shown


def test_one_is_named_by_its_beginning_if_that_is_enough(run, put) -> None:
    put("abc-1")
    put("abd-2")
    unclear = run("show", "ab")
    assert isinstance(unclear.exception, NotFoundError)
    assert "2 letters begin" in str(unclear.exception)
    unknown = run("show", "zzz")
    assert "t5g deadletters list" in str(unknown.exception)


def test_a_replayed_one_is_applied_and_gone(run, put, count, audited, redis_url) -> None:
    from t5g.store import Store
    from tests.making import NOW

    doing(redis_url, lambda redis: Store(redis, Keys()).write([portal_seen()], now=NOW))
    put("abc-1", good=True)
    done = run("replay", "abc-1")
    assert (done.output, done.exit_code, count()) == ("Applied.\n", 0, 0)
    assert audited() == [("deadletters replay", "done")]


def test_one_that_stays_is_said_with_why_and_by_the_exit_code(run, put, count, audited) -> None:
    put("abc-1")
    done = run("replay", "abc-1")
    assert (done.exit_code, count()) == (1, 1)
    assert done.output.startswith("It stays: ")
    assert "ValueError: odd" not in done.output
    assert audited() == [("deadletters replay", "failed")]


def test_all_are_replayed(run, put, count) -> None:
    put("abc-1", good=True)
    put("abd-2")
    done = run("replay", "--all")
    assert (done.output, done.exit_code, count()) == ("1 applied, 1 stay.\n", 1, 1)


def test_a_drop_is_asked_for_first(run, put, count, audited) -> None:
    put("abc-1")
    assert run("drop", "abc-1", input="n\n").exit_code == 1
    assert count() == 1
    assert "1 dropped." in run("drop", "abc-1", "--yes").output
    assert count() == 0
    assert audited() == [("deadletters drop", "done")]


def test_all_are_dropped_at_once(run, put, count) -> None:
    put("abc-1")
    put("abd-2")
    assert "2 dropped." in run("drop", "--all", "--yes").output
    assert count() == 0


@pytest.mark.parametrize("verb", ["drop", "replay"])
def test_either_one_or_all_must_be_said(run, verb) -> None:
    for words in ((), ("abc", "--all")):
        refused = run(verb, *words)
        assert refused.exit_code == 2
        assert "name one letter, or say --all" in refused.output
