"""Reads the text of a JQL query into a tree. Pure; it knows no field.

Raises Refusal 400 with JIRA's kind of message, which tells the place of the mistake.
"""

import re
from dataclasses import dataclass
from typing import Final

from sandbox.jira.model import Refusal

OPERATORS: Final = "'=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'"
COMPARISONS: Final = frozenset({"=", "!=", "<", ">", "<=", ">=", "~", "!~"})
RESERVED: Final = frozenset({
    "and", "or", "not", "in", "is", "was", "changed", "by", "order", "asc", "desc", "empty", "null",
    "on", "before", "after", "during", "from", "to", "add", "delete", "select", "where", "cf",
    "distinct", "group", "having", "limit", "like", "table", "update", "union", "values", "view",
})  # fmt: skip
_TOKEN: Final = re.compile(
    r"\s*(?:"
    r'(?P<text>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')'
    r"|(?P<op>!=|>=|<=|!~|&&?|\|\|?|[=<>~(),!])"
    r"|(?P<word>cf\[\d+\]|[^\s\"'=<>!~(),\[\]{}*/%+^$#@?;|&\\]+)"
    r"|(?P<bad>.))",
    re.DOTALL,
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}
_ALIASES: Final = {"&": "and", "&&": "and", "|": "or", "||": "or", "!": "not"}


@dataclass(frozen=True)
class Operand:
    """A value: a text, a function's name with its arguments, or nothing (`EMPTY`)."""

    text: str
    kind: str = "text"
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clause:
    """A field, an operator and what it is compared with."""

    field: str
    operator: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Not:
    """The opposite."""

    inner: "Node"


@dataclass(frozen=True)
class Both:
    """All of them."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Either:
    """One of them."""

    parts: tuple["Node", ...]


Node = Clause | Not | Both | Either


@dataclass(frozen=True)
class Order:
    """A field to sort by."""

    field: str
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """A query that was read; `where` is None if it restricts nothing."""

    where: Node | None
    order: tuple[Order, ...]


@dataclass(frozen=True)
class Token:
    """A word, a quoted text, an operator, or the end; and where it begins."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The keyword it is, in lower case; "" for everything else."""
        if self.kind == "op":
            return _ALIASES.get(self.text, "")
        return self.text.casefold() if self.kind == "word" else ""

    @property
    def content(self) -> str:
        """What it stands for, without quotes."""
        if self.kind != "text":
            return self.text
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), self.text[1:-1])


def read(jql: str) -> Query:
    """Read a query. Raises Refusal 400."""
    return _Reader(jql).query()


def wrong(message: str) -> Refusal:
    """The refusal of a query."""
    return Refusal(400, f"Error in the JQL Query: {message}")


