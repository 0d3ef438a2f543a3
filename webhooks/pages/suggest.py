"""Suggestions for the search box, from words gathered once a change."""

from typing import Final

import msgspec
from aiohttp import web

from t5g.board import Board
from webhooks.pages.asking import LONGEST_QUERY
from webhooks.pages.rendering import PAGES
from webhooks.pages.views.suggest import Vocabulary, suggest, vocabulary

#: Gathering the words of all cases takes a moment; a change or two later they are still good.
LASTS = 30.0


class Words:
    """The vocabulary of the board, at most half a minute old."""

    def __init__(self) -> None:
        self._words: Vocabulary = {}
        self._sequence = -2
        self._made = 0.0

    def of(self, board: Board, now: float) -> Vocabulary:
        """Return the words that the data has."""
        sequence = board.version[1]
        if not self._words or (sequence != self._sequence and now - self._made > LASTS):
            self._words = vocabulary(board.entries.values())
            self._sequence, self._made = sequence, now
        return self._words


WORDS: Final = web.AppKey("WORDS", Words)


async def show_suggestions(request: web.Request) -> web.Response:
    """`/suggest?q=`: how the query may go on, as JSON for the search box."""
    pages = request.app[PAGES]
    await pages.board.refresh()
    words = request.app[WORDS].of(pages.board, pages.clock())
    found = suggest(request.query.get("q", "")[:LONGEST_QUERY], words, pages.board.entries)
    return web.Response(
        body=msgspec.json.encode(found),
        content_type="application/json",
        headers={"Cache-Control": "private, max-age=5"},
    )
