"""Text to query: what is not understood is answered with the nearest word and an example."""

from collections.abc import Sequence

from t5g.errors import QueryError
from t5g.query.compiling import Words
from t5g.query.fields import ALIASES, FIELDS, Field, nearest
from t5g.query.filters import Filter, none_of, one_of, word
from t5g.query.lexer import EXAMPLE, Term, lex, quoted, spelled
from t5g.query.query import Query, SortTerm
from t5g.query.sorts import SORTS

SORT = "sort"


def no_words(_: str) -> Sequence[str]:
    """Nothing is known of the data."""
    return ()


def parse_query(text: str, words: Words = no_words) -> Query:
    """Read a query. `words(key)` gives further valid words known from the data (statuses, …).

    Raises QueryError with what was not understood, the nearest valid word and an example.
    """
    terms: list[Term] = []
    sorts: tuple[SortTerm, ...] = ()
    filters: list[Filter] = []
    for term in lex(text):
        try:
            if term.key == SORT:
                sorts = _sorts(term)
            elif term.values or term.key:
                canonical = _canonical(term)
                terms.append(canonical)
                filters.append(_filter(canonical, words))
        except QueryError as error:
            raise _about(term, error) from None
    return Query(terms=tuple(terms), sorts=sorts, filters=tuple(filters))


def _about(term: Term, error: QueryError) -> QueryError:
    """Make an error be about the whole term: a suggestion keeps its sign and its other values."""
    return QueryError(
        error.message,
        text=term.text,
        suggestion=_mended(term, error) if error.suggestion else "",
        example=error.example,
    )


def _mended(term: Term, error: QueryError) -> str:
    [meant] = lex(error.suggestion)
    key = ALIASES.get(term.key, term.key)
    values = (
        meant.values[0] if error.text == f"{key}{term.operator}{value}" else value
        for value in term.values
    )
    sign = "-" if term.negated else ""
    return f"{sign}{meant.key}{meant.operator}{','.join(map(spelled, values))}"


def _canonical(term: Term) -> Term:
    if not term.key:
        return Term(
            ("-" if term.negated else "") + quoted(term.values[0]),
            term.values,
            negated=term.negated,
        )
    field = _field(term)
    values = tuple(dict.fromkeys(term.values))
    shown = ",".join(quoted(value) for value in values)
    sign = "-" if term.negated else ""
    return Term(
        f"{sign}{field.name}{term.operator}{shown}", values, field.name, term.operator, term.negated
    )


def _field(term: Term) -> Field:
    name = ALIASES.get(term.key, term.key)
    field = FIELDS.get(name)
    if field is None:
        guess = nearest(term.key, [*FIELDS, SORT])
        rest = term.text.lstrip("-")[len(term.key) :]
        raise QueryError(
            f"“{term.key}{term.operator}” is no key I know (to look for that text, put it in "
            "quotes).",
            suggestion=f"{guess}{rest}" if guess else "",
            example="" if guess else EXAMPLE,
        )
    if not term.values or not all(term.values):
        raise QueryError(f"“{term.text}” lacks a value.", example=field.example)
    if term.operator != ":" and term.operator not in field.operators:
        raise QueryError(
            f"“{field.name}” can not be compared with {term.operator}.",
            suggestion=f"{field.name}:{spelled(term.values[0])}",
            example=field.example,
        )
    return field


def _filter(term: Term, words: Words) -> Filter:
    if not term.key:
        return word(term.values[0].casefold(), negated=term.negated)
    field = FIELDS[term.key]
    options = [field.compile(field, term.operator, value, words) for value in term.values]
    return none_of(one_of(options)) if term.negated else one_of(options)


def _sorts(term: Term) -> tuple[SortTerm, ...]:
    if not term.values or term.operator != ":" or term.negated:
        raise QueryError(f"“{term.text}” is no order.", example="sort:-age,severity")
    return tuple(sort_term(value) for value in term.values)


def sort_term(value: str) -> SortTerm:
    """Read one key of `sort:`; a leading `-` turns it round. Raises QueryError."""
    name = value.removeprefix("-").casefold()
    name = ALIASES.get(name, name)
    if name not in SORTS:
        guess = nearest(name, list(SORTS))
        raise QueryError(
            f"“{value}” is nothing to sort by; there is {', '.join(SORTS)}.",
            text=f"sort:{value}",
            suggestion=f"sort:{'-' if value.startswith('-') else ''}{guess}" if guess else "",
            example="" if guess else "sort:-age,severity",
        )
    return SortTerm(name, value.startswith("-"))
