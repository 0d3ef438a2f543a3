"""An alert is raised once and cleared once, and each is posted."""

from t5g.alerts import Alerts
from t5g.keys import Keys


async def test_raising_twice_tells_once(redis):
    alerts = Alerts(redis, Keys())
    assert await alerts.raise_("sync-cases", "it fails", hint="look there")
    assert not await alerts.raise_("sync-cases", "it fails again")
    (notice,) = await alerts.unposted()
    assert notice.raised
    assert notice.alert.text == "it fails"
    assert notice.alert.hint == "look there"
    assert [alert.name for alert in await alerts.raised()] == ["sync-cases"]


async def test_a_renewed_alert_is_told_again_only_if_it_says_something_else(redis):
    alerts = Alerts(redis, Keys())
    for text, told in (("10 “new”", True), ("10 “new”", False), ("11 “new”", True)):
        assert await alerts.raise_("guard", text, renew=True) is told
    assert [n.alert.text for n in await alerts.unposted()] == ["10 “new”", "11 “new”"]
    assert [alert.text for alert in await alerts.raised()] == ["11 “new”"]


async def test_clearing_tells_once_and_only_what_was_raised(redis):
    alerts = Alerts(redis, Keys())
    assert not await alerts.clear("sync-cases", "fine")
    await alerts.raise_("sync-cases", "it fails")
    assert await alerts.clear("sync-cases", "fine again")
    assert not await alerts.clear("sync-cases", "fine again")
    raised, cleared = await alerts.unposted()
    assert (raised.raised, cleared.raised) == (True, False)
    assert cleared.alert.text == "fine again"
    assert await alerts.raised() == []


async def test_what_was_posted_leaves_the_outbox(redis):
    alerts = Alerts(redis, Keys())
    await alerts.raise_("a", "one")
    await alerts.raise_("b", "two")
    first, second = await alerts.unposted()
    await alerts.posted(first.id)
    assert await alerts.unposted() == [second]
    assert len(await alerts.raised()) == 2
