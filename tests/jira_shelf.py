"""Store and board in memory, for tests of what events mean: no Redis, the same joining."""

from collections.abc import Iterable

import msgspec

from t5g.assembly import assemble
from t5g.derived import Entry, Rules
from t5g.jira_decisions import Decision, decide
from t5g.jira_events import Event, read_event
from t5g.jira_projects import Projects
from t5g.model import Case, Source
from t5g.references import refs
from t5g.settings import Settings
from t5g.state import Observation, State, join, source_of
from t5g.store import CaseFields
from t5g.syncs import Sync
from tests.making import NOW
from tests.making_jira import body_of

SETTINGS = Settings(_env_file=None)


class Shelf:
    """The states of each case, and a board made from them."""

    def __init__(self) -> None:
        self.states: dict[str, dict[Source, State]] = {}
        self._entries: dict[str, Entry] = {}
        self.resyncs: set[Sync] = set()

    def write(self, observations: Iterable[Observation]) -> None:
        for observation in observations:
            states = self.states.setdefault(observation.number, {})
            source = source_of(observation)
            states[source] = join(states.get(source), observation)
            case = assemble(CaseFields(observation.number, states), Rules())
            if case is not None:
                self._entries[observation.number] = Entry(case, Rules())

    @property
    def entries(self) -> dict[str, Entry]:
        return self._entries

    def get(self, number: str) -> Entry | None:
        return self._entries.get(number)

    def _by(self, ref: tuple[str, str]) -> set[str]:
        return {number for number, entry in self._entries.items() if ref in refs(entry)}

    def by_card(self, key: str) -> set[str]:
        return self._by(("card", key))

    def by_issue(self, key: str) -> set[str]:
        return self._by(("issue", key))

    def by_escalation(self, key: str) -> set[str]:
        return self._by(("escalation", key))

    def by_jira_id(self, issue_id: str) -> set[str]:
        return self._by(("id", issue_id))

    def seen(self) -> dict[str, Case]:
        """What a person could see of each case."""
        return {
            number: msgspec.structs.replace(
                entry.case,
                comments={
                    card.key: entry.case.comments[card.key]
                    for card in entry.case.cards
                    if entry.case.comments.get(card.key)
                },
            )
            for number, entry in sorted(self._entries.items())
        }

    def apply(
        self, payload: object, settings: Settings = SETTINGS, projects: Projects | None = None
    ) -> Decision:
        """Do what an event says; return what was decided."""
        event = read_event(body_of(payload), {}, received=NOW)
        assert isinstance(event, Event), event
        decision = decide(event, self, settings, projects or Projects.of(settings))
        self.write(decision.observations)
        self.resyncs |= set(decision.resyncs)
        return decision
