"""Mistakes in a query: each is told with the part that was not understood and a way on."""

import pytest

from t5g.errors import QueryError
from t5g.query import SORTS, parse_query
from t5g.query.lexer import EXAMPLE, LONGEST_TEXT, MOST_TERMS, quoted
from t5g.query.parse import sort_term

STATUSES = "open, closed, any, all, Waiting on Red Hat, Waiting on Customer, Closed, Pondering"
INTERNALS = "none, New, Backlog, Debugging, Eng Working, Backport, Ready To Close, Blocked"
NO_KEY = "is no key I know (to look for that text, put it in quotes)."


def words(key: str) -> list[str]:
    return {"status": ["Pondering", "Waiting on Customer"], "severity": ["Odd"]}.get(key, [])


def mistake(text: str) -> QueryError:
    with pytest.raises(QueryError) as raised:
        parse_query(text, words)
    return raised.value


@pytest.mark.parametrize(
    ("text", "message", "suggestion", "example"),
    [
        # keys
        ("severty:high", f"“severty:” {NO_KEY}", "severity:high", ""),
        ("-sevrity:high,low", f"“sevrity:” {NO_KEY}", "-severity:high,low", ""),
        ("-Xstatus:open", f"“xstatus:” {NO_KEY}", "-status:open", ""),
        ("sotr:age", f"“sotr:” {NO_KEY}", "sort:age", ""),
        ("zzzzqqq>1", f"“zzzzqqq>” {NO_KEY}", "", EXAMPLE),
        ("owner:", "“owner:” lacks a value.", "", "owner:me"),
        ("age>", "“age>” lacks a value.", "", "age>30d"),
        ('account:""', "“account:\"\"” lacks a value.", "", 'account="Acme Corp"'),
        ('tag:a,""', "“tag:a,\"\"” lacks a value.", "", "tag:shift_telco5g"),
        ("card>x", "“card” can not be compared with >.", "card:x", "card:T5G-12"),
        ("SEV>=high,low", "“severity” can not be compared with >=.",
         "severity:high,low", "severity:urgent,high"),
        # orders
        ("sort:", "“sort:” is no order.", "", "sort:-age,severity"),
        ("sort>age", "“sort>age” is no order.", "", "sort:-age,severity"),
        ("-sort:age", "“-sort:age” is no order.", "", "sort:-age,severity"),
        # values
        ("escalated:jes", "“escalated:jes” is not understood; escalated takes yes, no.",
         "escalated:yes", ""),
        ("escalated:unknown", "“escalated:unknown” is not understood; escalated takes yes, no.",
         "", "escalated:yes"),
        ("critsit:maybe", "“critsit:maybe” is not understood; critsit takes yes, no, unknown.",
         "critsit:yes", ""),
        ("stale:2", "“stale:2” is not understood; stale takes yes, no.", "", "stale:yes"),
        ("status:xyzzy", f"“status:xyzzy” is not understood; status takes {STATUSES}.",
         "", "status:open"),
        ('status:"Waiting on Custmer"',
         f"“status:Waiting on Custmer” is not understood; status takes {STATUSES}.",
         'status:"Waiting on Customer"', ""),
        ("internal:debuging",
         f"“internal:debuging” is not understood; internal takes {INTERNALS}.",
         "internal:Debugging", ""),
        ("severity:5",
         "“severity:5” is not understood; severity takes urgent, high, normal, low, Odd.",
         "", "severity:urgent,high"),
        ("severity:URGNT",
         "“severity:URGNT” is not understood; severity takes urgent, high, normal, low, Odd.",
         "severity:urgent", ""),
        ("sla:breeched", "“sla:breeched” is not understood; sla takes breached, risk, ok.",
         "sla:breached", ""),
        ("sla:xyzzy", "“sla:xyzzy” is not understood; sla takes breached, risk, ok.",
         "", "sla:breached"),
        ("target:xyzzy", "“target:xyzzy” is not understood; target takes missing, set.",
         "", "target:missing"),
        ("bug:abc", "“bug:abc” is not understood; bug takes a bug's number, none, any.",
         "", "bug:none"),
        ("bug:non", "“bug:non” is not understood; bug takes a bug's number, none, any.",
         "bug:none", ""),
        ("bug:١٢", "“bug:١٢” is not understood; bug takes a bug's number, none, any.",
         "", "bug:none"),
        # times
        ("age:30d", "“age:” needs a comparison.", "age>30d", ""),
        ("-updated<=soon", "“soon” is neither a duration such as 30d or 24h nor a date such as "
         "2026-01-31.", "", "updated<=7d"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_a_way_on(
    text: str, message: str, suggestion: str, example: str
) -> None:
    found = mistake(text)
    assert (found.message, found.suggestion, found.example) == (message, suggestion, example)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("käse severty:high", "severty:high"),
        ("-sevrity:high,low", "-sevrity:high,low"),
        ("owner: x", "owner:"),
        ("Card>x", "Card>x"),
        ("status:opne", "status:opne"),
        ("number:123", "number:123"),
        ("x zzzzqqq>1", "zzzzqqq>1"),
        ("x -number:123,01234567", "-number:123,01234567"),
        ("age:30d", "age:30d"),
        ("age>soon", "age>soon"),
        ("-sort:age", "-sort:age"),
        ("sort:age,-aeg", "sort:age,-aeg"),
        ("bug:abc", "bug:abc"),
    ],
)
def test_a_mistake_names_its_part_of_the_query(text: str, part: str) -> None:
    assert mistake(text).text == part


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("-severty:high,low", "-severity:high,low"),
        ("-sev:hihg", "-severity:high"),
        ("käse severity:urgent,hihg age>3d", "käse severity:urgent,high age>3d"),
        ('status:"Waiting on Customer","Waiting on Custmer"',
         'status:"Waiting on Customer","Waiting on Customer"'),
        ('-acount:"Acme Corp","-x"', '-account:"Acme Corp",-x'),
        ("-age:3d", "-age>3d"),
        ("sort:age,-aeg,severity", "sort:age,-age,severity"),
        ("-Card>x owner:me", "-card:x owner:me"),
        ('account>"Acme Corp"', 'account:"Acme Corp"'),
    ],
)  # fmt: skip
def test_a_suggestion_takes_the_place_of_what_it_mends(text: str, meant: str) -> None:
    found = mistake(text)
    mended = text.replace(found.text, found.suggestion)
    assert mended == meant
    assert parse_query(mended, words)