class _Reader:
    def __init__(self, jql: str) -> None:
        self.tokens = _tokens(jql)
        self.at = 0

    def query(self) -> Query:
        where = None if self.peek().kind == "end" or self.peek().word == "order" else self.either()
        order = self.order() if self.peek().word == "order" else ()
        if self.peek().kind != "end":
            raise self.expected("either 'OR' or 'AND'")
        return Query(where, order)

    def either(self) -> Node:
        parts = [self.both()]
        while self.peek().word == "or":
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self) -> Node:
        parts = [self.one()]
        while self.peek().word == "and":
            self.take()
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def one(self) -> Node:
        if self.peek().word == "not":
            self.take()
            return Not(self.one())
        if self.peek().text == "(" and self.peek().kind == "op":
            self.take()
            inner = self.either()
            self.close("')'")
            return inner
        return self.clause()

    def clause(self) -> Clause:
        field = self.field()
        operator = self.operator(field)
        if operator in ("in", "not in"):
            return Clause(field, operator, self.many())
        operand = self.operand()
        if operator in ("is", "is not") and operand.kind != "empty":
            raise wrong(
                f"The operator '{operator}' does not support the value '{operand.text}' for the "
                f"field '{field}'. Only 'EMPTY' or 'NULL' can be used."
            )
        return Clause(field, operator, (operand,))

    def field(self) -> str:
        token = self.peek()
        if token.kind not in ("word", "text"):
            raise self.expected("a field name")
        if token.word in RESERVED:
            raise self.reserved(token)
        return self.take().content

    def operator(self, field: str) -> str:
        token = self.peek()
        word = token.word if token.kind == "word" else ""
        if token.kind == "op" and token.text in COMPARISONS:
            return self.take().text
        if word in ("was", "changed"):
            raise wrong(f"History searches do not support the '{field}' field.")
        if word in ("in", "is", "not"):
            self.take()
            follow = self.peek().word
            if (word, follow) in (("is", "not"), ("not", "in")):
                self.take()
                return f"{word} {follow}"
            if word != "not":
                return word
        raise self.expected("operator", f" The valid operators are {OPERATORS}.")

    def many(self) -> tuple[Operand, ...]:
        if self.peek().text != "(":
            operand = self.operand()
            if operand.kind != "function":
                raise self.expected("'('")
            return (operand,)
        self.take()
        found = [self.operand()]
        while self.peek().text == "," and self.peek().kind == "op":
            self.take()
            found.append(self.operand())
        self.close("either ')' or ','")
        return tuple(found)

    def operand(self) -> Operand:
        token = self.peek()
        if token.kind not in ("word", "text"):
            raise self.expected("either a value, list or function")
        self.take()
        if token.word in ("empty", "null"):
            return Operand(token.text, "empty")
        if token.kind == "word" and self.peek().text == "(":
            return Operand(token.text, "function", self.arguments())
        if token.word in RESERVED:
            raise self.reserved(token)
        return Operand(token.content)

    def arguments(self) -> tuple[str, ...]:
        self.take()
        found: list[str] = []
        while self.peek().kind in ("word", "text"):
            found.append(self.take().content)
            if self.peek().text == ",":
                self.take()
        self.close("')'")
        return tuple(found)

    def order(self) -> tuple[Order, ...]:
        self.take()
        if self.peek().word != "by":
            raise self.expected("'by'")
        self.take()
        found = [self.sorting()]
        while self.peek().text == "," and self.peek().kind == "op":
            self.take()
            found.append(self.sorting())
        return tuple(found)

    def sorting(self) -> Order:
        field = self.field()
        descending = self.peek().word == "desc"
        if self.peek().word in ("asc", "desc"):
            self.take()
        return Order(field, descending)

    def peek(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def close(self, what: str) -> None:
        if self.peek().text != ")" or self.peek().kind != "op":
            raise self.expected(what)
        self.take()

    def expected(self, what: str, more: str = "") -> Refusal:
        token = self.peek()
        if token.kind == "end":
            return wrong(f"Expecting {what} before the end of the query.{more}")
        return wrong(f"Expecting {what} but got '{token.text}'.{more}{_place(token.at)}")

    @staticmethod
    def reserved(token: Token) -> Refusal:
        return wrong(
            f"'{token.text}' is a reserved JQL word. You must surround it in quotation marks to "
            f"use it in a query.{_place(token.at)}"
        )


def _tokens(jql: str) -> list[Token]:
    found: list[Token] = []
    jql = jql.strip()
    at = 0
    while at < len(jql):
        match = _TOKEN.match(jql, at)
        assert match is not None, "the pattern takes any character"
        kind = match.lastgroup or "bad"
        token = Token(kind, match[kind], match.start(kind))
        if kind == "bad":
            raise _unreadable(token)
        found.append(token)
        at = match.end()
    return [*found, Token("end", "", len(jql))]


def _unreadable(token: Token) -> Refusal:
    if token.text in "\"'":
        return wrong(f"The quoted string has not been completed.{_place(token.at)}")
    code = f"\\u{ord(token.text):04x}"
    return wrong(
        f"The character '{token.text}' is a reserved JQL character. You must enclose it in a "
        f"string or use the escape '{code}' instead.{_place(token.at)}"
    )


def _place(at: int) -> str:
    return f" (line 1, character {at + 1})"
