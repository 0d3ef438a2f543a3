"""Joining observations is idempotent and indifferent to order."""

from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from t5g.model import Comment, Details, Issue, Source
from t5g.state import (
    EPOCH,
    TOMBSTONES,
    CardState,
    Collection,
    CommentSeen,
    CommentsSeen,
    DetailsSeen,
    ItemSeen,
    Register,
    State,
    join,
    source_of,
    visible,
)
from tests.making import NOW, ago, card, card_seen, details_seen, listing, portal_seen


def joined(*observations: object) -> State | None:
    state: State | None = None
    for observation in observations:
        state = join(state, observation)  # type: ignore[arg-type]
    return state


def test_older_observation_changes_nothing() -> None:
    new = portal_seen(status="Closed", updated=ago(days=1))
    old = portal_seen(status="Waiting on Customer", updated=ago(days=2))
    state = joined(new)
    assert join(state, old) is state


def test_same_observation_again_gives_the_very_state() -> None:
    first = portal_seen()
    state = joined(first)
    assert join(state, portal_seen(seen=NOW + timedelta(hours=1))) is state
    assert join(state, first) is state


def test_equal_update_time_seen_later_wins() -> None:
    state = joined(portal_seen(severity="2 (High)", seen=NOW))
    later = join(state, portal_seen(severity="1 (Urgent)", seen=NOW + timedelta(minutes=1)))
    assert isinstance(later, Register)
    assert later.facts.severity == "1 (Urgent)"


def test_of_two_that_differ_at_one_moment_the_same_wins_in_either_order() -> None:
    one, other = portal_seen(severity="2 (High)"), portal_seen(severity="1 (Urgent)")
    assert joined(one, other) == joined(other, one)


def test_an_issue_joins_those_that_are_known() -> None:
    def seen(key: str) -> ItemSeen:
        facts = Issue(key=key)
        return ItemSeen(
            number="01234567", source=Source.ISSUES, key=key, facts=facts, updated=NOW, seen=NOW
        )

    state = joined(seen("OCPBUGS-1"), seen("OCPBUGS-2"))
    assert isinstance(state, Collection)
    assert list(visible(state)) == ["OCPBUGS-1", "OCPBUGS-2"]


def test_each_observation_has_a_source() -> None:
    comment = CommentSeen(
        number="01234567", card="T5G-1", id="1", facts=None, updated=NOW, seen=NOW
    )
    assert [source_of(o) for o in (portal_seen(), details_seen(), card_seen(), comment)] == [
        Source.PORTAL, Source.DETAILS, Source.CARD, Source.CARD
    ]  # fmt: skip
    assert source_of(listed_comments()) is Source.CARD
    assert source_of(listing("01234567", Source.BUGS)) is Source.BUGS


def test_unknown_details_never_overwrite_known_ones() -> None:
    state = joined(
        details_seen(crit_sit=True, relief_at=ago(days=1)),
        details_seen(seen=NOW + timedelta(hours=1), group_name="SBR"),
    )
    assert isinstance(state, Register)
    assert state.facts.crit_sit is True
    assert state.facts.relief_at == ago(days=1)
    assert state.facts.group_name == "SBR"
    assert state.facts.notified_users is UNSET


def test_details_that_say_nothing_new_give_the_very_state() -> None:
    first = details_seen(crit_sit=True, group_name="SBR")
    state = joined(first)
    assert join(state, first) is state
    again = DetailsSeen(
        number="01234567", facts=Details(crit_sit=True), updated=NOW, seen=NOW + timedelta(hours=1)
    )
    assert join(state, again) is state


def test_known_to_be_none_overwrites() -> None:
    state = joined(
        details_seen(relief_at=ago(days=1)),
        details_seen(seen=NOW + timedelta(hours=1), relief_at=None),
    )
    assert isinstance(state, Register)
    assert state.facts.relief_at is None


def test_listing_drops_what_it_lacks_but_not_what_came_after_it() -> None:
    before = card_seen(key="T5G-1", seen=ago(hours=2))
    after = card_seen(key="T5G-2", seen=NOW + timedelta(minutes=5))
    state = joined(before, after, listing("01234567", Source.CARD, seen=NOW))
    assert isinstance(state, CardState)
    assert list(visible(state.cards)) == ["T5G-2"]


def test_listing_drops_what_an_earlier_listing_had() -> None:
    earlier = listing("01234567", Source.CARD, card("T5G-1"), card("T5G-2"), seen=ago(hours=2))
    state = joined(earlier, listing("01234567", Source.CARD, card("T5G-2"), seen=NOW))
    assert isinstance(state, CardState)
    assert list(state.cards.items) == ["T5G-2"]


