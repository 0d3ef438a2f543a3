"""Engages the team and finds it customers. Both depend on the seed, ids for Slack on nothing."""

import random
import unicodedata
from typing import Final

from sandbox.jira.state import JiraState
from sandbox.scene import Account, Engineer
from sandbox.vocabulary import ODD_ACCOUNTS, Vocabulary

ENGINEERS: Final = 12
ACCOUNTS: Final = 25
#: People who are in every world, so that demos and documents can name them.
_KNOWN: Final = ("Ana Novák", "Björn Lindström", "Chidi Okafor", "日向 葵")
_ZONES: Final = (
    "Europe/Prague",
    "Europe/Stockholm",
    "Africa/Lagos",
    "Asia/Tokyo",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
)
_GROUPS: Final = ("", "RAN", "Core", "Transport", "Lab & Integration")


def engage_team(jira: JiraState, words: Vocabulary, rng: random.Random) -> list[Engineer]:
    """Make the engineers, with accounts in JIRA and ids for Slack. The first one is the lead."""
    names = [*_KNOWN]
    for name in words.people:
        if len(names) < ENGINEERS and name not in names:
            names.append(name)
    return [_engineer(jira, name, place, rng) for place, name in enumerate(names)]


def _engineer(jira: JiraState, name: str, place: int, rng: random.Random) -> Engineer:
    email = f"{_handle(name, place)}@example.com"
    account_id = "712020:" + "".join(rng.choices("0123456789abcdef", k=24))
    user = jira.add_user(name, email, account_id=account_id)
    return Engineer(name, email, user, slack_id(place), _ZONES[place % len(_ZONES)])


def slack_id(place: int) -> str:
    """The Slack id of an engineer in every world; 0 is the lead."""
    return f"U0T5GENG{place + 1:03d}"


def _handle(name: str, place: int) -> str:
    """A mail name in plain letters; names in other scripts get one that is made up."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = ["".join(filter(str.isalnum, word)) for word in plain.split()]
    found = ".".join(word for word in words if word)
    return found if "." in found else f"engineer.{place + 1}"


def find_customers(words: Vocabulary, rng: random.Random) -> list[Account]:
    """Make the accounts; the first ones have the most cases."""
    names = [*words.companies[: ACCOUNTS - len(ODD_ACCOUNTS)], *ODD_ACCOUNTS]
    rng.shuffle(names)
    return [
        Account(
            name=name,
            number=str(1_000_000 + rng.randrange(8_999_999)),
            contacts=tuple(rng.sample(words.people, 3)),
            group=rng.choice(_GROUPS),
        )
        for name in names
    ]


def team_file(engineers: list[Engineer], accounts: list[Account], *, cloud: bool = True) -> str:
    """The team as the text of a team file (TOML); accounts are shared out among the engineers.

    `cloud`: JIRA knows people by account id, not by username.
    """
    lines = ["# The team of the generated world.", ""]
    for place, engineer in enumerate(engineers):
        theirs = [account.name for account in accounts[place :: len(engineers)]]
        lines += [
            "[[people]]",
            f"name = {_quoted(engineer.name)}",
            f"email = {_quoted(engineer.email)}",
            f"jira = {_quoted(engineer.jira.account_id if cloud else engineer.jira.username)}",
            f"slack = {_quoted(engineer.slack_id)}",
            f"accounts = [{', '.join(map(_quoted, theirs))}]",
            *(['role = "admin"'] if place == 0 else []),
            "",
        ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
