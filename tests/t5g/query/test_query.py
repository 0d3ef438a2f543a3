"""The query language: what it finds, and how it answers mistakes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5g.derived import Entry
from t5g.errors import QueryError
from t5g.model import Bug, Details, Escalation, Issue, Person
from t5g.query import FIELDS, SORTS, parse_query
from t5g.query.lexer import LONGEST_TEXT, lex
from t5g.query.query import NOBODY
from t5g.team import Me
from tests.making import NOW_SECONDS, ago, card, entry

JANE = Person(account="712020:jane", name="Jané Roe", email="jane@example.com")

CASES: dict[str, Entry] = {
    e.number: e
    for e in (
        entry(
            "00000001",
            portal={
                "severity": "1 (Urgent)",
                "account": "Acme Corp",
                "created": ago(days=30),
                "tags": ("shift_telco5g",),
                "owner": "Jané Roe",
            },
            card=card("T5G-1", assignee=JANE, labels=("Trends", "Daily_Telco_OCP")),
            bugs=(Bug(id=12345, target_release=("---",)),),
            escalations=(Escalation(key="ESC-1"),),
        ),
        entry(
            "00000002",
            portal={
                "severity": "2 (High)",
                "account": "Böse GmbH, Köln",
                "summary": "Käse [flapping]: error:timeout",
                "status": "Waiting on Customer",
                "updated": ago(days=9),
                "created": ago(days=17),
                "tags": (),
            },
            card=card("T5G-2", status="Blocked", updated=ago(days=8)),
            issues=(Issue(key="OCPBUGS-7", fix_versions=("4.17",)),),
            details=Details(crit_sit=True),
        ),
        entry("00000003", portal={"severity": "4 (Low)", "status": "Pondering"}, card=None),
        entry(
            "00000004",
            portal={"status": "Closed", "closed": ago(days=2), "severity": "3 (Normal)"},
            details=Details(crit_sit=False),
        ),
    )
}


def words(key: str) -> list[str]:
    return {"status": ["Pondering", "Waiting on Customer"]}.get(key, [])


def numbers(text: str, me: Me = NOBODY) -> str:
    query = parse_query(text, words)
    found = query.select(CASES.values(), NOW_SECONDS, me)
    return "".join(sorted(e.number[-1] for e in found))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "123"),
        ("status:open", "123"),
        ("status:closed", "4"),
        ("status:any", "1234"),
        ("status:open,closed", "1234"),
        ("-status:open", "4"),
        ("status:customer", "2"),
        ('status:"waiting on customer"', "2"),
        ("status:pondering", "3"),
        ("severity:urgent,high", "12"),
        ("severity:1", "1"),
        ("sev:low", "3"),
        ("-severity:urgent", "23"),
        ("severity:URGENT", "1"),
        ('account:"Acme Corp"', "13"),
        ("account:acme", "13"),
        ('account:"Böse GmbH, Köln"', "2"),
        ("account:BÖSE", "2"),
        ("assignee:none", "23"),
        ("assignee:jané", "1"),
        ("assignee:jane@example.com", "1"),
        ("owner:jané", "1"),
        ("owner:none", "23"),
        ("product:4.16", "123"),
        ("tag:shift_telco5g", "1"),
        ("tag:none", "2"),
        ("tag:any", "1"),
        ("tag:unknown", "3"),
        ("tag:unknown status:any", "34"),
        ("label:trends", "1"),
        ("-label:trends", "23"),
        ("number:00000002", "2"),
        ("card:t5g-2", "2"),
        ("card:none", "3"),
        ("internal:blocked", "2"),
        ("internal:debug", "1"),
        ("internal:none", "3"),
        ("issue:OCPBUGS-7", "2"),
        ("bug:12345", "1"),
        ("bug:none", "3"),
        ("bug:any", "12"),
        ("target:missing", "1"),
        ("target:set", "2"),
        ("escalated:yes", "1"),
        ("escalated:no", "23"),
        ("critsit:yes", "2"),
        ("critsit:unknown", "13"),
        ("critsit:no status:any", "4"),
        ("watchlist:yes", "1"),
        ("trend:yes", "1"),
        ("untracked:yes", "3"),
        ("stale:yes", "2"),
        ("sla:breached", "1"),
        ("sla:risk", "2"),
        ("sla:ok", "3"),
        ("age>20d", "1"),
        ("age>=17", "12"),
        ("age<20d", "23"),
        ("updated<48h", "13"),
        ("updated>1w", "2"),
        ("created>2026-11-10", "3"),
        ("created<2026-11-10", "12"),
        ("created<2026-11-01T00:00Z", "1"),
        ("closed<7d status:closed", "4"),
        ("käse", "2"),
        ('"node not ready"', "13"),
        ("00000003", "3"),
        ("openshift -acme", "2"),
        ('"error:timeout"', "2"),
        ("node,acme", "13"),
        ("  severity:low\u00a0account:acme ", "3"),
        ("severity:“high”", "2"),
        ("status:open sort:-age,severity", "123"),
    ],
)
def test_finds(text: str, expected: str) -> None:
    assert numbers(text) == expected


def test_me_is_who_asks() -> None:
    assert numbers("assignee:me", Me(email="jane@example.com")) == "1"
    assert numbers("assignee:me", Me(account="712020:jane")) == "1"
    assert numbers("assignee:me", Me(email="joe@example.com")) == ""
    assert numbers("owner:me", Me(names=frozenset({"jané roe"}))) == "1"
    assert parse_query("assignee:me").personal
    assert not parse_query("assignee:jane").personal


@pytest.mark.parametrize(
    ("text", "part", "suggestion"),
    [
        ("severty:high", "severty", "severity:high"),
        ("severity:hihg", "severity:hihg", "severity:high"),
        ("status:opne", "status:opne", "status:open"),
        ("escalated:jes", "escalated:jes", "escalated:yes"),
        ("sla:breeched", "sla:breeched", "sla:breached"),
        ("sort:-aeg", "aeg", "sort:-age"),
        ("age:30d", "age", "age>30d"),
        ("severity>high", "compared", "severity:high"),
        ("-severty:high", "severty", "-severity:high"),
    ],
)
def test_mistakes_get_the_nearest_word(text: str, part: str, suggestion: str) -> None:
    with pytest.raises(QueryError, match=part) as raised:
        parse_query(text, words)
    assert raised.value.suggestion == suggestion
    assert raised.value.status == 400


@pytest.mark.parametrize(
    "text",
    [
        "owner:",
        "severity:,",
        'account:"Acme',
        "age>soon",
        "created>2026-13-45",
        "number:123",
        "bug:abc",
        "sort:",
        "-sort:age",
        "https://example.com/x",
        "zzzzqqq:1",
        "x" * 3000,
        "a " * 100,
        "status:xyzzy",
        "internal:xyzzy",
    ],
)
def test_mistakes_are_told_with_an_example_or_a_suggestion(text: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse_query(text, words)
    assert raised.value.example or raised.value.suggestion
    assert len(str(raised.value)) < 400


def test_every_example_in_the_table_works() -> None:
    for field in FIELDS.values():
        parse_query(field.example)
        for value in field.values:
            parse_query(f'{field.name}:"{value}"')
    for name in SORTS:
        parse_query(f"sort:{name} sort:-{name}").select(CASES.values(), NOW_SECONDS)


def test_order_puts_unknown_last_either_way() -> None:
    for text in ("sort:assignee", "sort:-assignee"):
        found = parse_query(text).select(CASES.values(), NOW_SECONDS)
        assert found[0].number == "00000001", text


def test_menus_edit_the_text() -> None:
    query = parse_query('severity:high account:"Acme Corp" sort:-age')
    assert query.with_term("severity", "urgent", "high") == (
        'account:"Acme Corp" severity:urgent,high sort:-age'
    )
    assert query.without("account") == "severity:high sort:-age"
    assert query.with_sort("updated") == 'severity:high account:"Acme Corp" sort:updated'
    assert query.with_term("severity") == 'account:"Acme Corp" sort:-age'
    assert query.values_of("severity") == ("high",)
    assert query.unsorted().text == 'severity:high account:"Acme Corp"'
    unsorted = parse_query("status:any sort:number").unsorted()
    assert unsorted.select(CASES.values(), NOW_SECONDS)[-1].number == "00000004"


def test_menus_leave_alone_what_is_excluded() -> None:
    query = parse_query("-severity:low severity:high,urgent")
    assert query.values_of("severity") == ("high", "urgent")
    assert query.with_term("severity", "a b") == '-severity:low severity:"a b"'
    assert query.without("severity") == ""
    assert query.with_sort("-age", "number") == (
        "-severity:low severity:high,urgent sort:-age,number"
    )
    assert query.with_sort() == query.text


def test_one_case_matches_as_it_would_in_a_list() -> None:
    one, ended = CASES["00000001"], CASES["00000004"]
    mine = parse_query("owner:me age>20d")
    assert mine.matches(one, NOW_SECONDS, Me(names=frozenset({"jané roe"})))
    assert not mine.matches(one, NOW_SECONDS)
    assert not mine.matches(one, NOW_SECONDS - 20 * 86_400, Me(names=frozenset({"jané roe"})))
    assert parse_query("status:closed").matches(ended, NOW_SECONDS)
    assert not parse_query("").matches(ended, NOW_SECONDS)


def test_only_words_of_keys_are_personal() -> None:
    assert parse_query("owner:bo,ME").personal
    assert not parse_query("me").personal


PIECES = st.one_of(
    st.sampled_from([field.example for field in FIELDS.values()]),
    st.sampled_from(
        ["-", ",", '"', ":", ">", "sort:-age", "status:any", "Käse", "a:b", "\u202e", "\x00"]
    ),
    st.text(max_size=12),
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=6).map(" ".join))
def test_any_text_is_understood_or_refused_politely(text: str) -> None:
    try:
        query = parse_query(text, words)
    except QueryError as error:
        assert str(error)
        return
    found = query.select(CASES.values(), NOW_SECONDS)
    again = parse_query(query.text, words)
    assert again.text == query.text
    assert again.select(CASES.values(), NOW_SECONDS) == found


@pytest.mark.parametrize("text", ["-", "Trends -", "- Trends", "status:open -"])
def test_a_lone_dash_is_a_word_and_negates_nothing(text: str) -> None:
    dashes = [term for term in lex(text) if term.text == "-"]
    assert [(term.values, term.negated) for term in dashes] == [(("-",), False)]


def test_a_dash_before_one_letter_negates_it() -> None:
    (term,) = lex("-x")
    assert (term.values, term.negated) == (("x",), True)


def test_a_text_may_be_as_long_as_it_says_and_no_longer() -> None:
    assert parse_query("x" * LONGEST_TEXT)
    with pytest.raises(QueryError):
        parse_query("x" * (LONGEST_TEXT + 1))
