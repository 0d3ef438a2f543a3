"""Equal facts become one object, and nothing that a person sees changes."""

from msgspec import json

from t5g import pool as pools
from t5g.model import Bug, Case, Comment, Issue, Person
from t5g.pool import Pool
from tests.making import card, portal


def one(number: str) -> Case:
    ann = Person(account="ann", name="Ann Müller", email="ann@example.com")
    made = Case(
        portal=portal(number, account="Acme Corp", tags=("a", "b")),
        cards=(card("T5G-1", assignee=ann, labels=("Trends",)),),
        comments={"T5G-1": (Comment(id="1", author=ann, body="Rebooted"),)},
        issues=(Issue(key="OCPBUGS-1", assignee=ann, fix_versions=("4.16",)),),
        bugs=(Bug(id=7, summary="It broke", target_release=("---",)),),
    )
    return json.decode(json.encode(made), type=Case)  # texts of its own, as from Redis


def test_equal_texts_people_and_lists_are_the_same_object() -> None:
    pool, first, second = Pool(), one("00000001"), one("00000002")
    pool.share(first)
    pool.share(second)
    assert first.portal.account is second.portal.account
    assert first.portal.tags is second.portal.tags
    assert first.cards[0].assignee is second.comments["T5G-1"][0].author
    assert first.issues[0].assignee is first.cards[0].assignee
    assert first.bugs[0].summary is second.bugs[0].summary


def test_sharing_changes_no_fact() -> None:
    shared = one("00000001")
    Pool().share(shared)
    assert shared == one("00000001")


def test_what_is_remembered_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(pools, "MOST", 3)
    pool = Pool()
    for n in range(20):
        pool.share(Case(portal=portal("00000001", tags=(f"tag {n}",))))
        assert len(pool._seen) <= 3
