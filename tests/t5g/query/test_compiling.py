"""What each kind of key takes, and what it finds."""

import pytest

from t5g.derived import DAY, Entry
from t5g.errors import QueryError
from t5g.model import Bug, Details, Issue, Person
from t5g.query import parse_query
from t5g.query.compiling import nearest
from t5g.query.lexer import exactly
from t5g.team import Me
from tests.making import NOW_SECONDS, ago, card, entry

ANN = Person(account="712020:ann", name="Ann Lee", email="ann@example.com")
BO = Person(account="bo")
ME = Me(names=frozenset({"ann lee"}))


def words(key: str) -> list[str]:
    return {"status": ["Pondering"], "severity": ["Odd", "Urgent"]}.get(key, [])


def found(text: str, *cases: Entry, me: Me = ME, now: float = NOW_SECONDS) -> str:
    """The last digits of the numbers that a query finds, in their order."""
    query = parse_query(f"status:any {text} sort:number", words)
    return "".join(e.number[-1] for e in query.select(cases, now, me))


def case(digit: int, **parts: object) -> Entry:
    return entry(f"0000000{digit}", **parts)


def severities() -> list[Entry]:
    told = ("1 (Urgent)", "2 (High)", "Normal", "4", "Odd")
    return [case(n, portal={"severity": text}) for n, text in enumerate(told, 1)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("severity:1", "1"),
        ("severity:SEV2", "2"),
        ('severity:"2 (High)"', "2"),
        ("severity:normal", "3"),
        ("severity:low", "4"),
        ("severity:ODD", "5"),
        ("-severity:urgent,odd", "234"),
    ],
)
def test_a_severity_goes_by_many_names(text: str, numbers: str) -> None:
    assert found(text, *severities()) == numbers


@pytest.mark.parametrize("yes", ["yes", "true", "y", "1", "YES"])
@pytest.mark.parametrize("no", ["no", "false", "n", "0", "No"])
def test_yes_and_no_are_said_in_many_ways(yes: str, no: str) -> None:
    cases = [
        case(1, details=Details(crit_sit=True)),
        case(2, details=Details(crit_sit=False)),
        case(3),
    ]
    assert found(f"critsit:{yes}", *cases) == "1"
    assert found(f"critsit:{no}", *cases) == "2"
    assert found("critsit:Unknown", *cases) == "3"


def test_a_status_is_found_whole_before_it_is_found_in_part() -> None:
    told = ("Waiting on Customer", "Customer", "Closed", "Pondering")
    cases = [case(n, portal={"status": text}) for n, text in enumerate(told, 1)]
    assert found("status:CUSTOMER", *cases) == "12"
    assert found("status:pondering", *cases) == "4"
    assert found("status:ponder", *cases) == "4"
    assert found("status:Closed", *cases) == "3"
    assert found("status:open", *cases) == "124"
    whole = parse_query("status:customer", lambda key: ["Customer"] if key == "status" else [])
    assert [e.number[-1] for e in whole.select(cases, NOW_SECONDS)] == ["2"]


def test_texts_are_found_in_part_lists_by_whole_words() -> None:
    cases = [
        case(1, portal={"account": "Acme Corp", "tags": ("Shift", "other")}, card=None),
        case(2, portal={"account": "", "tags": ()}, card=card(labels=("Trends",))),
    ]
    assert found("account:CORP", *cases) == "1"
    assert (found("account:none", *cases), found("account:any", *cases)) == ("2", "1")
    assert (found("tag:SHIFT", *cases), found("tag:shif", *cases)) == ("1", "")
    assert (found("tag:none", *cases), found("tag:ANY", *cases)) == ("2", "1")
    assert (found("label:trends", *cases), found("label:none", *cases)) == ("2", "1")


