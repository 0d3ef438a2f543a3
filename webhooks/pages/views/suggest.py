"""What may follow in the search box: keys, their values, and what the data has."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from t5g.derived import Entry
from t5g.figures import engineer_of
from t5g.query import FIELDS, SORTS
from t5g.query.compiling import EXACT
from t5g.query.lexer import quoted
from webhooks.pages import addresses
from webhooks.pages.views.words import cut

MOST = 10
MOST_OF_A_KIND = 4
_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_KEYED = re.compile(r"(-?)([A-Za-z]+)(:|>=|<=|>|<|=)(.*)$", re.DOTALL)

Vocabulary = Mapping[str, Sequence[str]]


class Suggestion(Struct, frozen=True):
    """A way to go on: `text` is the whole query then; `label` and `hint` are shown."""

    text: str
    label: str
    hint: str


def vocabulary(entries: Iterable[Entry]) -> Vocabulary:
    """The words that the data has by key of the query language, the most frequent first."""
    found: dict[str, Counter[str]] = {key: Counter() for key in _WORDS}
    for entry in entries:
        for key, words in _WORDS.items():
            found[key].update(word for word in words(entry) if word)
    return {key: [word for word, _ in counter.most_common()] for key, counter in found.items()}


def _people(entry: Entry) -> Iterator[str]:
    if entry.assignee is not None:
        yield engineer_of(entry)


_WORDS: Mapping[str, Callable[[Entry], Iterable[str]]] = {
    "account": lambda e: (e.case.portal.account,),
    "assignee": _people,
    "contributor": _people,
    "owner": lambda e: (e.case.portal.owner,),
    "product": lambda e: (e.case.portal.product, e.case.portal.version),
    "tag": lambda e: e.case.portal.tags or (),
    "label": lambda e: e.labels,
    "status": lambda e: (e.case.portal.status,),
    "internal": lambda e: (e.internal_status,),
}


def suggest(text: str, words: Vocabulary, numbers: Iterable[str] = ()) -> list[Suggestion]:
    """Return how the last word of `text` may go on. `numbers`: all case numbers."""
    tokens = _TOKEN.findall(text)
    written = tokens[-1] if tokens and text.endswith(tokens[-1]) else ""
    before = text[: len(text) - len(written)]
    keyed = _KEYED.match(written)
    if keyed:
        found = _values(before, keyed, words)
    else:
        found = _openings(before, written, words, numbers)
    return list(found)[:MOST]


def _values(before: str, keyed: re.Match[str], words: Vocabulary) -> Iterator[Suggestion]:
    sign, key, operator, value = keyed.groups()
    done, _, last = value.rpartition(",")
    head = f"{before}{sign}{key}{operator}{done}{',' if done else ''}"
    wanted = last.strip('"').casefold()
    for word, hint in _known(key.casefold(), words, whole=operator == EXACT):
        if wanted in word.casefold() and wanted != word.casefold():
            yield Suggestion(head + quoted(word) + " ", cut(word, 60), hint)


def _known(key: str, words: Vocabulary, *, whole: bool) -> Iterator[tuple[str, str]]:
    if key == "sort":
        for sort in SORTS.values():
            yield sort.name, sort.meaning
            yield f"-{sort.name}", "the other way round"
    elif key in FIELDS:
        field = FIELDS[key]
        seen = {word.casefold() for word in field.values}
        if not whole:
            yield from ((word, "") for word in field.values)
        yield from ((word, "") for word in words.get(key, ()) if word.casefold() not in seen)


def _openings(
    before: str, written: str, words: Vocabulary, numbers: Iterable[str]
) -> Iterator[Suggestion]:
    sign, wanted = ("-", written[1:]) if written.startswith("-") else ("", written)
    low = wanted.strip('"').casefold()
    if low.isdigit() and len(low) > 2 and not before.strip():
        matching = sorted(number for number in numbers if low in number)
        yield from (Suggestion(n, n, "case") for n in matching[:MOST_OF_A_KIND])
    for field in FIELDS.values():
        if field.name.startswith(low):
            operator = ":" if ":" in field.operators else ">"
            yield Suggestion(f"{before}{sign}{field.name}{operator}", field.name, field.meaning)
    if "sort".startswith(low):
        yield Suggestion(f"{before}sort:", "sort", "the order; a leading - turns it round")
    if len(low) > 1:
        for key in ("account", "assignee", "tag", "label"):
            found = [word for word in words.get(key, ()) if low in word.casefold()]
            for word in found[:MOST_OF_A_KIND]:
                text = f"{before}{sign}{addresses.term(key, word)} "
                yield Suggestion(text, cut(word, 60), key)
