"""Turns the tree of a query into a test of issues, and says where to look for them. Pure.

JIRA's own trap is kept: `!=`, `not in` and `!~` never find issues that have nothing there.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.jira.index import Group
from sandbox.jira.jql.dates import moment
from sandbox.jira.jql.fields import Askable, askable, people
from sandbox.jira.jql.syntax import Both, Clause, Either, Node, Not, Operand, wrong
from sandbox.jira.jql.words import text_match
from sandbox.jira.model import JiraIssue, JiraUser, Refusal
from sandbox.jira.state import JiraState

Test = Callable[[JiraIssue], bool]
EQUALS: Final = ("=", "!=", "in", "not in", "is", "is not")
OPERATORS: Final = {
    "words": EQUALS,
    "key": (*EQUALS, "<", ">", "<=", ">="),
    "text": ("~", "!~", "is", "is not"),
    "date": ("=", "!=", "<", ">", "<=", ">=", "is", "is not"),
}
SPRINTS: Final = {"opensprints": "active", "futuresprints": "future", "closedsprints": "closed"}
_COMPARE: Final[dict[str, Callable[[object, object], bool]]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}


@dataclass(frozen=True)
class Asking:
    """Who asks what, when."""

    state: JiraState
    now: datetime
    who: JiraUser | None

    def test(self, node: Node) -> Test:
        """Return the test. Raises Refusal 400 for fields, operators and values JIRA refuses."""
        match node:
            case Not(inner):
                test = self.test(inner)
                return lambda issue: not test(issue)
            case Both(parts):
                tests = [self.test(part) for part in parts]
                return lambda issue: all(one(issue) for one in tests)
            case Either(parts):
                tests = [self.test(part) for part in parts]
                return lambda issue: any(one(issue) for one in tests)
            case Clause():
                return self._clause(node)

    def _clause(self, clause: Clause) -> Test:
        field = askable(self.state, clause.field)
        if clause.operator not in OPERATORS[field.kind]:
            raise wrong(
                f"The operator '{clause.operator}' is not supported by the '{field.name}' field."
            )
        state = self.state
        if clause.operator in ("is", "is not"):
            wants = clause.operator == "is"
            return lambda issue: (not any(field.words(state, issue))) == wants
        if field.kind == "date":
            return self._date(field, clause)
        if field.kind == "text":
            return self._text(field, clause)
        if clause.operator in _COMPARE and clause.operator not in ("=", "!="):
            return self._order(clause)
        return self._words(field, clause)

    def _date(self, field: Askable, clause: Clause) -> Test:
        compare, at = _COMPARE[clause.operator], field.at
        limit = moment(clause.operands[0], field.name, self.now)
        assert at is not None, "dates have a moment"
        return lambda issue: (found := at(issue)) is not None and compare(found, limit)

    def _text(self, field: Askable, clause: Clause) -> Test:
        match, wants, state = (
            text_match(clause.operands[0].text, field.name), clause.operator == "~", self.state,
        )  # fmt: skip

        def test(issue: JiraIssue) -> bool:
            texts = list(field.words(state, issue))
            return bool(texts) and any(match(text) for text in texts) == wants

        return test

    def _order(self, clause: Clause) -> Test:
        """Keys before or after another one of the same project."""
        compare, text = _COMPARE[clause.operator], clause.operands[0].text.upper()
        project, _, number = text.rpartition("-")
        if not number.isdigit():
            raise wrong(f"The issue key '{text}' for field 'key' is invalid.")
        limit = int(number)
        return lambda issue: issue.project == project and compare(issue.number, limit)

    def _words(self, field: Askable, clause: Clause) -> Test:
        texts, empty = self._values(field, clause.operands)
        wanted = frozenset(text.casefold() for text in texts)
        wants, state = clause.operator in ("=", "in"), self.state

        def test(issue: JiraIssue) -> bool:
            words = list(field.words(state, issue))
            if not words:
                return wants and empty
            return any(word.casefold() in wanted for word in words) == wants

        return test

    def _values(self, field: Askable, operands: Sequence[Operand]) -> tuple[list[str], bool]:
        """The words asked for, and whether EMPTY is among them."""
        found: list[str] = []
        empty = False
        for operand in operands:
            if operand.kind == "empty" or _unresolved(field, operand):
                empty = True
            elif operand.kind == "function":
                found += self._function(field, operand)
            else:
                found.append(operand.text)
        if field.kind == "key":
            return self._keys(found), empty
        self._check(field, found)
        return found, empty

    def _function(self, field: Askable, operand: Operand) -> list[str]:
        name = operand.text.casefold()
        if name in SPRINTS and field.name == "sprint":
            return [str(s.id) for s in self.state.sprints.values() if s.state == SPRINTS[name]]
        if name == "currentuser" and field.name in ("assignee", "reporter", "watcher"):
            return people(self.who)[:1]
        raise wrong(
            f"Unable to find JQL function '{operand.text}({', '.join(operand.arguments)})'."
        )

    def _check(self, field: Askable, texts: Iterable[str]) -> None:
        if field.known is None:
            return
        known = {word.casefold() for word in field.known(self.state)}
        missing = [text for text in texts if text.casefold() not in known]
        if missing and field.name == "sprint":
            kind = "id" if missing[0].isdigit() else "name"
            raise wrong(
                f"Sprint with {kind} '{missing[0]}' does not exist or you do not have permission "
                "to view it."
            )
        if missing:
            text = f"The value '{missing[0]}' does not exist for the field '{field.name}'."
            raise Refusal(400, text)

    def _keys(self, texts: Iterable[str]) -> list[str]:
        """The ids of the issues with these keys. One that is not there spoils the query."""
        ids, lost = [], []
        for text in texts:
            try:
                issue = self.state.issue(text)
            except Refusal:
                issue = None
            if issue is None or issue.security is not None:
                lost.append(f"An issue with key '{text}' does not exist for field 'key'.")
            else:
                ids.append(issue.id)
        if lost:
            raise Refusal(400, *lost)
        return ids


def groups_for(state: JiraState, node: Node) -> list[Group] | None:
    """Return groups of issues among which all are that may pass; None: look at all of them."""
    match node:
        case Both(parts):
            found = [groups for part in parts if (groups := groups_for(state, part)) is not None]
            return min(found, key=lambda groups: sum(map(len, groups)), default=None)
        case Either(parts):
            each = [groups_for(state, part) for part in parts]
            if any(groups is None for groups in each):
                return None
            return [group for groups in each for group in groups or ()]
        case Clause(field, "=" | "in", operands):
            return _groups(state, field.casefold(), operands)
        case _:
            return None


def _groups(state: JiraState, field: str, operands: Sequence[Operand]) -> list[Group] | None:
    if any(operand.kind != "text" for operand in operands):
        return None
    texts = [operand.text for operand in operands]
    index = state.index
    match field:
        case "project":
            wanted = {text.casefold() for text in texts}
            return [
                index.projects[home.key]
                for home in state.projects.values()
                for words in [(home.key, home.name, home.id, *home.old_keys)]
                if any(word.casefold() in wanted for word in words)
            ]
        case "labels" | "label":
            return [index.labels[text.casefold()] for text in texts]
        case "sprint":
            numbers = [
                sprint.id
                for sprint in state.sprints.values()
                if {str(sprint.id), sprint.name.casefold()} & {text.casefold() for text in texts}
            ]
            return [index.sprints[number] for number in numbers]
        case "key" | "issuekey" | "issue" | "id":
            return [{issue.id: issue} for text in texts for issue in _known(state, text)]
        case _:
            return None


def _known(state: JiraState, key: str) -> list[JiraIssue]:
    try:
        return [state.issue(key)]
    except Refusal:
        return []


def _unresolved(field: Askable, operand: Operand) -> bool:
    return field.name == "resolution" and operand.text.casefold() == "unresolved"
