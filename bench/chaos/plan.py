"""What goes wrong when: drawn from a seed, pure, so that a run can be had again.

Every kind comes once before any comes twice. What a disaster does is in `disasters`.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sandbox.faults import Kind


class What(StrEnum):
    """Kinds of disasters."""

    KILL = "killed"
    RESTART = "told to end"
    FREEZE = "frozen"
    KILL_HORSE = "its job killed"
    REDIS_KILL = "Redis killed"
    REDIS_RESTART = "Redis restarted"
    REDIS_FREEZE = "Redis frozen"
    REDIS_NO_MEMORY = "Redis out of memory"
    REDIS_NO_DISK = "Redis on a full disk"
    UPSTREAM = "upstream"
    REVOKE = "tokens revoked"
    LOSE_EVENTS = "events of JIRA lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Disaster:
    """One thing that goes wrong: `at` seconds after the beginning, for `seconds`."""

    at: float
    what: What
    target: str = ""
    seconds: float = 0.0
    how: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The words under which it is told and counted."""
        return f"{self.target} {self.how.get('name') or self.what.value}".strip()

    def __str__(self) -> str:
        return f"{self.at:6.1f} s  {self.kind}" + (
            f", {self.seconds:.1f} s" if self.seconds else ""
        )


UPSTREAMS: Final = ("portal", "jira", "bugzilla", "slack")
#: How long what lasts may last, in seconds.
BRIEF, LONG = (0.5, 2.0), (1.0, 4.0)

#: A fault of an upstream: with which it is done, and with what fields.
FAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "slow": {"kind": Kind.LATENCY, "seconds": 0.6},
    "silent": {"kind": Kind.HANG, "seconds": 6.0, "every": 2},
    "broken": {"kind": Kind.STATUS, "status": 500, "every": 2},
    "throttling": {"kind": Kind.THROTTLE, "retry_after": "1", "every": 2},
    "behind a firewall": {"kind": Kind.DENY, "every": 3},
    "down": {"kind": Kind.DOWN},
    "hanging up": {"kind": Kind.DROP, "every": 2},
    "losing answers": {"kind": Kind.LOSE_ANSWER, "every": 2},
    "cutting answers": {"kind": Kind.TRUNCATE, "every": 2},
    "refusing tokens": {"kind": Kind.REFUSE_TOKEN, "every": 3},
    "lying: a page for people": {"kind": Kind.STATUS, "status": 200, "every": 2,
                                 "body": "<html><body>Please log in</body></html>"},
    "lying: nothing": {"kind": Kind.STATUS, "status": 200, "every": 2, "body": "{}"},
    "lying: an empty list": {"kind": Kind.STATUS, "status": 200, "every": 3, "body": "[]"},
    "lying: an error as 200": {"kind": Kind.STATUS, "status": 200, "every": 2,
                               "body": '{"errors": [{"message": "no"}], "data": null}'},
}  # fmt: skip
#: The last answer once more, to reads only: of a write it would be another one's success.
REPEATED: Final = {"portal": {"kind": Kind.REPEAT, "method": "GET", "every": 3},
                   "bugzilla": {"kind": Kind.REPEAT, "method": "GET", "every": 3}}  # fmt: skip


def draw(seed: int, seconds: float, count: int) -> tuple[Disaster, ...]:
    """Draw so many disasters over the time, in order."""
    rng = random.Random(seed)
    chosen: list[Disaster] = []
    while len(chosen) < count:
        each = _each(rng)
        rng.shuffle(each)
        chosen += each[: count - len(chosen)]
    step = seconds / max(1, count)
    moments = [step * (place + rng.random()) for place in range(count)]
    placed = [
        Disaster(at=round(at, 2), what=one.what, target=one.target, seconds=one.seconds,
                 how=one.how)
        for at, one in zip(moments, chosen, strict=True)
    ]  # fmt: skip
    return tuple(sorted(placed, key=lambda one: one.at))


def _each(rng: random.Random) -> list[Disaster]:
    """One disaster of each kind, with drawn targets and lengths."""

    def lasting(span: Sequence[float]) -> float:
        return round(rng.uniform(*span), 2)

    found = [Disaster(at=0, what=What.KILL, target=one) for one in ("web", "worker", "scheduler")]
    found += [
        Disaster(at=0, what=What.RESTART, target=rng.choice(("web", "worker", "scheduler"))),
        Disaster(at=0, what=What.FREEZE, target="web", seconds=lasting(LONG)),
        Disaster(at=0, what=What.FREEZE, target="worker", seconds=lasting(LONG)),
        *(Disaster(at=0, what=What.KILL_HORSE, target="worker") for _ in range(3)),
        Disaster(at=0, what=What.REDIS_KILL),
        Disaster(at=0, what=What.REDIS_RESTART),
        Disaster(at=0, what=What.REDIS_FREEZE, seconds=lasting(LONG)),
        Disaster(at=0, what=What.REDIS_NO_MEMORY, seconds=lasting(BRIEF)),
        Disaster(at=0, what=What.REDIS_NO_DISK, seconds=lasting(BRIEF)),
        Disaster(at=0, what=What.REVOKE, target="portal"),
        Disaster(at=0, what=What.LOSE_EVENTS, target="jira", seconds=lasting(LONG)),
    ]
    names = list(FAULTS)
    rng.shuffle(names)
    for place, name in enumerate(names):
        found.append(_of_upstream(UPSTREAMS[place % len(UPSTREAMS)], name, lasting(LONG)))
    for target, how in REPEATED.items():
        found.append(
            Disaster(at=0, what=What.UPSTREAM, target=target, seconds=lasting(LONG),
                     how={"name": "lying: the same again", **how})
        )  # fmt: skip
    return found


def _of_upstream(target: str, name: str, seconds: float) -> Disaster:
    return Disaster(
        at=0, what=What.UPSTREAM, target=target, seconds=seconds,
        how={"name": name, **FAULTS[name]},
    )  # fmt: skip