def test_an_item_and_a_listing_of_one_moment_end_alike_in_either_order() -> None:
    item, empty = card_seen(seen=NOW), listing("01234567", Source.CARD, seen=NOW)
    for order in permutations([item, empty]):
        assert cards_of(joined(*order)) == {}, order


@pytest.mark.parametrize(("gone", "written"), [(TOMBSTONES - 1, False), (TOMBSTONES, True)])
def test_a_listing_sweeps_tombstones_out_when_there_are_many(gone: int, written: bool) -> None:
    state = joined(listing("01234567", Source.CARD, card("T5G-0"), seen=ago(hours=2)))
    for n in range(1, gone + 1):
        state = join(
            state,
            ItemSeen(
                number="01234567",
                source=Source.CARD,
                key=f"T5G-{n}",
                facts=None,
                updated=ago(hours=1),
                seen=ago(hours=1),
            ),
        )
    after = join(state, listing("01234567", Source.CARD, card("T5G-0"), seen=NOW))
    assert (after is not state) is written
    assert isinstance(after, CardState)
    assert len(after.cards.items) == (1 if written else 1 + gone)


def test_late_item_that_a_later_listing_lacked_stays_away() -> None:
    empty = listing("01234567", Source.CARD, seen=NOW)
    state = joined(empty)
    assert join(state, card_seen(seen=ago(hours=1))) is state


def test_deleted_card_is_not_brought_back_by_an_older_event() -> None:
    gone = ItemSeen(
        number="01234567", source=Source.CARD, key="T5G-1", facts=None, updated=NOW, seen=NOW
    )
    state = joined(gone, card_seen(updated=ago(minutes=1), seen=ago(minutes=1)))
    assert isinstance(state, CardState)
    assert visible(state.cards) == {}


def test_quiet_listing_writes_nothing() -> None:
    state = joined(listing("01234567", Source.CARD, card(), seen=NOW))
    later = listing("01234567", Source.CARD, card(), seen=NOW + timedelta(hours=1))
    assert join(state, later) is state


def test_partial_comments_keep_the_others() -> None:
    def comment(n: int) -> Comment:
        return Comment(id=str(n), body=f"text {n}", created=ago(hours=10 - n))

    everything = CommentsSeen(
        number="01234567", card="T5G-1", comments=(comment(1), comment(2)), seen=NOW
    )
    part = CommentsSeen(
        number="01234567",
        card="T5G-1",
        comments=(comment(3),),
        complete=False,
        seen=NOW + timedelta(1),
    )
    state = joined(card_seen(), everything, part)
    assert isinstance(state, CardState)
    assert list(visible(state.comments["T5G-1"])) == ["1", "2", "3"]


def test_comments_go_with_a_card_that_a_listing_lacks_but_for_what_came_after_it() -> None:
    def said(id: str, key: str, seen: datetime) -> CommentSeen:
        facts = Comment(id=id, created=seen)
        return CommentSeen(number="01234567", card=key, id=id, facts=facts, updated=seen, seen=seen)

    state = joined(
        card_seen(key="T5G-1", seen=ago(hours=3)),
        card_seen(key="T5G-2", seen=ago(hours=3)),
        card_seen(key="T5G-3", seen=ago(hours=3)),
        said("1", "T5G-1", ago(hours=2)),
        said("2", "T5G-2", ago(hours=2)),
        said("3", "T5G-2", NOW),
        said("4", "T5G-3", ago(hours=2)),
        listing("01234567", Source.CARD, card("T5G-1"), seen=ago(hours=1)),
    )
    assert isinstance(state, CardState)
    assert {key: list(kept.items) for key, kept in state.comments.items()} == {
        "T5G-1": ["1"],
        "T5G-2": ["3"],
    }


def listed_comments(*comments: Comment, seen: datetime = NOW) -> CommentsSeen:
    return CommentsSeen(number="01234567", card="T5G-1", comments=comments, seen=seen)


def test_a_complete_list_of_comments_drops_what_it_lacks() -> None:
    one, two = Comment(id="1", created=ago(hours=3)), Comment(id="2", created=ago(hours=3))
    state = joined(
        card_seen(),
        listed_comments(one, two, seen=ago(hours=2)),
        listed_comments(two, seen=ago(hours=1)),
    )
    assert isinstance(state, CardState)
    assert list(state.comments["T5G-1"].items) == ["2"]
    late = CommentSeen(
        number="01234567", card="T5G-1", id="1", facts=one, updated=NOW, seen=ago(minutes=90)
    )
    assert join(state, late) is state, "a later list did not have it"


