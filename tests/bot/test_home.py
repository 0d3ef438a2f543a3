"""The home tab: my cases, what changed in them, my watches, my digest."""

from datetime import timedelta

from sandbox.slack.rules import validate_view
from tests.bot.conftest import Channel, texts
from tests.bot.worlds import ANN, NOW, world
from tests.making import card_seen, portal_seen


async def test_it_shows_my_cases_and_how_to_begin(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    shown = texts(await channel.home())
    for words in ("Your cases", "00000001", "Nothing changed", "No watches", "No digest of your"):
        assert words in shown, words
    assert "00000002" not in shown


async def test_it_tells_what_changed_since_the_last_look_once(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    await channel.home()
    later = NOW + timedelta(seconds=5)
    await channel.store.write(
        [portal_seen("00000001", status="Waiting on Customer", updated=later, severity="2 (High)",
                     created=NOW - timedelta(days=1), summary="Case <1>", seen=later),
         portal_seen("00000002", status="Closed", updated=later, seen=later)],
        now=later,
    )  # fmt: skip
    shown = texts(await channel.home())
    assert "*Changed* since you last looked" in shown
    assert "Waiting on Red Hat → Waiting on Customer" in shown
    assert "closed" not in shown
    assert "*Nothing changed*" in texts(await channel.home())


async def test_my_own_deeds_are_no_news_to_me(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    await channel.home()
    await channel.context.deeds.remember("00000001", channel.user, "card.status")
    later = NOW + timedelta(seconds=5)
    await channel.store.write(
        [card_seen("00000001", status="In Progress", assignee=ANN, updated=later)], now=later
    )
    assert "*Nothing changed*" in texts(await channel.home())


async def test_watches_and_digest_are_set_and_stopped_there(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    await channel.direct.said("watch severity:urgent")
    view = await channel.home()
    assert "severity:urgent" in texts(view)
    await channel.click_view("ask:digest", view["id"])
    view = await channel.home_now()
    assert "*Your digest* comes at 09:00 (Europe/Berlin), weekdays." in texts(view)
    await channel.click_view("ask:digest", view["id"])
    assert "No digest of your own" in texts(await channel.home_now())
    await channel.click_view("ask:unwatch", view["id"])
    assert "No watches" in texts(await channel.home_now())


async def test_each_kind_of_direct_message_is_switched_there(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    view = await channel.home()
    assert "🚨 Escalated" in texts(view)
    await channel.click_view("ask:notify_escalated", view["id"])
    assert "🔕 Escalated" in texts(await channel.home_now())
    assert (await channel.context.notify.of(channel.user)).off == {"escalated"}


async def test_its_buttons_open_modals(channel: Channel) -> None:
    await channel.store.write(world(4), now=NOW)
    view = await channel.home()
    await channel.click_view("ask:case", view["id"])
    (modal,) = await channel.modals()
    assert "Open for" in texts(modal)
    await channel.click_view("home:search", view["id"])
    assert any("Search cases" in texts(x) for x in await channel.modals())
    await channel.click_view("home:refresh", view["id"])
    assert validate_view(await channel.home_now()) is not None


async def test_the_messages_tab_needs_nothing(channel: Channel) -> None:
    await channel._post(f"home/{channel.user}", {"tab": "messages"})
    await channel.settle()
    assert channel.server.views.homes == {}


async def test_home_waits_when_slack_asks_to(channel: Channel) -> None:
    limits = channel.server.limits
    limits.enabled, limits.per_second, limits.burst = True, 5.0, 1
    limits.reset()
    await channel.store.write(world(2), now=NOW)
    assert "00000001" in texts(await channel.home())
