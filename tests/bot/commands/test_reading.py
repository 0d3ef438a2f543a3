"""Commands that read: what each answers, and what it says to a mistake."""

import re
from datetime import timedelta

import pytest

from bot.delivery import message
from bot.router import router
from t5g.connection import open_syncs
from t5g.inbox import Inbox, letter_of
from t5g.model import Person
from t5g.syncs import Sync, SyncRecord, SyncState
from tests.bot.conftest import Channel
from tests.bot.worlds import NOW, world
from tests.making import card_seen, portal_seen


async def test_new_lists_what_was_opened_lately_open_or_not(channel: Channel) -> None:
    await channel.store.write(
        [
            portal_seen("00000001", created=NOW - timedelta(hours=5), updated=NOW),
            portal_seen("00000002", created=NOW - timedelta(days=2), updated=NOW, status="Closed"),
            portal_seen("00000003", created=NOW - timedelta(days=20), updated=NOW),
        ],
        now=NOW,
    )
    two = await channel.said("new 3")
    assert "00000001" in two
    assert "00000002" in two
    assert "00000003" not in two
    assert "New in the last day" in await channel.said("new 1")


async def test_escalations_stale_and_sla_are_lists_of_their_own(channel: Channel) -> None:
    await channel.store.write(world(12), now=NOW)
    assert "00000001" in await channel.said("escalations")
    old = portal_seen(
        "00000099", created=NOW - timedelta(days=30), updated=NOW - timedelta(days=9),
        severity="1 (Urgent)",
    )  # fmt: skip
    await channel.store.write([old], now=NOW)
    assert "00000099" in await channel.said("stale")
    assert "SLA 214%" in await channel.said("sla")


async def test_lists_take_further_words(channel: Channel) -> None:
    await channel.store.write(world(12), now=NOW)
    assert "0 cases" in await channel.said("escalations severity:low")


@pytest.mark.parametrize("text", ["00000001", "T5G-1", "case 1", "case t5g-1", "case ESC-1"])
async def test_a_case_is_found_by_any_of_its_names(channel: Channel, text: str) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "Open for" in await channel.said(text)


