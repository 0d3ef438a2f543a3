"""A small JIRA that turns a list of actions into the events it would send, and tells the truth.

For property tests: any list of steps is a valid history. Each step names what it does to which of
a few issues; what is not possible (commenting on a deleted card) does nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests import making_jira as making

NUMBERS = ("01234567", "07654321")
LABEL = "field-support"
ESCALATION_LABEL = "t5g-escalation"
CASES_FIELD = "customfield_10979"
STATUSES = ("New", "Open", "In Progress", "Done")

Payload = dict[str, Any]


@dataclass
class Ticket:
    """An issue as it is now. `comments` by id: (body, minute written, minute edited)."""

    id: str
    key: str
    summary: str
    labels: list[str]
    status: str = "New"
    cases: tuple[str, ...] = ()
    deleted: bool = False
    updated: float = 0
    comments: dict[str, tuple[str, float, float]] = field(default_factory=dict)

    def payload(self) -> Payload:
        """The full issue, as a webhook shows it."""
        fields: Payload = {"summary": self.summary, "status": self.status, "labels": [*self.labels]}
        if self.cases:
            fields[CASES_FIELD] = ", ".join(self.cases)
        return making.issue(self.key, minutes=self.updated, id=self.id, **fields)


class SmallJira:
    """Two cards, two escalations and a defect, with a clock that moves a minute a step."""

    def __init__(self, *, cloud: bool) -> None:
        self.cloud = cloud
        self.minute = 0.0
        self.tickets: dict[str, Ticket] = {}
        self.comment_ids = 500
        self.moves = 0

    def play(self, steps: Iterable[tuple[str, str, int]]) -> list[Payload]:
        """Do all steps; return the events in the order in which they happened."""
        return [event for step in steps for event in self.step(*step)]

    def step(self, action: str, name: str, choice: int) -> list[Payload]:
        """Do one step on the ticket `name`."""
        self.minute += 1
        ticket = self.tickets.get(name)
        if ticket is None:
            return [self._create(name, choice)]
        if ticket.deleted:
            return []
        return list(getattr(self, f"_{action}")(ticket, choice))

    def _create(self, name: str, choice: int) -> Payload:
        number = len(self.tickets) + 1
        project, label = {"c": ("T5G", LABEL), "e": ("ESC", ESCALATION_LABEL)}.get(
            name[0], ("OCPBUGS", "bug")
        )
        ticket = Ticket(
            id=DEFECT_ID if name == "d1" else f"9{number:04d}",
            key=DEFECT_KEY if name == "d1" else f"{project}-{number}",
            summary=f"{NUMBERS[choice % 2]}: It broke" if name[0] == "c" else "It broke",
            labels=[label] if choice % 4 else [],
            cases=_cases(choice) if name[0] == "e" else (),
            updated=self.minute,
        )
        self.tickets[name] = ticket
        return self._event("created", ticket)

    def _move_status(self, ticket: Ticket, choice: int) -> Iterator[Payload]:
        before, ticket.status = ticket.status, STATUSES[choice % len(STATUSES)]
        yield self._changed(ticket, making.change("status", before, ticket.status))

    def _relabel(self, ticket: Ticket, choice: int) -> Iterator[Payload]:
        ours = ESCALATION_LABEL if ticket.key.startswith("ESC") else LABEL
        before = " ".join(ticket.labels)
        ticket.labels = [] if ours in ticket.labels else [ours]
        yield self._changed(ticket, making.change("labels", before, " ".join(ticket.labels)))

    def _renumber(self, ticket: Ticket, choice: int) -> Iterator[Payload]:
        if ticket.key.startswith("ESC"):
            before, ticket.cases = ", ".join(ticket.cases), _cases(choice)
            item = making.change("Cases", before, ", ".join(ticket.cases), fieldId=CASES_FIELD)
        else:
            before, ticket.summary = ticket.summary, f"{NUMBERS[choice % 2]}: It broke again"
            item = making.change("summary", before, ticket.summary)
        yield self._changed(ticket, item)

    def _move_project(self, ticket: Ticket, choice: int) -> Iterator[Payload]:
        self.moves += 1
        home = ticket.key.rpartition("-")[0]
        target = "ELSE" if home in ("T5G", "ESC", "OCPBUGS") else _home(self, ticket)
        before, ticket.key = ticket.key, f"{target}-{100 + self.moves}"
        yield self._changed(
            ticket,
            making.change("project", home, target),
            making.change("Key", before, ticket.key, fieldId=None),
        )

    def _delete(self, ticket: Ticket, choice: int) -> Iterator[Payload]:
        if choice % 3:
            return
        ticket.deleted = True
        yield self._event("deleted", ticket)

    def _comment(self, ticket: Ticket, choice: int) -> Iterator[Payload]:
        self.comment_ids += 1
        ticket.comments[str(self.comment_ids)] = (f"note {choice}", self.minute, self.minute)
        yield from self._comment_events("created", ticket, str(self.comment_ids))

    def _edit_comment(self, ticket: Ticket, choice: int) -> Iterator[Payload]:
        if not ticket.comments:
            return
        id = list(ticket.comments)[choice % len(ticket.comments)]
        ticket.comments[id] = (f"edited {choice}", ticket.comments[id][1], self.minute)
        yield from self._comment_events("updated", ticket, id)

    def _delete_comment(self, ticket: Ticket, choice: int) -> Iterator[Payload]:
        if not ticket.comments:
            return
        id = list(ticket.comments)[choice % len(ticket.comments)]
        said = self._said(ticket, id)
        del ticket.comments[id]
        yield from self._comment_events("deleted", ticket, id, said)

    def _comment_events(
        self, verb: str, ticket: Ticket, id: str, said: Payload | None = None
    ) -> Iterator[Payload]:
        said = said or self._said(ticket, id)
        if self.cloud:
            issue = making.partial(ticket.payload())
            yield making.event(f"comment_{verb}", self.minute, comment=said, issue=issue)
            return
        yield making.event(f"comment_{verb}", self.minute, comment=said)
        kind = {"created": "issue_commented", "updated": "issue_comment_edited"}.get(
            verb, "issue_comment_deleted"
        )
        issue = self._payload(ticket)
        parts = {"comment": said} if verb != "deleted" else {}
        yield making.event(
            "jira:issue_updated", self.minute, issue=issue, issue_event_type_name=kind, **parts
        )

    def _said(self, ticket: Ticket, id: str) -> Payload:
        body, written, edited = ticket.comments[id]
        return making.comment(id, body, minutes=written, edited=edited, issue_id=ticket.id)

    def _changed(self, ticket: Ticket, *items: Payload) -> Payload:
        ticket.updated = self.minute
        return self._event("updated", ticket, *items)

    def _event(self, verb: str, ticket: Ticket, *items: Payload) -> Payload:
        issue = self._payload(ticket)
        return making.event(f"jira:issue_{verb}", self.minute, *items, issue=issue)

    def _payload(self, ticket: Ticket) -> Payload:
        """Data Center's issues carry their comments."""
        issue = ticket.payload()
        if not self.cloud:
            rows = self.comments_of(ticket)
            issue["fields"]["comment"] = {"comments": rows, "total": len(rows), "startAt": 0}
        return issue

    def comments_of(self, ticket: Ticket) -> list[Payload]:
        """All comments of a ticket, as JIRA shows them."""
        return [self._said(ticket, id) for id in ticket.comments]


DEFECT_ID, DEFECT_KEY = "77001", "OCPBUGS-7"


def _home(jira: SmallJira, ticket: Ticket) -> str:
    name = next(name for name, found in jira.tickets.items() if found is ticket)
    return {"c": "T5G", "e": "ESC"}.get(name[0], "OCPBUGS")


def _cases(choice: int) -> tuple[str, ...]:
    return ((NUMBERS[0],), (NUMBERS[1],), NUMBERS)[choice % 3]


ACTIONS = (
    "move_status", "relabel", "renumber", "move_project", "delete", "comment", "edit_comment",
    "delete_comment",
)  # fmt: skip
STEPS = st.lists(
    st.tuples(
        st.sampled_from((*ACTIONS, "comment", "comment", "move_status")),
        st.sampled_from(("c1", "c1", "c2", "e1", "e2", "d1")),
        st.integers(0, 11),
    ),
    min_size=1,
    max_size=25,
)
