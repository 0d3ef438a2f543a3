"""What people ask for in Slack reaches JIRA once, is seen at once, and is told."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis.asyncio import Redis

from sandbox.faults import Kind
from t5g.audit import Audit
from t5g.connection import open_queue_redis
from t5g.current import SETTINGS
from t5g.errors import UpstreamError
from t5g.keys import Keys
from t5g.model import Source
from t5g.settings import Settings
from t5g.store import Store
from t5g.work import load_rq
from tests.making import NOW, Bug, listing, portal_seen
from tests.workers.upstreams import Upstreams
from workers import actions
from workers.jira.writes import JiraWriter

NUMBER = "00000001"
BY = ("Ann Müller", "U0ANN")


@pytest.fixture(params=[True, False], ids=["cloud", "data center"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[Upstreams]:
    made = Upstreams(cloud=request.param)
    await made.start()
    made.add_case(NUMBER)
    yield made
    await made.stop()


@pytest.fixture
def settings(world: Upstreams, redis_url: str) -> Iterator[Settings]:
    found = world.settings(redis_url, read_only=False, upstream_attempts=2)
    token = SETTINGS.set(found)
    load_rq(found.redis_prefix)
    yield found
    SETTINGS.reset(token)


async def run(job: Any, *args: str) -> str:
    """Run a job as a worker does: in a thread without a loop."""
    return await asyncio.to_thread(job, *args)


def told(settings: Settings) -> list[tuple[Any, ...]]:
    """What was asked to be told: (way back, number, done, text, who, what)."""
    from rq import Queue

    with open_queue_redis(settings.redis_url) as redis:
        jobs = Queue("high", connection=redis).jobs
        assert {job.func_name for job in jobs} <= {actions.TELL}
        return [job.args for job in jobs]


def account(world: Upstreams) -> str:
    return world.anna.account_id if world.jira.cloud else world.anna.name


async def test_claiming_assigns_in_jira_and_shows_at_once(
    world: Upstreams, settings: Settings, store: Store, redis: Redis
) -> None:
    key = world.add_card(NUMBER)
    text = await run(actions.assign, NUMBER, key, "", "anna@example.com", *BY, "d1", "back")
    assert text == f"{key} is assigned to Anna Příkladová."
    assert world.jira.issues[key].assignee == world.anna
    fields = await store.read(NUMBER)
    assert "Anna Příkladová" in str(fields)
    assert told(settings) == [("back", NUMBER, True, text, "U0ANN", "assign")]
    entry = (await Audit(redis, Keys()).read())[0]
    assert (entry.who, entry.action, entry.case) == ("U0ANN", "assign", NUMBER)
    assert entry.detail.endswith("nobody → Anna Příkladová")


async def test_giving_up_takes_nobody_off_but_the_one_who_had_it(
    world: Upstreams, settings: Settings, store: Store
) -> None:
    key = world.add_card(NUMBER, assignee=world.anna)
    await run(actions.unassign, NUMBER, key, "somebody-else", *BY, "d1", "back")
    assert world.jira.issues[key].assignee is not None
    had = world.anna.account_id if world.jira.cloud else world.anna.username
    await run(actions.unassign, NUMBER, key, had, *BY, "d2", "back")
    assert world.jira.issues[key].assignee is None
    assert [(done, text) for _, _, done, text, _, _ in told(settings)] == [
        (False, f"{key} is {world.anna.name}'s by now, so it was left so."),
        (True, f"{key} is assigned to nobody now."),
    ]


async def test_a_person_without_an_account_is_told_so(world: Upstreams, settings: Settings) -> None:
    key = world.add_card(NUMBER)
    await run(actions.assign, NUMBER, key, "", "ghost@example.com", *BY, "d1", "back")
    _, _, done, text, *_ = told(settings)[0]
    assert not done
    assert "no one account for ghost@example.com" in text
    assert world.jira.issues[key].assignee is None


async def test_a_comment_carries_the_name_of_its_author(
    world: Upstreams, settings: Settings, store: Store
) -> None:
    key = world.add_card(NUMBER)
    await run(actions.comment, NUMBER, key, "The fix is in 4.16.3", *BY, "d1", "back")
    bodies = [comment.body for comment in world.jira.issues[key].comments]
    assert bodies == ["The fix is in 4.16.3\n\n— Ann Müller, in Slack"]
    assert "The fix is in 4.16.3" in str(await store.read(NUMBER))


async def test_a_job_that_runs_twice_acts_once(world: Upstreams, settings: Settings) -> None:
    key = world.add_card(NUMBER)
    for _ in range(2):
        await run(actions.comment, NUMBER, key, "once", *BY, "d1", "back")
    assert len(world.jira.issues[key].comments) == 1


async def test_a_comment_whose_answer_was_lost_is_not_written_again(
    world: Upstreams, settings: Settings
) -> None:
    """JIRA does the work, then the connection breaks; RQ runs the job again."""
    key = world.add_card(NUMBER)
    world.jira_faults.add(
        Kind.LOSE_ANSWER, path=f"/rest/api/2/issue/{key}/comment", method="POST", times=1
    )
    first = await run(actions.comment, NUMBER, key, "lost and found", *BY, "d1", "back")
    assert "did not work" in first or "is on" in first
    again = await run(actions.comment, NUMBER, key, "lost and found", *BY, "d1", "back")
    assert again == f"The comment is on {key}."
    assert len(world.jira.issues[key].comments) == 1


@pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])
@pytest.mark.parametrize(
    ("people", "right"),
    [
        ([("Bea", "bea@example.com", {})], True),
        ([("Bea", "Bea@Example.com", {"shown": True})], True),
        ([("Bea", "bea@example.com", {"active": False})], False),
        ([("Bea", "bea@example.com", {"kind": "app"})], False),
        ([("Bea", "bea@example.com", {"kind": "customer", "shown": True})], False),
        ([("Bea of another firm", "bea@example.com.au", {"shown": True})], False),
        ([("bea@example.com bot", "", {})], False),
        ([("Bea", "bea@example.com", {}), ("Bea", "bea@example.com.au", {})], False),
        (
            [
                ("Bea", "bea@example.com", {"shown": True}),
                ("Bea", "bea@example.com.au", {"shown": True}),
                ("bea@example.com bot", "", {"kind": "app"}),
            ],
            True,
        ),
        (
            [
                ("Bea", "bea@example.com", {"shown": True, "active": False}),
                ("Bea", "bea@example.com", {"shown": True}),
            ],
            True,
        ),
        (
            [
                ("Bea who left", "bea@example.com", {"shown": True, "active": False}),
                ("Bea", "bea@example.com.au", {}),
            ],
            False,
        ),
    ],
)
async def test_a_card_goes_only_to_the_active_person_of_exactly_that_address(
    world: Upstreams, settings: Settings, people: list[Any], right: bool
) -> None:
    """JIRA finds whoever's address or name begins so, also apps and people who left."""
    key = world.add_card(NUMBER)
    accounts = [
        world.jira.add_user(name, email, f"712020:{place}", **facts)
        for place, (name, email, facts) in enumerate(people)
    ]
    text = await run(actions.assign, NUMBER, key, "", "bea@example.com", *BY, "d1", "back")
    assignee = world.jira.issues[key].assignee
    assert (assignee in accounts) is right
    assert right or (assignee is None and "JIRA has no one account for bea@example.com" in text)
    if right:
        assert (assignee.active, assignee.email.casefold()) == (True, "bea@example.com")


