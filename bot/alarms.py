"""What the channel for a case's severity is told, watched or not: pure decisions.

A case that was escalated, came as a crit sit or became one, was raised, was reopened, whose card
is done too early, or that nobody has for too long. What was so before the bot came is no news.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from t5g.clock import believable
from t5g.derived import DAY, Entry
from t5g.news import News

HOUR = 3600.0
DONE = "Done"


class Spell(Struct, frozen=True):
    """How long a case has been in a bad way: since when (seconds since the epoch), whether told."""

    since: float
    told: bool = False


Spells = Mapping[str, Spell]


def alarms(entry: Entry, why: Sequence[News], began: float) -> tuple[News, ...]:
    """Return the reasons to tell in the channel. `began`: since when the bot follows."""
    return tuple(reason for reason in why if reason.alarm and not is_old(entry, reason, began))


def is_old(entry: Entry, reason: News, began: float) -> bool:
    """Say whether it was so long before the bot came, and only comes to its notice."""
    match reason.fact:
        case "escalation":
            made = [one.since.timestamp() for one in entry.case.escalations if one.since]
            return bool(made) and max(made) < began - DAY
        case "case":
            return entry.created < began - DAY
        case "card":
            cards = [x for x in entry.case.cards if x.key == reason.key]
            return any(x.created.timestamp() < began - DAY for x in cards if x.created)
    return False


def unassigned(
    before: Spells | None, entries: Iterable[Entry], now: float, limit: float
) -> tuple[Spells, dict[str, News]]:
    """Return the spells as they are now, and the cases of which it is to be told.

    `before` None: nobody has looked yet, and what is unassigned already is no news. `limit` in
    seconds; 0: nothing is ever told. A spell ends when somebody has the case, or it is closed.
    """

    def due(spell: Spell) -> News | None:
        if not limit or now - spell.since < limit:
            return None
        return News("unassigned", f"nobody has it for {_hours(now - spell.since)}")

    lonely = (e for e in entries if e.open and e.card is not None and e.assignee is None)
    return _spells(before, lonely, now, due)


def breaches_soon(
    before: Spells | None, entries: Iterable[Entry], now: float
) -> tuple[Spells, dict[str, News]]:
    """Return the spells as they are now, and the cases that breach their SLA within a day.

    `before` None: nobody has looked yet, and what is so already is no news.
    """
    close = (e for e in entries if e.open and now <= e.breaches_at <= now + DAY)
    return _spells(before, close, now, lambda _: News("breaches_soon", "SLA breaches tomorrow"))


def done_early(
    before: Spells | None, entries: Iterable[Entry], now: float, asked: float
) -> tuple[Spells, dict[str, News]]:
    """Return the spells as they are now, and the cases whose card is done while they are open.

    JIRA tells at once that a card is done, the Portal minutes later that its case was closed: so a
    case is told when the Portal was `asked` after that (seconds since the epoch), or an hour has
    gone by. `before` None: nobody has looked yet, and what is so already is no news.
    """

    def due(spell: Spell) -> News | None:
        if asked <= spell.since and now - spell.since < HOUR:
            return None
        return News("done_early", "card is done, the case is open")

    early = (e for e in entries if e.open and e.card is not None and e.internal_status == DONE)
    return _spells(before, early, now, due)


def _spells(
    before: Spells | None,
    bad: Iterable[Entry],
    now: float,
    due: Callable[[Spell], News | None],
) -> tuple[Spells, dict[str, News]]:
    """Let the spells of the `bad` cases go on, all others end; tell each that is due once."""
    after: dict[str, Spell] = {}
    found: dict[str, News] = {}
    for entry in bad:
        spell = (before or {}).get(entry.number) or Spell(now, told=before is None)
        if not believable(spell.since, now):
            spell = Spell(now, told=spell.told)
        reason = None if spell.told else due(spell)
        if reason is not None:
            found[entry.number] = reason
            spell = Spell(spell.since, told=True)
        after[entry.number] = spell
    return after, found


def _hours(seconds: float) -> str:
    if seconds < 2 * HOUR:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / HOUR)} hours"
