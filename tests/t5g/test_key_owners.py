"""Every key has an owner; strangers, and what should end and does not, are found."""

import re
from pathlib import Path

import pytest
from redis.asyncio import Redis

from t5g.key_owners import OWNED, Fate, owner_of, strangers
from t5g.keys import Keys

ROOT = Path(__file__).parents[2]


async def found(redis: Redis, prefix: str = "t5g:") -> dict[str, str]:
    return {one.key: one.why async for one in strangers(redis, Keys(prefix))}


async def test_a_stranger_is_named(redis: Redis) -> None:
    await redis.set("t5g:odd:thing", "1")
    await redis.sadd("t5g:cases", "01234567")
    await redis.set("elsewhere", "1")
    assert await found(redis) == {"t5g:odd:thing": "nobody owns it"}


async def test_what_should_end_and_does_not_is_named_with_its_owner(redis: Redis) -> None:
    await redis.set("t5g:session:abc", "{}")
    await redis.set("t5g:session:def", "{}", ex=60)
    (why,) = (await found(redis)).values()
    assert why == "webhooks.access.sessions should have given it a time to live"


@pytest.mark.parametrize("prefix", ["a*b:", "[x]:", "q?:", "back\\slash:"])
async def test_a_prefix_is_taken_by_its_letters(redis: Redis, prefix: str) -> None:
    await redis.set(f"{prefix}odd", "1")
    await redis.set("axxb:odd", "1")
    assert await found(redis, prefix) == {f"{prefix}odd": "nobody owns it"}


def test_the_closest_pattern_owns_a_key() -> None:
    assert (owner_of("slack:outbox") or OWNED[0]).pattern == "slack:outbox"
    assert (owner_of("slack:outbox:C1") or OWNED[0]).pattern == "slack:outbox:*"
    assert (owner_of("saml:login:x") or OWNED[0]).pattern == "saml:login:*"
    assert owner_of("") is None


def test_owners_are_modules_that_exist_and_patterns_are_named_once() -> None:
    patterns = [one.pattern for one in OWNED]
    assert len(set(patterns)) == len(patterns)
    for one in OWNED:
        if one.owner != "RQ":
            assert (ROOT / (one.owner.replace(".", "/") + ".py")).exists(), one.owner


def test_every_name_that_the_code_makes_has_an_owner() -> None:
    call = re.compile(r"""named\(\s*((?:"[a-z_:]+"|[\w.]+\(?\w*\)?)(?:,\s*[^)]+)?)\)""")
    unknown = []
    for folder in ("t5g", "bot", "workers", "webhooks"):
        for path in (ROOT / folder).rglob("*.py"):
            for arguments in call.findall(path.read_text()):
                parts = [part.strip() for part in arguments.split(",")]
                if not parts[0].startswith('"'):
                    continue
                name = ":".join(p.strip('"') if p.startswith('"') else "x" for p in parts if p)
                if owner_of(name) is None and owner_of(f"{name}x") is None:
                    unknown.append(f"{path.name}: {name}")
    assert not unknown


def test_there_is_something_of_every_fate() -> None:
    assert {one.fate for one in OWNED} == set(Fate)