async def test_a_case_is_found_by_its_links(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    for link in (
        channel.settings.case_url.replace("{number}", "00000001"),
        "https://jira.example.com/browse/T5G-1",
        "https://t5g.example.com/cases/00000001",
    ):
        assert "Open for" in await channel.said(f"case {link}"), link


async def test_an_account_is_known_by_any_part_that_fits_one(channel: Channel) -> None:
    await channel.store.write(
        [
            portal_seen("00000001", account="Acme Corp", updated=NOW),
            portal_seen("00000002", account="Acme Labs", updated=NOW),
            portal_seen("00000003", account="Umbrella", updated=NOW),
        ],
        now=NOW,
    )
    assert "00000003" in await channel.said("account umb")
    choice = await channel.said("account acme")
    assert "fits 2 accounts" in choice
    assert "Acme Labs" in choice
    assert "00000002" in await channel.press("ask:option1")


async def test_an_unknown_account_is_met_with_the_nearest(channel: Channel) -> None:
    await channel.store.write([portal_seen("00000003", account="Umbrella", updated=NOW)], now=NOW)
    assert "Did you mean Umbrella?" in await channel.said("account umbrela")
    assert "00000003" in await channel.press("ask:option0")
    assert "No account is called “zzz”." in await channel.said("account zzz")
    assert "Which account?" in await channel.said("account")


async def test_an_engineer_is_known_by_mention_name_or_me(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    for text in ("engineer @ann", "engineer müll", "engineer me", "engineer ann@example.com"):
        answer = await channel.said(text)
        assert ("00000001" in answer) or "No engineer" in answer, text
    assert "00000001" in await channel.said("engineer @ann")
    assert "00000001" in await channel.said("cases assignee:@ann")


@pytest.mark.parametrize("text", ["engineer muller", "engineer MÜLLER", "engineer Mu\u0308ller"])
async def test_a_name_is_known_without_its_accents(channel: Channel, text: str) -> None:
    await channel.store.write(world(3), now=NOW)
    assert "00000001" in await channel.said(text)


async def test_engineers_with_like_names_are_a_choice(channel: Channel) -> None:
    people = [Person(account=x, name=f"Jo {x.title()}") for x in ("smith", "smythe")]
    for n, person in enumerate(people, 1):
        seen = [
            portal_seen(f"0000000{n}", updated=NOW),
            card_seen(f"0000000{n}", f"T5G-{n}", assignee=person, updated=NOW),
        ]
        await channel.store.write(seen, now=NOW)
    assert "fits 2 engineers" in await channel.said("engineer jo")
    assert "00000002" in await channel.press("ask:option1")


async def test_stats_compare_with_a_week_ago_and_count_by_name(channel: Channel) -> None:
    await channel.store.write(world(12), now=NOW)
    assert "12* open" in await channel.said("stats")
    assert "Ann Müller" in await channel.said("stats engineer")
    assert "Acme Corp" in await channel.said("stats accounts")
    assert "Did you mean stats account?" in await channel.said("stats acount")


async def test_status_names_sources_queues_processes_and_versions(channel: Channel) -> None:
    record = SyncRecord(name=Sync.CASES, state=SyncState.OK, last_success=NOW.timestamp())
    await open_syncs(channel.settings, channel.context.redis).write(record)
    shown = await channel.said("status")
    for word in ("cases", "waiting jobs", "high 0", "no worker gives a sign of life", "t5g "):
        assert word in shown, word
    assert "read-only" in shown


async def test_status_tells_of_parked_events_and_waiting_messages(channel: Channel) -> None:
    letter = letter_of(
        id="1", subject="T5G-1", name="jira:issue_updated", error="no", event_at=1.0, now=2.0,
        headers={}, body=b"{}",
    )  # fmt: skip
    await Inbox(channel.context.redis, channel.context.keys).put(letter)
    await channel.said("help")
    channel.server.auth_error = "token_revoked"
    await channel.context.outbox.put([message("C0NOWHERE", {"text": "x"})])
    await channel.context.outbox.drain()
    shown = await channel.said("status")
    assert "1 JIRA event parked" in shown
    assert "1 message waiting to be posted" in shown
    assert "Slack does not take messages for C0NOWHERE" in shown


async def test_export_is_a_file_in_direct_messages(channel: Channel) -> None:
    await channel.store.write(world(5), now=NOW)
    assert "5 cases in `cases-" in await channel.said("export")
    await channel.settle()
    files = list(channel.server.files.files.values())
    assert len(files) == 1
    content = files[0].content.decode("utf-8-sig")
    assert content.count("\n") == 6
    assert content.startswith("number,severity,status")
    assert files[0].channels == [channel.server.state.open_dm([channel.user]).id]


async def test_export_disarms_formulas(channel: Channel) -> None:
    await channel.store.write([portal_seen(summary="=cmd()|' /C calc'!A0", updated=NOW)], now=NOW)
    await channel.said("export")
    await channel.settle()
    (file,) = channel.server.files.files.values()
    assert "'=cmd()" in file.content.decode("utf-8-sig")


@pytest.mark.parametrize(
    "text",
    [
        "cases account:“Acme Corp”",
        "cases\u00a0severity:high",
        "  CASES   severity:high ",
        "severity:high",
        "cases severity:high &amp; node",
    ],
)
async def test_what_keyboards_and_slack_make_of_text_is_understood(
    channel: Channel, text: str
) -> None:
    await channel.store.write(world(4), now=NOW)
    answer = await channel.said(text)
    assert "case" in answer
    assert "no command" not in answer


async def test_nothing_found_says_how_to_ask(channel: Channel) -> None:
    answer = await channel.said("cases nonesuch")
    assert "Nothing matches" in answer
    assert "help cases" in answer


async def test_mentions_and_direct_messages_are_answered_by_the_same_router(
    channel: Channel,
) -> None:
    await channel.store.write(world(3), now=NOW)
    await channel.say("@t5g severity:high")
    assert "Cases* · 1 case" in await channel.shown()
    assert "Cases* · 1 case" not in await channel.as_("vic").shown()
    direct = channel.direct
    await direct.say("mine")
    assert "00000001" in await direct.shown()
    await direct.say("csaes")
    assert "Did you mean `cases`?" in await direct.shown()


async def test_a_mention_in_a_thread_is_answered_there(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    first = await channel.say("What of this one?")
    await channel.say("@t5g case 1", thread_ts=first["ts"])
    await channel.settle()
    state = channel.server.state
    thread = state.messages(state.channel("general").id, channel.user, first["ts"])
    assert thread[-1].ephemeral
    assert "00000001" in thread[-1].text


#: What is typed after each command.
ARGUMENTS = {
    "case": "1", "account": "acme", "engineer": "me", "watch": "severity:urgent",
    "refresh": "00000002", "claim": "2", "assign": "2 me", "comment": "2 x", "escalate": "2",
    "link": "2",
}  # fmt: skip


async def test_every_command_is_in_the_audit_log(channel: Channel) -> None:
    await channel.store.write(world(3), now=NOW)
    for name in router.commands:
        await channel.said(f"{name} {ARGUMENTS.get(name, '')}")
    for name, command in router.commands.items():
        found = await channel.audited(name)
        assert found == (["asked", "refused"] if command.acts else ["answered"]), name


async def test_every_click_is_in_the_audit_log(channel: Channel) -> None:
    await channel.store.write(world(20), now=NOW)
    await channel.ask("cases")
    for action, value in (("page:next", None), ("sort", "-age"), ("filter:only", "all")):
        await channel.click(action, **({"value": value} if value else {}))
        await channel.settle()
    assert await channel.audited("cases") == ["answered"] * 4
    await channel.click("ask:case")
    await channel.settle()
    assert await channel.audited("case") == ["answered"]
    await channel.press("share")
    assert await channel.audited("share") == ["done"]
    await channel.home()
    assert await channel.audited("home") == ["answered"]


async def test_sources_that_are_old_for_one_reason_are_named_together(channel: Channel) -> None:
    shown = await channel.said("cases")
    assert "never synced" in shown
    assert shown.count("has never run to the end") == 1
    assert "cases, cards, details" in shown


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("search foo", ["cases foo"]),
        ("take 00000002", ["help claim"]),
        ("drop 00000002", ["help unclaim"]),
        ("stats by acount", ["stats account"]),
        ("clam 00000002", ["help claim"]),
        ("cases severty:high", ["cases severity:high"]),
        ("watch severty:high", []),
        ("digest here 09:00 Berlin", []),
        ("notify off raisd", []),
    ],
)
async def test_what_is_offered_only_reads_and_can_be_read(
    channel: Channel, typed: str, offered: list[str]
) -> None:
    answer = str(await channel.as_("ada").ask(typed))
    assert "Did you mean" in answer or offered
    found = re.findall(r'"a":\s*"([^"]*)"', answer)
    assert [x for x in found if x in offered] == offered, found
    assert not [x for x in found if not router.find(x.split()[0]).reads]


async def test_a_quoted_name_finds_what_a_part_of_it_finds(channel: Channel) -> None:
    name = 'O\'Neill "Mobile" & Sons'
    seen = portal_seen("00000031", account=name), portal_seen("00000032", account=f"{name} II")
    await channel.store.write(seen, now=NOW)
    assert "00000031" in await channel.said("cases account:O'Neill")
    shown = await channel.said(f"account {name}")
    assert "00000031" in shown
    assert "00000032" not in shown


async def test_of_two_names_that_differ_by_an_accent_each_can_be_had(channel: Channel) -> None:
    seen = portal_seen("00000031", account="Müller"), portal_seen("00000032", account="Muller")
    await channel.store.write(seen, now=NOW)
    for name, there, missing in (("Müller", "31", "32"), ("Muller", "32", "31")):
        shown = await channel.said(f"account {name}")
        assert f"000000{there}" in shown
        assert f"000000{missing}" not in shown
