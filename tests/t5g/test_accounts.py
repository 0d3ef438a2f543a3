"""Who is who in JIRA is remembered from look-ups, for servers that hide addresses."""

from redis.asyncio import Redis

from t5g.accounts import email_of, keep_account, known_accounts, with_accounts
from t5g.keys import Keys
from t5g.team import Member, Team


async def test_what_was_looked_up_is_remembered(redis: Redis) -> None:
    keys = Keys()
    await keep_account(redis, keys, "Ann@Example.com", "557058:a")
    await keep_account(redis, keys, "", "557058:b")
    await keep_account(redis, keys, "bob@example.com", "")
    assert await known_accounts(redis, keys) == {"557058:a": "ann@example.com"}
    assert await email_of(redis, keys, "557058:a") == "ann@example.com"
    assert await email_of(redis, keys, "557058:b") == ""
    assert await email_of(redis, keys, "") == ""


def test_the_file_goes_before_what_is_known() -> None:
    team = Team(
        members=(
            Member(name="Ann", email="Ann@example.com"),
            Member(name="Bob", email="bob@example.com", jira="file"),
            Member(name="Cid"),
        )
    )
    known = {"a": "ann@example.com", "b": "bob@example.com", "c": ""}
    assert [m.jira for m in with_accounts(team, known).members] == ["a", "file", ""]