@pytest.mark.parametrize(
    "body", ["{}", "", "[]", '{"errorMessages": ["oops"]}', '{"total": 31, "comments": []}']
)
async def test_a_comment_is_not_written_twice_because_those_there_could_not_be_read(
    world: Upstreams, settings: Settings, body: str
) -> None:
    key = world.add_card(NUMBER)
    path = f"/rest/api/2/issue/{key}/comment"
    args = (NUMBER, key, "lost and found", *BY, "d1", "back")
    lost = world.jira_faults.add(Kind.LOSE_ANSWER, path=path, method="POST", times=1)
    await run(actions.comment, *args)
    assert lost.done == 1
    odd = world.jira_faults.add("status", path=path, method="GET", status=200, body=body)
    assert "did not work" in await run(actions.comment, *args)
    world.jira_faults.remove(odd)
    assert await run(actions.comment, *args) == f"The comment is on {key}."
    assert len(world.jira.issues[key].comments) == 1


async def test_escalating_adds_the_label_and_says_why(world: Upstreams, settings: Settings) -> None:
    key = world.add_card(NUMBER, labels=["field-support", "Trends"])
    await run(actions.escalate, NUMBER, key, "customer waits", *BY, "d1", "back")
    issue = world.jira.issues[key]
    assert set(issue.labels) == {"field-support", "Trends", "PotentialEscalation"}
    assert issue.comments[0].body.startswith("Potential escalation: customer waits")


async def test_linking_adds_only_what_is_missing(
    world: Upstreams, settings: Settings, store: Store
) -> None:
    key = world.add_card(NUMBER)
    bug = Bug(id=77, url="https://bugzilla.example.com/show_bug.cgi?id=77")
    await store.write([portal_seen(NUMBER), listing(NUMBER, Source.BUGS, bug)], now=NOW)
    first = await run(actions.link, NUMBER, key, *BY, "d1", "back")
    assert "2 new links: Support Case, Bug 77" in first
    again = await run(actions.link, NUMBER, key, *BY, "d2", "back")
    assert "had all its links" in again
    titles = [found.title for found in world.jira.issues[key].remote_links]
    assert titles == ["Support Case", "Bug 77"]