def team() -> list[Entry]:
    return [
        case(1, portal={"owner": "Ann Lee"}, card=card(assignee=ANN)),
        case(2, portal={"owner": ""}, card=card(assignee=BO, contributors=(ANN,))),
        case(3, portal={"owner": "Bo"}, card=card()),
        case(4, portal={"owner": "Cy"}, card=None),
    ]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("assignee:me", "1"),
        ("assignee:ME", "1"),
        ("assignee:ann", "1"),
        ("assignee:ann@EXAMPLE", "1"),
        ("assignee:712020:ann", "1"),
        ("assignee:712020", ""),
        ("assignee:BO", "2"),
        ("assignee:b", ""),
        ("assignee:none", "34"),
        ("assignee:any", "12"),
        ("contributor:me", "12"),
        ("contributor:lee", "12"),
        ("contributor:bo", "2"),
        ("contributor:none", "34"),
        ("contributor:any", "12"),
        ("owner:me", "1"),
        ("owner:LEE", "1"),
        ("owner:none", "2"),
        ("owner:any", "134"),
    ],
)
def test_people_are_found_by_name_address_and_account(text: str, numbers: str) -> None:
    key, _, value = text.partition(":")
    assert found(f'{key}:"{value}"', *team()) == numbers


def test_me_is_a_word_like_others_where_no_people_are_looked_for() -> None:
    assert found("account:me", case(1, portal={"account": "Acme"})) == "1"


def test_me_is_the_account_where_it_is_known_and_no_namesake() -> None:
    namesake = Person(account="712020:other", name="Ann Lee", email="ann.lee2@example.com")
    names = frozenset({"ann lee"})
    for me in (
        Me(account="712020:ann", email="old@example.com", names=frozenset({"anna"})),
        Me(email="Ann@Example.com", names=names),
    ):
        assert me.is_person(ANN)
        assert not me.is_person(namesake)
    cases = (case(1, card=card(assignee=ANN)), case(2, card=card(assignee=namesake)))
    assert found("assignee:me", *cases, me=Me(account="712020:ann", names=names)) == "1"


def test_a_name_decides_where_neither_account_nor_address_can() -> None:
    hidden = Person(account="712020:ann", name="Ann Lee")
    assert Me(email="ann@example.com", names=frozenset({"ann lee"})).is_person(hidden)
    assert not Me().is_person(ANN)
    assert not Me(names=frozenset({"x"})).is_person(BO), "a name that is missing is no name"


def test_an_address_that_folds_to_mine_is_not_me() -> None:
    other = Person(account="x", name="Y", email="boſs@example.com")
    assert not Me(email="boss@example.com").is_person(other)


def linked() -> list[Entry]:
    return [
        case(1, bugs=(Bug(id=12, target_release=("---",)),), card=card("T5G-1")),
        case(2, issues=(Issue(key="OCPBUGS-7", fix_versions=("4.17",)),), card=card("T5G-2")),
        case(3, card=None),
        case(4, bugs=(Bug(id=120, target_release=("4.18",)),), issues=(Issue(key="RHEL-1"),)),
    ]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("bug:12", "1"),
        ("bug:NONE", "3"),
        ("bug:Any", "124"),
        ("issue:ocpbugs-7", "2"),
        ("issue:none", "13"),
        ("issue:any", "24"),
        ("card:t5g-1", "14"),
        ("card:None", "3"),
        ("card:ANY", "124"),
        ("card:T5G", ""),
        ("target:missing", "14"),
        ("target:NONE", "14"),
        ("target:Set", "2"),
    ],
)
def test_what_is_linked_is_found_by_its_name(text: str, numbers: str) -> None:
    assert found(text, *linked()) == numbers


def test_each_stand_against_the_sla_begins_and_ends_to_the_second() -> None:
    late = case(1, portal={"severity": "1 (Urgent)", "created": ago(days=30)})
    cases = [late, case(2, portal={"severity": "odd", "created": ago(days=900)})]
    risk, breach = late.risks_at, late.breaches_at
    for at, ok, at_risk, breached in (
        (risk, "12", "", ""),
        (risk + 1, "2", "1", ""),
        (breach, "2", "1", ""),
        (breach + 1, "2", "", "1"),
    ):
        assert found("sla:OK", *cases, now=at) == ok
        assert found("sla:risk", *cases, now=at) == found("sla:At-Risk", *cases, now=at) == at_risk
        assert found("sla:breached", *cases, now=at) == breached
        assert found("sla:Breaching", *cases, now=at) == breached


