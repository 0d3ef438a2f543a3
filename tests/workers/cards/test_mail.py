"""A new card is told by e-mail, once, over a real mail server; without one nothing is sent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from t5g.connection import open_queue_redis
from t5g.current import SETTINGS
from t5g.errors import SettingsError, UpstreamError
from t5g.settings import Settings
from t5g.work import load_rq
from tests.authority import certificate
from tests.making import entry
from tests.workers.cards.conftest import learn
from tests.workers.cards.mailbox import Mailbox
from tests.workers.upstreams import Upstreams
from workers.cards import jobs
from workers.cards.desk import open_desk
from workers.cards.ledger import Making
from workers.cards.mail import message_of
from workers.cards.run import run_cards

NUMBER = "00000001"
pytestmark = pytest.mark.parametrize("world", [True], indirect=True, ids=["cloud"])


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server on loopback."""
    made = Mailbox()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def mailing(settings: Settings, mailbox: Mailbox, redis_url: str) -> Settings:
    """Settings that lead to it."""
    load_rq(settings.redis_prefix)
    url = type(settings.smtp_url)(f"smtp://bot:p%40ss@127.0.0.1:{mailbox.port}")
    more = {
        "smtp_url": url,
        "mail_to": "team@example.com, anna@example.com",
        "mail_from": "T5G <t5g@example.com>",
    }
    return settings.model_copy(update=more)


def asked(settings: Settings) -> list[tuple[Any, ...]]:
    """The mail jobs that wait: their arguments."""
    from rq import Queue

    with open_queue_redis(settings.redis_url) as redis:
        waiting = Queue("low", connection=redis).jobs
    return [job.args for job in waiting if job.func_name == "workers.cards.jobs.mail"]


async def sent(settings: Settings, args: tuple[Any, ...]) -> dict[str, Any]:
    """Do a mail job as a worker does it."""
    token = SETTINGS.set(settings)
    try:
        return await asyncio.to_thread(jobs.mail, *args)
    finally:
        SETTINGS.reset(token)


async def made(world: Upstreams, settings: Settings, **facts: Any) -> tuple[Any, ...]:
    """Let a card be made; return the arguments of its mail job."""
    world.add_case(NUMBER, severity=1, **facts)
    await learn(settings)
    async with open_desk(settings) as desk:
        await run_cards(desk)
    (args,) = asked(settings)
    return args


async def test_a_new_card_is_mailed_once_to_the_assignee_and_the_team(
    world: Upstreams, mailing: Settings, mailbox: Mailbox
):
    args = await made(world, mailing, summary="Žluťoučký\r\nBcc: evil@example.com <b>")
    for count in (1, 0):
        assert await sent(mailing, args) == {"sent": count}
    (message,) = mailbox.messages
    assert mailbox.envelopes == [
        ("<t5g@example.com>", ["<team@example.com>", "<anna@example.com>"])
    ]
    assert mailbox.logins == ["\0bot\0p@ss"]
    assert message["Subject"] == f"T5G-1: {NUMBER} Žluťoučký Bcc: evil@example.com <b>"
    assert message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<card.T5G-1.{NUMBER}@example.com>"
    body = message.get_content()
    assert "Assignee: Anna (by account)" in body
    assert "Severity: 1 (Urgent)" in body
    assert f"{world.jira_url}/browse/T5G-1" in body
    assert f"/case/{NUMBER}" in body


@pytest.mark.parametrize(
    ("verb", "answer", "transient"),
    [("DATA", "451 later", True), ("RCPT", "550 no such person", False),
     ("AUTH", "535 wrong password p@ss", False)],
)  # fmt: skip
async def test_a_refused_mail_is_an_error_without_the_servers_words(
    world: Upstreams, mailing: Settings, mailbox: Mailbox, verb: str, answer: str, transient: bool
):
    args = await made(world, mailing)
    mailbox.refusals[verb] = answer
    with pytest.raises(UpstreamError) as caught:
        await sent(mailing, args)
    assert answer.partition(" ")[2] not in str(caught.value)
    if verb != "RCPT":
        assert caught.value.transient is transient
    mailbox.refusals.clear()
    assert await sent(mailing, args) == {"sent": 1}


