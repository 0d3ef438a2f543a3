"""What a page costs: one rendering a change however many look at it, and few bytes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from t5g.keys import Keys
from t5g.model import Bug, CaseComment, Comment, Escalation, Issue, Person, Source
from t5g.settings import Settings, load_settings
from t5g.state import CommentsSeen
from t5g.store import Store
from t5g.team import Role
from tests import wall_clock
from tests.making import card_seen, details_seen, listing, portal_seen
from tests.webhooks.conftest import Client, Serve
from tests.webhooks.pages.conftest import Fill
from webhooks.access.tokens import Tokens
from webhooks.pages.rendering import PAGES
from webhooks.pages.views.rows import FLAGS

VIEWERS = 8
PATHS = ("/", "/cases", "/cases?q=status:any&rows=100", "/cases/01234567", "/stats", "/updates")
MORE_PATHS = ("/stats?days=0", "/trends", "/updates?days=7", "/weekly", "/jobs", "/audit",
              "/accounts/Acme%20Corp", "/engineers/Chen%20Wei", "/nowhere")  # fmt: skip
LARGEST = 200_000

Look = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return load_settings(
        env={"redis_url": redis_url, "slack_signing_secret": "test-signing-not-secret",
             "page_rate": 100_000}
    )  # fmt: skip


@pytest.fixture
async def viewers(redis: Redis, settings: Settings) -> list[dict[str, str]]:
    """Headers of people who each are somebody else."""
    tokens = Tokens(redis, Keys(settings.redis_prefix))
    roles = list(Role)
    secrets = [
        (await tokens.create(f"viewer {n}", roles[n % len(roles)]))[1] for n in range(VIEWERS)
    ]
    return [{"Authorization": f"Bearer {secret}"} for secret in secrets]


@pytest.fixture
def look(client: Client) -> Look:
    """Let all look at a page at once; give what each was sent."""

    async def one(path: str, headers: dict[str, str]) -> str:
        async with client.get(path, headers=headers) as response:
            assert response.status == 200
            return await response.text()

    async def all_at_once(path: str, viewers: list[dict[str, str]]) -> list[str]:
        return await asyncio.gather(*(one(path, headers) for headers in viewers))

    return all_at_once


def renderings(client: Client) -> int:
    assert client.app is not None
    return client.app[PAGES].renderings


async def change(store: Store, summary: str) -> None:
    now = wall_clock.now()
    await store.write([portal_seen(seen=now, updated=now, summary=summary)], now=now)


@pytest.mark.parametrize("path", PATHS)
async def test_change_costs_one_rendering_and_not_one_per_viewer(
    client: Client, store: Store, fill: Fill, viewers: list[dict[str, str]], look: Look, path: str
) -> None:
    await fill(120)
    await change(store, "as it was")
    _still(client)
    texts = await look(path, viewers)
    assert renderings(client) == 1
    assert len(set(texts)) > 1, "roles see other buttons"
    await look(path, viewers)
    assert renderings(client) == 1, "nothing changed: nothing is rendered"
    for n in range(1, 4):
        await change(store, f"changed-{n}")
        texts = await look(path, viewers)
        assert renderings(client) == 1 + n
        assert path != "/cases/01234567" or all(f"changed-{n}" in text for text in texts)


def _still(client: Client) -> None:
    """Stop the clock of the pages: a minute that ends in between is another rendering."""
    assert client.app is not None
    at = wall_clock.now().timestamp()
    client.app[PAGES].clock = lambda: at


async def test_list_that_is_about_the_viewer_is_rendered_for_each(
    client: Client, fill: Fill, viewers: list[dict[str, str]], look: Look
) -> None:
    await fill(20)
    _still(client)
    await look("/cases?q=assignee:me", viewers)
    assert renderings(client) == VIEWERS


async def test_no_page_is_large_however_much_there_is(
    serve: Serve, settings: Settings, fill: Fill, store: Store
) -> None:
    await fill(400)
    long, now = "<&>" * 8_000, wall_clock.now()
    on_card = [Comment(id=str(n), body=long, created=now) for n in range(120)]
    on_case = [CaseComment(id=str(n), body=long, created=now) for n in range(120)]
    issues = [
        Issue(key=f"B-{n}", title=long, status=long, fix_versions=(long,)) for n in range(120)
    ]
    bugs = [Bug(id=n, summary=long, whiteboard=long, target_release=(long,)) for n in range(120)]
    labels = tuple("<" * 200 + str(n) for n in range(100))
    await store.write(
        [
            portal_seen(seen=now, summary=long, description=long, tags=labels),
            card_seen(seen=now, summary=long, labels=labels),
            CommentsSeen(number="01234567", card="T5G-1", comments=tuple(on_card), seen=now),
            details_seen(seen=now, comments=tuple(on_case)),
            listing("01234567", Source.ISSUES, *issues, seen=now),
            listing("01234567", Source.BUGS, *bugs, seen=now),
        ],
        now=now,
    )
    client = await serve(settings)
    sizes = {}
    for path in (*PATHS, *MORE_PATHS):
        async with client.get(path) as response:
            sizes[path] = len(await response.read())
    assert {path: size for path, size in sizes.items() if size > LARGEST} == {}


async def test_list_in_a_script_of_many_bytes_is_no_large_page(
    serve: Serve, settings: Settings, store: Store
) -> None:
    now, text = wall_clock.now(), "基站升级后无法启动并且反复重启" * 20
    person, old = Person(account="p", name="日本通信株式会社の山田太郎"), now - timedelta(days=20)
    for n in range(100):
        number = f"{n:08}"
        said = Comment(id="1", author=person, body=text, created=now)
        facts = {"labels": ("Daily_Telco_OCP", "Trends"), "updated": old, "assignee": person}
        card = card_seen(number, f"T5G-{n}", seen=now, **facts)
        spoken = CommentsSeen(number=number, card=f"T5G-{n}", comments=(said,), seen=now)
        seen = portal_seen(
            number, seen=now, summary=text, account="日本通信株式会社東京支社第二課",
            created=now - timedelta(days=400), updated=old,
        )  # fmt: skip
        critical = details_seen(number, seen=now, crit_sit=True)
        escalated = listing(number, Source.ESCALATION, Escalation(key=f"ESC-{n}"), seen=now)
        await store.write([seen, card, spoken, critical, escalated], now=now)
    client = await serve(settings)
    async with client.get("/cases?rows=100") as response:
        page = await response.text()
    assert page.count("<tr data-number=") == 100
    for badge in FLAGS.keys() - {"untracked", "potential"}:  # an escalated case with a card
        assert page.count(f'class="flag {badge}"') == 100
    assert len(page.encode()) < LARGEST
