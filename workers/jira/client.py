"""The JIRA client of the syncs: searches in pages, whatever kind of server answers.

Values are JIRA's own JSON (`t5g.jira_payloads` reads it). Paging, batches and what a repeated or
short page means end here.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial

from t5g.clock import BEHIND
from t5g.errors import UpstreamError
from t5g.jira_payloads import CASE_LINKS_PROPERTY
from t5g.settings import Settings
from t5g.timestamps import parse_time
from workers.answers import Json, count_in
from workers.blocking import Threads
from workers.calls import Caller, Policy, Traffic
from workers.items import in_batches
from workers.jira import jql
from workers.jira.paging import every_row, search_pages
from workers.jira.server import SERVICE, JqlError, Server, judge

PAGE_SIZE = 100
KEYS_AT_ONCE = 100
PASSES = 2
CALLS_AT_ONCE = 6
#: How often a batch with keys that do not exist is asked again without them.
MOST_REFUSALS = 8


#: Issues by the key that was asked for; None: not there, or not for us.
Found = dict[str, Json | UpstreamError | None]


class JiraClient:
    """Searches and looks at issues. Close it when done."""

    def __init__(self, settings: Settings, threads: Threads, server: Server) -> None:
        self._settings = settings
        self._threads = threads
        self._server = server
        ids = settings.jira_fields
        self._card_fields = [*_COMMON, "comment", ids.contributors, ids.sprint]
        self._issue_fields = [
            *_COMMON, "fixVersions", ids.severity, ids.qa_contact, ids.private_keywords,
        ]  # fmt: skip
        self._escalation_fields = [*_COMMON, ids.escalated_cases]
        self._assured = False
        self._assuring = asyncio.Lock()

    def close(self) -> None:
        """Let go of threads and connections."""
        self._threads.close()
        self._server.close()  # type: ignore[no-untyped-call]

    async def cards(
        self, *, sprint_ids: Sequence[int] | None = None, minutes: int | None = None
    ) -> AsyncIterator[list[Json]]:
        """Yield the team's cards with all fields and comments, page by page.

        `minutes`: only those changed in the last so many minutes, then also those of the project
        that have lost the label.
        """
        clauses = [jql.cards(self._settings, sprint_ids)]
        if minutes is not None:
            if sprint_ids is None:
                clauses = [jql.project(self._settings.jira_project)]
            clauses.append(jql.updated_within(minutes))
        async for page in self._search(jql.all_of(*clauses), {"fields": self._card_fields}):
            yield page

    async def escalations(self) -> AsyncIterator[list[Json]]:
        """Yield the open escalations that concern the team."""
        query = jql.all_of(jql.escalations(self._settings))
        async for page in self._search(query, self._escalation_ask):
            yield page

    def issues(self, keys: Sequence[str]) -> AsyncIterator[Found]:
        """Yield linked issues by the key asked for, in batches.

        None: not there or not for us; an error: it alone could not be asked for.
        """
        return self._by_key(keys, {"fields": self._issue_fields})

    def cards_by_key(self, keys: Sequence[str]) -> AsyncIterator[Found]:
        """Yield cards, also such as are none any more, as `issues` does."""
        return self._by_key(keys, {"fields": self._card_fields})

    def escalations_by_key(self, keys: Sequence[str]) -> AsyncIterator[Found]:
        """Yield escalations, also finished ones, as `issues` does."""
        return self._by_key(keys, self._escalation_ask)

    async def _by_key(self, keys: Sequence[str], ask: Json) -> AsyncIterator[Found]:
        valid = [key for key in keys if jql.KEY.fullmatch(key)]
        broken: Found = {key: None for key in keys if not jql.KEY.fullmatch(key)}
        if broken:
            yield broken
        batches = in_batches(
            valid,
            partial(self._batch, ask),
            size=KEYS_AT_ONCE,
            limit=CALLS_AT_ONCE,
            check=self.check,
        )
        async for batch, found in batches:
            if isinstance(found, UpstreamError):
                yield dict.fromkeys(batch, found)
                continue
            if None in found.values():
                await self._assure()
            yield found

    async def comments(self, key: str) -> list[Json]:
        """Return all comments of an issue."""
        pages = partial(self._threads.run, self._server.comment_page, key)
        return [row async for row in every_row(pages, "comments")]

    async def remote_links(self, key: str) -> list[Json]:
        """Return the remote links of an issue."""
        return await self._threads.run(self._server.remote_link_rows, key)

    async def project(self, key: str) -> Json:
        """Return a project, also by a key that it had before, with its id and present key."""
        return await self._threads.run(self._server.project_json, key)

    async def sprint_ids(self, board: str, name: str) -> list[int]:
        """Return the sprints of a board (by its exact name) whose name contains `name`.

        Without a name: the active ones. Names of sprints are not unique, so it may be several.
        """
        states = "active,future,closed" if name else "active"
        found: list[int] = []
        boards = partial(self._threads.run, self._server.board_page, board)
        async for row in every_row(boards, "values"):
            if row.get("name") == board and row.get("type") != "kanban":
                found += await self._sprints_of(row["id"], states, name)
        return found

    @property
    def _escalation_ask(self) -> Json:
        properties = [CASE_LINKS_PROPERTY]
        return {
            "fields": self._escalation_fields, "expand": "renderedFields", "properties": properties,
        }  # fmt: skip

    async def _assure(self) -> None:
        """Make sure, once, that JIRA knows us before something missing counts as gone.

        Cloud answers an expired token as if nobody had asked: with nothing, or less than there is.
        """
        async with self._assuring:
            if not self._assured:
                await self._threads.run(self._server.who_am_i)
                self._assured = True

    async def check(self) -> str:
        """Ask who we are: Cloud answers expired tokens as if nobody had asked."""
        row = await self._threads.run(self._server.who_am_i)
        info = await self._threads.run(self._server.server_info_json)
        told = parse_time(info.get("serverTime"), self._settings.jira_zone)
        ahead = (told - datetime.now(UTC)).total_seconds() if told else 0.0
        if abs(ahead) > BEHIND.total_seconds():
            side = "ahead of" if ahead > 0 else "behind"
            why = (
                f"its clock is {abs(ahead):.0f} s {side} ours, or T5G_JIRA_TIMEZONE is not its zone"
            )
            raise UpstreamError(SERVICE, why, transient=False)
        return f"answers as {row.get('displayName') or row.get('name') or 'an unnamed account'}"

    async def _sprints_of(self, board: int, states: str, name: str) -> list[int]:
        pages = partial(self._threads.run, self._server.sprint_page, board, states)
        wanted = name.casefold()
        return [
            row["id"]
            async for row in every_row(pages, "values")
            if wanted in str(row.get("name")).casefold()
        ]

    async def _search(self, query: str, ask: Json) -> AsyncIterator[list[Json]]:
        """Yield all pages of a search; the same issue may come twice.

        Pages by offset shift while issues come and go. If fewer issues came than there were, the
        search is made once more, and fails if that does not help.
        """
        ask = {**ask, "size": PAGE_SIZE}
        keys: set[str] = set()
        for _ in range(PASSES):
            total = 0
            async for page in search_pages(self._threads, self._server, query, ask):
                keys.update(str(issue.get("key")) for issue in page["issues"])
                total = max(total, count_in(page) or 0)
                yield page["issues"]
            if len(keys) >= total:
                break
        else:
            raise UpstreamError(SERVICE, f"the search gave {len(keys)} of {total} issues")
        if not keys:
            await self._assure()

    async def _batch(self, ask: Json, keys: Sequence[str]) -> Found:
        """Fetch issues by key. JIRA refuses the whole query for one key that does not exist."""
        asked = list(keys)
        for _ in range(MOST_REFUSALS):
            try:
                rows = await self._rows_of(ask, asked)
            except JqlError as error:
                named = jql.keys_in(error.said) & set(asked)
                if not named:
                    return await self._halves(ask, keys, asked, error)
                asked = [key for key in asked if key not in named]
            else:
                return await self._matched(ask, keys, asked, rows)
        return await self._halves(ask, keys, asked, JqlError("too many keys that do not exist"))

    async def _rows_of(self, ask: Json, keys: Sequence[str]) -> list[Json]:
        if not keys:
            return []
        query = jql.all_of(jql.keys(keys))
        return [row async for page in self._search(query, ask) for row in page]

    async def _halves(
        self, ask: Json, keys: Sequence[str], asked: Sequence[str], error: JqlError
    ) -> Found:
        """Find the key that spoils a batch by cutting it in two."""
        found: Found = dict.fromkeys(keys)
        if len(asked) <= 1:
            if keys and not jql.keys_in(error.said) and "exist" not in error.said.casefold():
                raise error
            return found
        middle = len(asked) // 2
        for half in (asked[:middle], asked[middle:]):
            found.update(await self._batch(ask, half))
        return found

    async def _matched(
        self, ask: Json, keys: Sequence[str], asked: Sequence[str], rows: Sequence[Json]
    ) -> Found:
        """Put rows to the keys asked for.

        A key that JIRA knows (it did not refuse it) and yet gave no row for is asked for alone: an
        issue that moved answers so under its new key.
        """
        by_key = {str(row.get("key")): row for row in rows}
        found: Found = {key: by_key.get(key) for key in keys}
        for key in asked:
            if found[key] is None:
                found[key] = await self._moved(ask, key)
        return found

    async def _moved(self, ask: Json, key: str) -> Json | None:
        try:
            return await self._threads.run(self._server.issue_json, key, ask)
        except UpstreamError as error:
            if "HTTP 404" in str(error) or "HTTP 403" in str(error):
                return None
            raise


_COMMON = [
    "summary", "status", "priority", "assignee", "labels", "created", "updated", "issuetype",
    "project", "resolution",
]  # fmt: skip


def open_jira(settings: Settings, *, policy: Policy, traffic: Traffic) -> JiraClient:
    """Make the client; nothing is asked of JIRA yet."""
    caller = Caller(SERVICE, limit=CALLS_AT_ONCE, policy=policy, traffic=traffic)
    timeout = settings.upstream_timeout
    threads = Threads(caller, judge, threads=CALLS_AT_ONCE, timeout=timeout)
    return JiraClient(
        settings, threads, Server(settings, connections=CALLS_AT_ONCE, timeout=timeout)
    )
