"""Mentions of accounts in comments become names, wherever the person is known from."""

from datetime import timedelta

import pytest

from t5g.board import Board
from t5g.mentions import Mentions
from t5g.model import Case, Comment, Person
from t5g.state import CommentsSeen
from t5g.store import Store
from tests.making import NOW, card, card_seen, portal, portal_seen

ANN = Person(account="557058:0a-1", name="Ann Müller")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("@557058:0a-1 please look", "@Ann Müller please look"),
        ("thanks (@557058:0a-1), and @557058:0a-1.", "thanks (@Ann Müller), and @Ann Müller."),
        ("@557058:0a-12 is another", "@557058:0a-12 is another"),
        ("mail x@557058:0a-1", "mail x@557058:0a-1"),
        ("@nobody @", "@nobody @"),
    ],
)
def test_accounts_become_names(written: str, shown: str) -> None:
    mentions = Mentions()
    mentions.take(Case(portal=portal("00000001"), cards=(card("T5G-1", assignee=ANN),)))
    assert mentions.named(written) == shown


async def test_whoever_is_known_from_any_case_is_named_in_all(store: Store, board: Board) -> None:
    first = Comment(id="1", body=f"@{ANN.account} please look", created=NOW)
    elsewhere = card_seen("00000002", key="T5G-2", assignee=ANN)
    await store.write([portal_seen("00000001"), card_seen("00000001"), _said(first)], now=NOW)
    await store.write([portal_seen("00000002"), elsewhere], now=NOW)
    await board.refresh()
    assert _bodies(board) == ["@Ann Müller please look"]
    second = Comment(id="2", body=f"@{ANN.account}: and this", created=NOW + timedelta(hours=1))
    await store.write([_said(first, second)], now=NOW)
    await board.refresh()
    assert _bodies(board) == ["@Ann Müller please look", "@Ann Müller: and this"]


def _said(*comments: Comment) -> CommentsSeen:
    return CommentsSeen(number="00000001", card="T5G-1", comments=comments, seen=NOW)


def _bodies(board: Board) -> list[str]:
    return [comment.body for comment in board.entries["00000001"].case.card_comments]