async def test_a_broken_connection_is_tried_again_later(
    world: Upstreams, mailing: Settings, mailbox: Mailbox
):
    args = await made(world, mailing)
    mailbox.breaks.add("MAIL")
    with pytest.raises(UpstreamError):
        await sent(mailing, args)
    mailbox.breaks.clear()
    assert await sent(mailing, args) == {"sent": 1}


async def test_without_a_mail_server_or_while_only_reading_nothing_is_sent(
    world: Upstreams, mailing: Settings, mailbox: Mailbox
):
    args = await made(world, mailing)
    none = mailing.model_copy(update={"smtp_url": type(mailing.smtp_url)("")})
    assert await sent(none, args) == {"sent": 0}
    reading = mailing.model_copy(update={"read_only": True})
    assert await sent(reading, args) == {"skipped": "T5G_READ_ONLY is true"}
    assert not mailbox.messages


async def test_without_the_setting_no_mail_is_asked_for(world: Upstreams, settings: Settings):
    load_rq(settings.redis_prefix)
    world.add_case(NUMBER)
    await learn(settings)
    async with open_desk(settings) as desk:
        await run_cards(desk)
    assert not asked(settings)


@pytest.mark.parametrize("url", ["http://mail.example.com", "smtp://", "mail.example.com:25"])
async def test_a_wrong_address_says_how_to_write_it(world: Upstreams, mailing: Settings, url: str):
    args = await made(world, mailing)
    wrong = mailing.model_copy(update={"smtp_url": type(mailing.smtp_url)(url)})
    with pytest.raises(SettingsError, match=r"T5G_SMTP_URL: write it like smtp, smtps"):
        await sent(wrong, args)


async def test_encryption_that_is_asked_for_is_not_done_without(
    world: Upstreams, mailing: Settings, mailbox: Mailbox
):
    """A server that offers no TLS, or a certificate that nobody vouches for, gets no password."""
    args = await made(world, mailing)
    for scheme in ("smtp+starttls", "smtps"):
        url = f"{scheme}://bot:secret@127.0.0.1:{mailbox.port}"
        strict = mailing.model_copy(update={"smtp_url": type(mailing.smtp_url)(url)})
        with pytest.raises(UpstreamError):
            await sent(strict, args)
    assert not mailbox.logins


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_a_mail_goes_encrypted_to_whom_an_authority_vouches_for(
    world: Upstreams,
    mailing: Settings,
    scheme: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    args = await made(world, mailing)
    secure = Mailbox(certificate(tmp_path), wrapped=scheme == "smtps")
    await secure.start()
    try:
        url = f"{scheme}://bot:secret@127.0.0.1:{secure.port}"
        settings = mailing.model_copy(update={"smtp_url": type(mailing.smtp_url)(url)})
        with pytest.raises(UpstreamError, match="SSLCertVerificationError"):
            await sent(settings, args)
        assert not secure.logins
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert await sent(settings, args) == {"sent": 1}
    finally:
        await secure.stop()
    assert (secure.logins, secure.encrypted) == (["\0bot\0secret"], [True])
    assert len(secure.messages) == 1


async def test_who_could_not_be_assigned_gets_no_mail(world: Upstreams, mailing: Settings):
    del world.jira.users[world.anna.account_id]
    _, _, assignee, email, reason = await made(world, mailing)
    assert (assignee, email) == ("", "")
    assert reason.startswith("it should be Anna's (by account)")


def test_a_card_of_nobody_is_told_to_nobody(settings: Settings) -> None:
    record = Making(number=NUMBER, key="T5G-1")
    assert message_of(entry(NUMBER), record, settings) is None
