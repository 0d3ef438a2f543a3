"""Lets the world live: one plausible thing at a time, in whichever of the three servers it belongs.

Each thing that happens is told in a sentence. What can not happen now (nothing to close, nobody to
assign) is not told and something else happens instead.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from sandbox.bugzilla.state import STATUSES, SandboxBug
from sandbox.cardmaking import card_summary, link_case, priority_of
from sandbox.casemaking import Shape, case_facts
from sandbox.jira.state import FINISHED, JiraIssue
from sandbox.portal.state import CUSTOMER, WAITING_CUSTOMER, WAITING_RED_HAT, SupportCase
from sandbox.portal.words import severity_word
from sandbox.scene import (
    DEFECT_STATUSES,
    LABEL,
    OPEN_STATUSES,
    PROJECT,
    VERSIONS,
    Engineer,
    World,
)
from sandbox.trackers import file_escalation

Happening = Callable[[], str | None]
_TRIES: Final = 60
_HISTORY: Final = 200
_MARKS: Final = ("PotentialEscalation", "Daily_Telco_OCP", "Trends")


class Life:
    """What happens in a world. The same world and generator live the same life."""

    def __init__(self, world: World, rng: random.Random | None = None) -> None:
        self._world = world
        self._rng = rng or random.Random(world.seed + 1)
        self.history: deque[str] = deque(maxlen=_HISTORY)
        self._places = 10_000
        self._happenings: dict[Happening, int] = {
            self.open_case: 8,
            self.close_case: 10,
            self.reopen_case: 2,
            self.raise_severity: 5,
            self.lower_severity: 2,
            self.customer_comments: 10,
            self.associate_answers: 9,
            self.make_card: 5,
            self.move_card: 16,
            self.assign_card: 6,
            self.comment_on_card: 10,
            self.mark_card: 4,
            self.file_escalation: 3,
            self.close_escalation: 3,
            self.change_bug: 5,
            self.change_defect: 7,
        }

    def step(self) -> str:
        """Let one thing happen; say what it was."""
        names, weights = list(self._happenings), list(self._happenings.values())
        for _ in range(_TRIES):
            told = self._rng.choices(names, weights)[0]()
            if told:
                self.history.append(told)
                return told
        return "Nothing happens"

    async def run(self, interval: float, tell: Callable[[str], None] = lambda told: None) -> None:
        """Let something happen every `interval` seconds or so, until cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5) * interval)
            tell(self.step())

    # cases

    def open_case(self) -> str | None:
        """A customer opens a case."""
        world, severity = self._world, self._rng.choices((1, 2, 3, 4), (10, 25, 45, 20))[0]
        self._places += 1
        facts = case_facts(world, Shape(self._places, severity, WAITING_RED_HAT, 0.0))
        case = world.portal.add_case(world.next_number(), severity=severity, **facts)
        return f"{case.account_name} opens case {_named(case)}"

    def close_case(self) -> str | None:
        """A case is closed, and its card with it."""
        case = self._some_case(self._old_enough)
        if case is None:
            return None
        self._world.portal.close_case(case.number)
        card = self._card_of(case)
        if card is not None and card.status not in FINISHED:
            self._world.jira.transition(card.key, "Done", self._somebody().jira)
        return f"Case {case.number} is closed"

    def reopen_case(self) -> str | None:
        """The customer was not happy with the solution."""
        closed = [case for case in self._world.portal.cases.values() if case.is_closed]
        if not closed:
            return None
        case = max(self._rng.sample(closed, min(5, len(closed))), key=lambda one: one.modified)
        self._world.portal.reopen_case(case.number)
        return f"Case {case.number} is opened again"

    def raise_severity(self) -> str | None:
        """A case becomes more severe."""
        return self._shift_severity(-1, "rises")

    def lower_severity(self) -> str | None:
        """A case becomes less severe."""
        return self._shift_severity(1, "falls")

    def _shift_severity(self, by: int, verb: str) -> str | None:
        case = self._some_case(
            lambda case: isinstance(case.severity, int) and 1 <= case.severity + by <= 4
        )
        if case is None or not isinstance(case.severity, int):
            return None
        self._world.portal.update_case(case.number, severity=case.severity + by)
        return f"Case {case.number} {verb} to severity {severity_word(case.severity)}"

    def customer_comments(self) -> str | None:
        """The customer writes: our turn."""
        case = self._some_case()
        if case is None:
            return None
        portal, text = self._world.portal, self._world.words.customer_comment(self._rng)
        portal.add_comment(case.number, case.contact or "Customer", text, kind=CUSTOMER)
        portal.update_case(case.number, status=WAITING_RED_HAT)
        return f"The customer comments on case {case.number}"

    def associate_answers(self) -> str | None:
        """We write: the customer's turn."""
        case = self._some_case(lambda case: case.status == WAITING_RED_HAT)
        if case is None:
            return None
        portal, author = self._world.portal, self._somebody()
        portal.add_comment(case.number, author.name, self._world.words.associate_comment(self._rng))
        portal.update_case(case.number, status=WAITING_CUSTOMER)
        return f"{author.name} answers on case {case.number}"

    # cards

    def make_card(self) -> str | None:
        """Somebody makes a card for a case that has none."""
        tracked = self._tracked()
        case = self._some_case(lambda case: case.number not in tracked)
        if case is None:
            return None
        author = self._somebody()
        card = self._world.jira.create_issue(
            PROJECT,
            card_summary(case),
            priority=priority_of(case),
            reporter=author.jira,
            labels=(LABEL,),
            sprint=self._world.sprint,
        )
        link_case(self._world, card.key, case.number)
        self._world.cards[case.number] = card.key
        return f"{author.name} makes card {card.key} for case {case.number}"

    def move_card(self) -> str | None:
        """A card moves to a status near its own."""
        card = self._some_card()
        if card is None:
            return None
        status = self._next_status(card.status)
        self._world.jira.transition(card.key, status, self._somebody().jira)
        return f"Card {card.key} moves to {status}"

    def assign_card(self) -> str | None:
        """Somebody else takes a card, or gives it back."""
        card = self._some_card()
        if card is None:
            return None
        taker = self._somebody() if card.assignee is None or self._rng.random() < 0.8 else None
        if taker is not None and taker.jira == card.assignee:
            return None
        self._world.jira.update_issue(
            card.key,
            (taker or self._somebody()).jira,
            assignee=taker.jira if taker else None,
        )
        return f"{taker.name} takes card {card.key}" if taker else f"Card {card.key} is unassigned"

    def comment_on_card(self) -> str | None:
        """Somebody of the team writes on a card."""
        card, author = self._some_card(), self._somebody()
        if card is None:
            return None
        text = self._world.words.card_comment(self._rng)
        self._world.jira.add_comment(card.key, author.jira, text)
        return f"{author.name} comments on card {card.key}"

    def mark_card(self) -> str | None:
        """A card gets or loses one of the labels that mean something."""
        card, mark = self._some_card(), self._rng.choice(_MARKS)
        if card is None:
            return None
        had = mark in card.labels
        labels = [one for one in card.labels if one != mark] if had else [*card.labels, mark]
        self._world.jira.update_issue(card.key, self._somebody().jira, labels=labels)
        return f"Card {card.key} {'loses' if had else 'gets'} the label {mark}"

    # escalations, bugs, defects

    def file_escalation(self) -> str | None:
        """A case is escalated."""
        escalated = {number for named in self._world.escalations.values() for number in named}
        case = self._some_case(lambda case: case.number not in escalated)
        if case is None:
            return None
        place = self._rng.randrange(4)
        issue = file_escalation(self._world, [case], place, silent=False)
        return f"Case {case.number} is escalated with {issue.key}"

    def close_escalation(self) -> str | None:
        """An escalation is over."""
        jira, escalations = self._world.jira, self._world.escalations
        known = [key for key in escalations if key in jira.issues]
        if len(known) < 3:
            return None
        key = self._rng.choice(known)
        jira.transition(key, "Closed", self._somebody().jira)
        del escalations[key]
        return f"Escalation {key} is closed"

    def change_bug(self) -> str | None:
        """A bug moves on, or gets the release in which it will be fixed."""
        bugs = [bug for bug in self._world.bugzilla.bugs.values() if bug.is_open]
        return self._change(self._rng.choice(bugs)) if bugs else None

    def _change(self, bug: SandboxBug) -> str:
        if bug.target_release == ["---"]:
            release = f"{self._rng.choice(VERSIONS)}.z"
            self._world.bugzilla.update_bug(bug.id, target_release=[release])
            return f"Bug {bug.id} is targeted at {release}"
        status = STATUSES[STATUSES.index(bug.status) + 1]
        self._world.bugzilla.update_bug(bug.id, status=status)
        return f"Bug {bug.id} moves to {status}"

    def change_defect(self) -> str | None:
        """A defect moves on, or gets the version in which it will be fixed."""
        jira, actor = self._world.jira, self._somebody().jira
        keys = [key for key in self._world.defects if key in jira.issues]
        if not keys:
            return None
        issue = jira.issues[self._rng.choice(keys)]
        if not issue.fix_versions:
            version = f"{self._rng.choice(VERSIONS)}.z"
            jira.update_issue(issue.key, actor, fix_versions=(version,))
            return f"Defect {issue.key} will be fixed in {version}"
        place = DEFECT_STATUSES.index(issue.status) if issue.status in DEFECT_STATUSES else 0
        status = DEFECT_STATUSES[(place + 1) % len(DEFECT_STATUSES)]
        jira.transition(issue.key, status, actor)
        return f"Defect {issue.key} moves to {status}"

    # choosing

    def _somebody(self) -> Engineer:
        return self._rng.choice(self._world.engineers)

    def _some_case(
        self, fits: Callable[[SupportCase], bool] = lambda case: True
    ) -> SupportCase | None:
        cases = [case for case in self._world.open_cases() if fits(case)]
        return self._rng.choice(cases) if cases else None

    def _old_enough(self, case: SupportCase) -> bool:
        return self._world.portal.now() - case.created > timedelta(hours=1)

    def _some_card(self) -> JiraIssue | None:
        """A card of an open case, as long as people left it where it was."""
        cards = [self._card_of(case) for case in self._world.open_cases()]
        found = [card for card in cards if card is not None]
        return self._rng.choice(found) if found else None

    def _card_of(self, case: SupportCase) -> JiraIssue | None:
        return self._world.jira.issues.get(self._world.cards.get(case.number, ""))

    def _tracked(self) -> set[str]:
        """Numbers of the cases that have a card, whoever made it."""
        issues = self._world.jira.issues.values()
        return set(self._world.cards) | {
            issue.summary[:8] for issue in issues if issue.project == PROJECT
        }

    def _next_status(self, status: str) -> str:
        if status not in OPEN_STATUSES or self._rng.random() < 0.2:
            others = [one for one in OPEN_STATUSES if one != status]
            return self._rng.choice(others)
        place = OPEN_STATUSES.index(status)
        return OPEN_STATUSES[(place + 1) % len(OPEN_STATUSES)]


def _named(case: SupportCase) -> str:
    return f"{case.number} ({severity_word(case.severity)})"