@pytest.mark.parametrize("word", ["Odd,very", "Very odd"])
def test_a_suggested_word_is_quoted_where_it_must_be(word: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse_query(f'status:"{word}x"', lambda _: [word])
    assert raised.value.suggestion == f'status:"{word}"'


def test_an_unknown_order_is_told_with_all_there_are() -> None:
    every = ", ".join(SORTS)
    for text, suggestion, example in (
        ("sort:-aeg", "sort:-age", ""),
        ("sort:Asignee", "sort:assignee", ""),
        ("sort:zzzz", "", "sort:-age,severity"),
    ):
        found = mistake(text)
        value = text.removeprefix("sort:")
        assert found.message == f"“{value}” is nothing to sort by; there is {every}."
        assert (found.suggestion, found.example) == (suggestion, example)


def test_no_case_number_is_told_with_one() -> None:
    found = mistake("number:123")
    assert found.message == "“123” is no case number; a case number has eight digits."
    assert found.example == "number:01234567"


def test_a_text_beyond_all_measure_is_told_in_short() -> None:
    found = mistake("x" * (LONGEST_TEXT + 1))
    assert found.message == "The query has 2001 characters; 2000 are allowed."
    assert (found.text, found.example) == ("x" * 40 + "…", EXAMPLE)


def test_a_query_may_have_as_many_terms_as_it_says_and_no_more() -> None:
    assert len(parse_query("a " * MOST_TERMS).terms) == MOST_TERMS
    found = mistake("a " * MOST_TERMS + "b")
    assert found.message == "The query has more than 60 terms."
    assert (found.text, found.example) == ("b", EXAMPLE)


def test_an_open_quote_is_told_from_where_it_opens() -> None:
    found = mistake('status:open account:"Acme Corp')
    assert found.message == "A quote is opened and not closed."
    assert (found.text, found.example) == ('"Acme Corp', 'account:"Acme Corp"')


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("SEV:High,high,High", "severity:High,high"),
        ("-Käse", "-Käse"),
        ('"a b" -"c d"', '"a b" -"c d"'),
        ('"-x" "a:b" "x,y"', '"-x" "a:b" "x,y"'),
        ('-status:"waiting on customer",open', '-status:"waiting on customer",open'),
        ("age>=30d", "age>=30d"),
        ("sort:-Age,SEV severity:low", "severity:low sort:-age,severity"),
        ("sort:age sort:-number", "sort:-number"),
        (", , open", "open"),
        ("severity:low,", "severity:low"),
        ("severity:low,,high", "severity:low,high"),
    ],
)
def test_a_query_has_one_spelling(text: str, canonical: str) -> None:
    assert parse_query(text, words).text == canonical


def test_a_key_to_sort_by_is_read_alone() -> None:
    assert str(sort_term("-AGE")) == "-age"
    assert str(sort_term("sev")) == "severity"


@pytest.mark.parametrize(
    "name", ['O\'Neill "Mobile" & Sons', '"x', 'x"', "=a", "a=b", "Acme, Corp"]
)
def test_a_whole_name_survives_being_written_and_read(name: str) -> None:
    query = parse_query(f"account={quoted(name)}")
    assert query.values_of("account") == (name,)
    assert parse_query(query.text).text == query.text


def test_what_is_invisible_in_a_query_finds_nothing_else() -> None:
    assert parse_query("label:a\u2060_\u2060b").text == "label:a_b"