async def test_a_link_that_fails_stops_no_other_and_is_named(
    world: Upstreams, settings: Settings, store: Store
) -> None:
    key = world.add_card(NUMBER)
    bugs = [Bug(id=number, url=f"https://bugs.example.com/{number}") for number in (77, 78)]
    await store.write([portal_seen(NUMBER), listing(NUMBER, Source.BUGS, *bugs)], now=NOW)
    world.jira_faults.add(Kind.STATUS, status=400, item="Bug 77", body='{"errorMessages": ["no"]}')
    said = await run(actions.link, NUMBER, key, *BY, "d1", "back")
    assert "2 new links: Support Case, Bug 78. It lacks Bug 77: jira: refused: no." in said
    titles = [found.title for found in world.jira.issues[key].remote_links]
    assert titles == ["Support Case", "Bug 78"]


@pytest.mark.parametrize("api", ["graphql", "hydra"])
async def test_a_case_that_can_not_be_read_anew_is_not_said_to_be_gone(
    world: Upstreams, settings: Settings, store: Store, api: str
) -> None:
    token = SETTINGS.set(settings.model_copy(update={"portal_api": api}))
    await store.write([portal_seen(NUMBER)], now=NOW)
    path = "/graphql" if api == "graphql" else "/hydra/rest/v1/cases"
    first = 1 if api == "graphql" else 0  # the look-up and the details are one address there
    world.portal_faults.add(Kind.STATUS, status=502, item=NUMBER, path=path, after=first)
    said = await run(actions.refresh_case, NUMBER, "", *BY, "d1", "back")
    assert "was read anew, but not wholly: portal: HTTP 502" in said
    world.portal_faults.add(Kind.STATUS, status=502, item=NUMBER)
    said = await run(actions.refresh_case, NUMBER, "", *BY, "d2", "back")
    assert "That did not work: portal: HTTP 502" in said
    SETTINGS.reset(token)


async def test_refreshing_reads_one_case_anew(
    world: Upstreams, settings: Settings, store: Store
) -> None:
    key = world.add_card(NUMBER, status="In Progress")
    await run(actions.refresh_case, NUMBER, key, *BY, "d1", "back")
    found = str(await store.read(NUMBER))
    assert "ACME & Sons" in found
    assert "In Progress" in found


async def test_read_only_changes_nothing_and_says_so(
    world: Upstreams, redis_url: str, settings: Settings
) -> None:
    key = world.add_card(NUMBER)
    token = SETTINGS.set(world.settings(redis_url, read_only=True))
    world.reset_requests()
    text = await run(actions.escalate, NUMBER, key, "now", *BY, "d1", "back")
    SETTINGS.reset(token)
    assert "only reads" in text
    assert world.requests() == 0
    assert told(settings)[0][2] is False


async def test_jira_being_down_is_told_with_the_reason(
    world: Upstreams, settings: Settings
) -> None:
    key = world.add_card(NUMBER)
    world.jira_faults.add(Kind.DOWN)
    text = await run(actions.escalate, NUMBER, key, "now", *BY, "d1", "back")
    assert "did not work" in text
    assert "HTTP 503" in text


async def test_an_expired_token_is_an_upstream_error(world: Upstreams, settings: Settings) -> None:
    from workers.calls import Policy

    broken = settings.model_copy(update={"jira_token": type(settings.jira_token)("wrong")})
    writer = JiraWriter(broken, Policy(attempts=1))
    with pytest.raises(UpstreamError):
        await writer.issue(world.add_card(NUMBER))
    writer.close()


async def test_a_refused_comment_is_told_in_jiras_words(
    world: Upstreams, settings: Settings
) -> None:
    key = world.add_card(NUMBER)
    text = await run(actions.comment, NUMBER, key, "x" * 40_000, *BY, "d1", "back")
    assert text.startswith("That did not work: jira: refused: comment: The entered text is too")
    assert told(settings)[0][2] is False


async def test_what_was_before_is_audited_also_if_the_first_answer_was_lost(
    world: Upstreams, settings: Settings, redis: Redis
) -> None:
    ben = world.jira.add_user("Ben", "ben@example.com")
    key = world.add_card(NUMBER, assignee=ben)
    impatient = settings.model_copy(update={"upstream_attempts": 1})
    path = f"/rest/api/2/issue/{key}/assignee"
    world.jira_faults.add(Kind.LOSE_ANSWER, path=path, method="PUT", times=1)
    for found in (impatient, settings):
        token = SETTINGS.set(found)
        await run(actions.assign, NUMBER, key, "", "anna@example.com", *BY, "d1", "back")
        SETTINGS.reset(token)
    assert world.jira.issues[key].assignee == world.anna
    (entry,) = [row for row in await Audit(redis, Keys()).read() if row.outcome == "done"]
    assert entry.detail == f"{key} assignee: Ben → Anna Příkladová"
