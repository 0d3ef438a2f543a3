"""Small worlds of cases for the bot's tests."""

from datetime import timedelta

from t5g.model import Escalation, Person, Source
from t5g.state import Observation
from tests import wall_clock
from tests.making import card_seen, listing, portal_seen

NOW = wall_clock.now()
ANN = Person(account="a", name="Ann Müller", email="ann@example.com")
SEVERITIES = ("1 (Urgent)", "2 (High)", "3 (Normal)", "4 (Low)")


def world(count: int = 20) -> list[Observation]:
    """Cases of every severity, a card each; the first is escalated and Ann's."""
    seen: list[Observation] = []
    for n in range(1, count + 1):
        number = f"{n:08}"
        created = NOW - timedelta(days=n)
        seen.append(
            portal_seen(
                number, severity=SEVERITIES[n % 4], created=created, updated=NOW,
                summary=f"Case <{n}>",
            )
        )  # fmt: skip
        assignee = ANN if n == 1 else None
        seen.append(card_seen(number, f"T5G-{n}", assignee=assignee, updated=NOW, created=created))
    seen.append(
        listing("00000001", Source.ESCALATION, Escalation(key="ESC-1", since=NOW), seen=NOW)
    )
    return seen
