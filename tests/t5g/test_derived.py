"""Each derived fact has one definition; these are its edges."""

import pytest
from msgspec import UNSET

from t5g.derived import Entry, attention, severity_rank
from t5g.model import Bug, Details, Escalation, Issue
from tests.making import NOW_SECONDS, ago, card, entry


@pytest.mark.parametrize(
    ("text", "rank"),
    [
        ("1 (Urgent)", 1),
        ("2 (High)", 2),
        ("3 (Medium)", 3),
        ("4 (Low)", 4),
        ("urgent", 1),
        ("Catastrophic", 9),
        ("", 9),
        ("12 (Odd)", 9),
    ],
)
def test_severity_rank(text: str, rank: int) -> None:
    assert severity_rank(text) == rank


@pytest.mark.parametrize(
    ("severity", "days"),
    [("1 (Urgent)", 14), ("2 (High)", 20), ("3 (Normal)", 90), ("4 (Low)", 180)],
)
def test_sla_edges(severity: str, days: int) -> None:
    def aged(part: float) -> Entry:
        return entry(portal={"severity": severity, "created": ago(days=days * part)})

    assert not aged(0.8).at_risk(NOW_SECONDS)
    assert aged(0.81).at_risk(NOW_SECONDS)
    assert aged(1.0).at_risk(NOW_SECONDS)
    assert not aged(1.0).breaching(NOW_SECONDS)
    assert aged(1.01).breaching(NOW_SECONDS)
    assert not aged(1.01).at_risk(NOW_SECONDS)


def test_closed_case_is_neither_stale_nor_breaching_and_stops_ageing() -> None:
    closed = entry(
        portal={
            "status": "Closed",
            "created": ago(days=400),
            "closed": ago(days=390),
            "updated": ago(days=390),
        }
    )
    assert not closed.open
    assert not closed.stale(NOW_SECONDS)
    assert not closed.breaching(NOW_SECONDS)
    assert closed.days_open(NOW_SECONDS) == pytest.approx(10)


def test_stale_looks_at_case_and_card() -> None:
    old = {"updated": ago(days=8)}
    assert entry(portal=old, card=card(updated=ago(days=7.1))).stale(NOW_SECONDS)
    assert not entry(portal=old, card=card(updated=ago(days=6.9))).stale(NOW_SECONDS)
    assert not entry(portal={"updated": ago(days=1)}, card=None).stale(NOW_SECONDS)


def test_unknown_severity_has_no_sla() -> None:
    odd = entry(portal={"severity": "Whatever", "created": ago(days=999)})
    assert odd.severity == "Whatever"
    assert not odd.breaching(NOW_SECONDS)
    assert odd.sla_used(NOW_SECONDS) is None


def test_potential_escalation_only_while_not_escalated() -> None:
    marked = card(labels=("PotentialEscalation",))
    assert entry(card=marked).potential_escalation
    assert not entry(card=marked, escalations=(Escalation(key="ESC-1"),)).potential_escalation


def test_crit_sit_may_be_unknown() -> None:
    assert entry().crit_sit is None
    assert entry(details=Details(crit_sit=True)).crit_sit is True
    assert Details().crit_sit is UNSET


def test_missing_target_ignores_what_is_restricted() -> None:
    found = entry(
        issues=(
            Issue(key="A-1"),
            Issue(key="A-2", fix_versions=("4.16",)),
            Issue(key="A-3", restricted=True),
        ),
        bugs=(
            Bug(id=1, target_release=("---",)),
            Bug(id=2, target_release=("4.16",)),
            Bug(id=3, restricted=True),
        ),
    )
    assert [getattr(x, "key", None) or x.id for x in found.missing_target] == ["A-1", 1]
    assert not found.no_bugs
    assert entry().no_bugs


def test_work_card_is_the_oldest_that_is_not_done() -> None:
    from t5g.assembly import assemble
    from t5g.derived import Rules
    from t5g.model import Source
    from t5g.state import join
    from t5g.store import CaseFields
    from tests.making import card_seen, portal_seen

    state = None
    for seen in (
        card_seen(key="T5G-1", status="Done", created=ago(days=9)),
        card_seen(key="T5G-2", status="Open", created=ago(days=2)),
        card_seen(key="T5G-3", status="Open", created=ago(days=3)),
    ):
        state = join(state, seen)
    states = {Source.PORTAL: join(None, portal_seen()), Source.CARD: state}
    case = assemble(CaseFields("01234567", states), Rules())
    assert case is not None
    assert [c.key for c in case.cards] == ["T5G-3", "T5G-2", "T5G-1"]


def test_attention_puts_escalations_first_then_breaches() -> None:
    calm = entry("00000001", portal={"severity": "1 (Urgent)", "created": ago(days=1)})
    breach = entry("00000002", portal={"severity": "4 (Low)", "created": ago(days=200)})
    escalated = entry("00000003", escalations=(Escalation(key="ESC-1"),))
    found = sorted([calm, breach, escalated], key=attention(NOW_SECONDS))
    assert [e.number for e in found] == ["00000003", "00000002", "00000001"]


def test_a_case_whose_creation_is_not_known_is_not_old_and_not_new() -> None:
    unknown = entry(portal={"created": None})
    assert unknown.days_open(NOW_SECONDS) == 0.0
    assert not unknown.new(NOW_SECONDS)
    young = entry(portal={"created": ago(days=7)})
    assert (young.new(NOW_SECONDS), young.new(NOW_SECONDS + 1)) == (True, False)