def test_what_is_not_known_compares_with_nothing() -> None:
    unknown = case(1, portal={"created": None, "updated": None}, card=None)
    for text in ("age>1d", "age<1d", "created>2026-01-01", "created<2026-01-01", "updated<1d"):
        assert (found(text, unknown), found(f"-{text}", unknown)) == ("", "1")


def test_a_case_that_ended_is_as_old_as_it_was_then() -> None:
    ended = case(1, portal={"status": "Closed", "created": ago(days=9), "closed": ago(days=2)})
    assert found("age>=7d age<=7d", ended) == "1"
    assert found("age>=7d age<=7d", ended, now=NOW_SECONDS + 30 * DAY) == "1"
    assert found("closed>=2d closed<=2d", ended) == "1"
    coming = case(2, portal={"created": ago(days=-1)})
    assert found("age<=0 age>=0", coming) == "2", "what begins tomorrow is as old as nothing"
    young = case(3, portal={"created": ago(seconds=1)})
    assert found("age>0", young) == "3"


def test_of_several_values_each_is_asked_for_with_who_asks_and_when() -> None:
    assert found("assignee:me,none", *team()) == "134"
    assert found("-assignee:me", *team()) == "234"
    late = case(1, portal={"severity": "1 (Urgent)", "created": ago(days=30)})
    assert found("sla:ok,risk", late, now=late.breaches_at) == "1"
    assert found("sla:ok,risk", late, now=late.breaches_at + 1) == ""
    assert found("-sla:breached", late, now=late.breaches_at) == "1"


@pytest.mark.parametrize(
    ("word", "expected"),
    [("SEVERTY", "severity"), ("severity", "severity"), ("xyz", ""), ("", ""), ("ag", "Age")],
)
def test_the_nearest_word_is_near(word: str, expected: str) -> None:
    assert nearest(word, ["severity", "Age", "status"]) == expected


VERIZON = ("Verizon", "Verizon Business", "VERIZON", "O’Neill “Mobile” & Sons", "Acme\u00a0Corp")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("account:verizon", "123"),
        ('account="Verizon"', "13"),
        ("-account=Verizon", "245"),
        ('account="O\'Neill ""Mobile"" & Sons"', "4"),
        ("account:O'Neill", "4"),
        ('account="acme corp"', "5"),
        ("account=none", ""),
    ],
)
def test_an_account_is_found_whole_or_in_part(text: str, numbers: str) -> None:
    cases = [case(n, portal={"account": name}) for n, name in enumerate(VERIZON, 1)]
    assert found(text, *cases) == numbers


@pytest.mark.parametrize("name", VERIZON)
def test_every_name_is_found_as_it_is_written_for_a_link(name: str) -> None:
    cases = [case(n, portal={"account": name}) for n, name in enumerate(VERIZON, 1)]
    assert str(VERIZON.index(name) + 1) in found(exactly("account", name), *cases)
    alike = [x for x in VERIZON if x.casefold() == name.casefold()]
    assert len(found(exactly("account", name), *cases)) == len(alike)


def test_a_person_is_found_whole_by_name_address_or_account() -> None:
    anna = Person(account="anna", name="Ann Leeson", email="ann@example.com.au")
    cases = [case(n, cards=(card("T5G-1", assignee=x),)) for n, x in enumerate((ANN, anna), 1)]
    assert found('assignee:"ann lee"', *cases) == "12"
    for name in ('"ann lee"', "ann@example.com", "712020:ANN"):
        assert found(f"assignee={name}", *cases) == "1"
        assert found(f"contributor={name}", *cases) == "1"


def test_a_word_with_a_meaning_is_no_whole_name() -> None:
    with pytest.raises(QueryError, match="called so") as caught:
        parse_query("-assignee=me")
    assert caught.value.suggestion == "-assignee:me"
