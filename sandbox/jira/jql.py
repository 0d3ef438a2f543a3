"""A small JQL: parses a query into a filter and an order, and refuses the rest as JIRA does."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.jira.state import FINISHED, JiraIssue, JiraState, Refusal

Test = Callable[[JiraIssue], bool]
_TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(?P<op>!=|>=|<=|!~|[=<>~(),])'
    r"|(?P<word>[^\s\"'=<>!~(),]+))"
)
_RELATIVE = re.compile(r"(-?\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class Token:
    """A word, a quoted text or an operator."""

    kind: str
    text: str

    @property
    def word(self) -> str:
        """The word in lower case, "" for other tokens."""
        return self.text.casefold() if self.kind == "word" else ""


@dataclass(frozen=True)
class Search:
    """A query that was understood."""

    test: Test
    order: tuple[tuple[str, bool], ...]
    bounded: bool

    def run(self, issues: Iterable[JiraIssue]) -> list[JiraIssue]:
        """Return the issues that match, in order."""
        found = [issue for issue in issues if self.test(issue)]
        for name, descending in reversed(self.order):
            found.sort(key=lambda issue: _sort_key(issue, name), reverse=descending)
        return found


def parse(jql: str, state: JiraState, now: datetime) -> Search:
    """Read a query. Raises Refusal 400 with JIRA's kind of message."""
    return _Parser(jql, state, now).search()


