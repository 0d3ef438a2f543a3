"""The address that JIRA posts to: who is let in, what is answered, what has then been written."""

import pytest

from t5g.board import Board
from t5g.store import Store
from tests.making import NOW, portal_seen
from tests.making_jira import comment_event, issue_event
from tests.webhooks.conftest import Post


@pytest.fixture(autouse=True)
async def case(store: Store) -> None:
    """A case that the Portal has told of."""
    await store.write([portal_seen()], now=NOW)


async def test_a_moved_card_shows_in_another_processes_next_answer(
    post: Post, board: Board
) -> None:
    await post(issue_event("created", 0))
    await board.refresh()
    assert board.entries["01234567"].internal_status == "Debugging"
    status, told = await post(issue_event("updated", 1, status="In Progress"))
    await board.refresh()
    assert (status, told) == (200, {"outcome": "applied"})
    assert board.entries["01234567"].internal_status == "Eng Working"


async def test_a_comment_shows(post: Post, board: Board) -> None:
    await post(issue_event("created", 0))
    await post(comment_event("created", 1, body="Rebooted it"))
    await board.refresh()
    assert [c.body for c in board.entries["01234567"].case.card_comments] == ["Rebooted it"]