@pytest.mark.parametrize(
    ("times", "updated"),
    [
        ({"created": ago(hours=3), "updated": ago(hours=1)}, ago(hours=1)),
        ({"created": ago(hours=3)}, ago(hours=3)),
        ({"updated": ago(hours=1)}, ago(hours=1)),
        ({}, EPOCH),
    ],
)
def test_a_listed_comment_is_as_old_as_it_says(
    times: dict[str, datetime], updated: datetime
) -> None:
    state = joined(listed_comments(Comment(id="1", **times)))
    assert isinstance(state, CardState)
    assert state.comments["T5G-1"].items["1"].updated == updated


KEYS = st.sampled_from(["T5G-1", "T5G-2"])
TIMES = st.integers(0, 6)


@st.composite
def histories(draw: st.DrawFn) -> list[object]:
    """Events of one card project as it could have sent them: each change has its own time."""
    events: list[object] = []
    for moment in range(1, 1 + draw(st.integers(1, 6))):
        at = NOW + timedelta(seconds=moment)
        kind = draw(st.sampled_from(["card", "gone", "comment", "uncomment"]))
        key = draw(KEYS)
        if kind == "card":
            status = draw(st.sampled_from(["New", "Open", "Done"]))
            events.append(card_seen(key=key, status=status, updated=at, seen=at))
        elif kind == "gone":
            events.append(
                ItemSeen(
                    number="01234567", source=Source.CARD, key=key, facts=None, updated=at, seen=at
                )
            )
        else:
            number = draw(st.sampled_from(["7", "8"]))
            facts = Comment(id=number, body=str(moment), updated=at) if kind == "comment" else None
            events.append(
                CommentSeen(
                    number="01234567", card=key, id=number, facts=facts, updated=at, seen=at
                )
            )
    return events


@settings(max_examples=150)
@given(histories(), st.randoms(use_true_random=False))
def test_any_shuffle_and_duplication_ends_the_same(events: list[object], random: object) -> None:
    shuffled = events * 2
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    wanted = joined(*events)
    assert joined(*shuffled) == wanted


@settings(max_examples=100)
@given(histories(), st.integers(0, 6))
def test_a_listing_joins_in_any_place(events: list[object], at: int) -> None:
    seen = NOW + timedelta(seconds=at, milliseconds=500)
    complete = listing(
        "01234567", Source.CARD, card("T5G-1", status="Open", updated=NOW), seen=seen
    )
    wanted = cards_of(joined(*events, complete))
    for place in range(len(events) + 1):
        found = cards_of(joined(*events[:place], complete, *events[place:]))
        assert found == wanted, f"listing at place {place}"


def cards_of(state: State | None) -> dict[str, str]:
    assert isinstance(state, CardState)
    return {key: found.status for key, found in visible(state.cards).items()}


def test_three_listings_in_any_order_end_as_the_newest() -> None:
    listings = [
        listing(
            "01234567",
            Source.CARD,
            card("T5G-1", status=status, updated=NOW + timedelta(hours=n)),
            seen=NOW + timedelta(hours=n),
        )
        for n, status in enumerate(["New", "Open", "Done"])
    ]
    for order in permutations(listings):
        assert cards_of(joined(*order)) == {"T5G-1": "Done"}


def test_two_looks_at_the_very_same_moment_end_alike_in_either_order() -> None:
    looks = [
        details_seen(crit_sit=True),
        details_seen(crit_sit=False),
    ]
    first = join(join(None, looks[0]), looks[1])
    second = join(join(None, looks[1]), looks[0])
    assert first == second


def test_a_late_listing_still_tells_what_it_knows_newer() -> None:
    number, older, newer = "01234567", ago(hours=2), ago(hours=1)
    kept = join(None, listing(number, Source.CARD, card("T5G-1", updated=older), seen=NOW))
    late = listing(number, Source.CARD, card("T5G-1", updated=newer, status="Blocked"), seen=newer)
    found = join(kept, late)
    assert isinstance(found, CardState)
    facts = found.cards.items["T5G-1"].facts
    assert facts is not None
    assert facts.status == "Blocked"


def test_a_late_listing_brings_back_nothing_that_a_later_one_lacked() -> None:
    kept = join(None, listing("01234567", Source.CARD, card("T5G-1"), seen=NOW))
    late = listing("01234567", Source.CARD, card("T5G-1"), card("T5G-2"), seen=ago(hours=1))
    assert join(kept, late) is kept