class _Parser:
    def __init__(self, jql: str, state: JiraState, now: datetime) -> None:
        self.tokens = _tokens(jql)
        self.at = 0
        self.state = state
        self.now = now

    def search(self) -> Search:
        bounded = bool(self.tokens) and self.peek().word != "order"
        test: Test = self.either() if bounded else lambda _: True
        order = self.order()
        if self.at < len(self.tokens):
            raise self.wrong(f"Expecting either 'OR' or 'AND' but got '{self.peek().text}'.")
        return Search(test, order, bounded)

    def either(self) -> Test:
        tests = [self.both()]
        while self.peek().word == "or":
            self.take()
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda issue: any(t(issue) for t in tests)

    def both(self) -> Test:
        tests = [self.one()]
        while self.peek().word == "and":
            self.take()
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda issue: all(t(issue) for t in tests)

    def one(self) -> Test:
        if self.peek().word == "not":
            self.take()
            inner = self.one()
            return lambda issue: not inner(issue)
        if self.peek().text == "(":
            self.take()
            inner = self.either()
            self.expect(")")
            return inner
        return self.clause()

    def clause(self) -> Test:
        field = self.take().text.strip("\"'").casefold()
        if field not in _FIELDS:
            raise self.wrong(
                f"Field '{field}' does not exist or you do not have permission to view it."
            )
        operator = self.operator()
        if operator in ("is", "is not"):
            self.expect_word("empty", "null")
            return lambda issue: (not _FIELDS[field](self, issue)) == (operator == "is")
        values = self.values() if operator in ("in", "not in") else [self.value()]
        return self.compare(field, operator, values)

    def compare(self, field: str, operator: str, values: list[str]) -> Test:
        of = _FIELDS[field]
        if field in ("created", "updated"):
            return self.compare_time(field, operator, values[0])
        if field in ("key", "issuekey", "issue"):
            self.check_keys(values)
        if operator in ("~", "!~"):
            wanted = values[0].strip('"').casefold()
            return lambda issue: (
                (wanted in " ".join(of(self, issue)).casefold()) == (operator == "~")
            )
        if operator not in ("=", "!=", "in", "not in"):
            raise self.wrong(f"The operator '{operator}' is not supported by the '{field}' field.")
        folded = {value.casefold() for value in values}
        wants = operator in ("=", "in")
        return lambda issue: any(x.casefold() in folded for x in of(self, issue)) == wants

    def compare_time(self, field: str, operator: str, text: str) -> Test:
        limit = self.moment(text)
        tests: dict[str, Callable[[datetime], bool]] = {
            ">=": lambda at: at >= limit, ">": lambda at: at > limit,
            "<=": lambda at: at <= limit, "<": lambda at: at < limit,
        }  # fmt: skip
        if operator not in tests:
            raise self.wrong(f"The operator '{operator}' is not supported by the '{field}' field.")
        return lambda issue: tests[operator](getattr(issue, field))

    def moment(self, text: str) -> datetime:
        relative = _RELATIVE.fullmatch(text)
        if relative:
            delta = timedelta(**{_UNITS[relative.group(2)]: int(relative.group(1))})
            return (self.now + delta).replace(second=0, microsecond=0)
        for form in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
        raise self.wrong(
            f"Date value '{text}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
            "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period e.g. '-5d', '4w 2d'."
        )

    def check_keys(self, values: list[str]) -> None:
        known = self.state.issues.keys() | self.state.old_keys.keys()
        lost = [v for v in values if v not in known or self.hidden(v)]
        if lost:
            messages = [
                f"An issue with key '{key}' does not exist for field 'key'." for key in lost
            ]
            raise Refusal(400, *messages)

    def hidden(self, key: str) -> bool:
        issue = self.state.issues.get(self.state.old_keys.get(key, key))
        return issue is not None and issue.security is not None

    def operator(self) -> str:
        token = self.take()
        word = token.word
        if token.kind == "op":
            return token.text
        if word == "in":
            return "in"
        if word in ("not", "is"):
            follow = self.peek().word
            if (word, follow) in (("not", "in"), ("is", "not")):
                self.take()
                return f"{word} {follow}"
            if word == "is":
                return "is"
        raise self.wrong(f"Expecting operator but got '{token.text}'.")

    def values(self) -> list[str]:
        if self.peek().word == "opensprints":
            return self.function()
        self.expect("(")
        found = [self.value()]
        while self.peek().text == "," and self.peek().kind == "op":
            self.take()
            found.append(self.value())
        self.expect(")")
        return found

    def value(self) -> str:
        token = self.take()
        if token.kind == "op":
            raise self.wrong(f"Expecting a value but got '{token.text}'.")
        if token.kind == "text":
            return re.sub(r"\\(.)", r"\1", token.text[1:-1])
        return token.text

    def function(self) -> list[str]:
        self.take()
        self.expect("(")
        self.expect(")")
        return [str(s.id) for s in self.state.sprints.values() if s.state == "active"]

    def order(self) -> tuple[tuple[str, bool], ...]:
        if self.peek().word != "order":
            return ()
        self.take()
        self.expect_word("by")
        keys: list[tuple[str, bool]] = []
        while True:
            name = self.take().text.casefold()
            descending = self.peek().word == "desc"
            if self.peek().word in ("asc", "desc"):
                self.take()
            keys.append((name, descending))
            if self.peek().text != ",":
                return tuple(keys)
            self.take()

    def peek(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else Token("end", "")

    def take(self) -> Token:
        token = self.peek()
        if token.kind == "end":
            raise self.wrong("The query ends too soon.")
        self.at += 1
        return token

    def expect(self, text: str) -> None:
        if self.take().text != text:
            raise self.wrong(f"Expecting '{text}'.")

    def expect_word(self, *words: str) -> None:
        if self.take().word not in words:
            raise self.wrong(f"Expecting '{words[0]}'.")

    @staticmethod
    def wrong(message: str) -> Refusal:
        return Refusal(400, f"Error in the JQL Query: {message}")


def _tokens(jql: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    jql = jql.strip()
    while at < len(jql):
        match = _TOKEN.match(jql, at)
        if match is None:
            raise Refusal(400, f"Error in the JQL Query: unexpected character at {at + 1}.")
        kind = match.lastgroup or "op"
        found.append(Token(kind, match.group(kind)))
        at = match.end()
    return found


def _sprint(parser: _Parser, issue: JiraIssue) -> list[str]:
    sprint = parser.state.sprints.get(issue.sprint) if issue.sprint else None
    return [str(sprint.id), sprint.name] if sprint else []


def _category(_: _Parser, issue: JiraIssue) -> list[str]:
    if issue.status in FINISHED:
        return ["Done"]
    return ["To Do", "new"] if issue.status in ("New", "To Do") else ["In Progress"]


def _people(_: _Parser, issue: JiraIssue) -> list[str]:
    who = issue.assignee
    return [who.account_id, who.name, who.username, who.email] if who else []


_FIELDS: dict[str, Callable[[_Parser, JiraIssue], list[str]]] = {
    "project": lambda p, i: [i.project, p.state.projects[i.project].name],
    "labels": lambda p, i: list(i.labels),
    "status": lambda p, i: [i.status],
    "statuscategory": _category,
    "key": lambda p, i: [i.key],
    "issuekey": lambda p, i: [i.key],
    "issue": lambda p, i: [i.key],
    "id": lambda p, i: [i.id],
    "sprint": _sprint,
    "assignee": _people,
    "summary": lambda p, i: [i.summary],
    "text": lambda p, i: [i.summary, i.description],
    "issuetype": lambda p, i: [i.type],
    "type": lambda p, i: [i.type],
    "resolution": lambda p, i: [i.resolution] if i.resolution else ["Unresolved"],
    "priority": lambda p, i: [i.priority],
    "component": lambda p, i: list(i.components),
    "created": lambda p, i: [i.created.isoformat()],
    "updated": lambda p, i: [i.updated.isoformat()],
}


def _sort_key(issue: JiraIssue, name: str) -> tuple[int, str]:
    if name in ("key", "issuekey"):
        project, _, number = issue.key.rpartition("-")
        return int(number), project
    if name in ("created", "updated"):
        return 0, getattr(issue, name).isoformat()
    return 0, str(getattr(issue, name, ""))
