"""The thin shells of the two dialects: they move requests and answers, and page.

What to ask and what an answer means is said in `graphql` and `hydra`; tokens in `token`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from t5g.errors import UpstreamError
from t5g.model import CaseComment, Details
from t5g.settings import Settings
from workers.calls import Caller, Policy, Traffic, Transient
from workers.items import Breaker, in_batches
from workers.paging import Walk
from workers.portal import graphql, hydra
from workers.portal.token import SERVICE as SSO
from workers.portal.token import Tokens
from workers.portal.values import SERVICE, CaseDetails, Malformed, Page, PortalClient
from workers.streams import batched
from workers.web import Answer, Request, Web, judge

T = TypeVar("T")

#: Into so many stretches a listing is cut at most: a hundred thousand cases take some dozens.
MOST_PARTS = 1_000
BATCHES_AT_ONCE = 4
GRAPHQL_AT_ONCE = 8
REST_AT_ONCE = 24
UNAUTHORISED = 401


class Rest:
    """Authorised requests to the Portal: a refused token is renewed once, for all at once."""

    def __init__(self, web: Web, caller: Caller, tokens: Tokens) -> None:
        self._web = web
        self._caller = caller
        self._tokens = tokens

    async def ask(self, request: Request, read: Callable[[Answer], T]) -> T:
        """Send one request and return what `read` makes of the answer; retried as a whole."""

        async def attempt() -> T:
            return read(await self._authorised(request))

        return await self._caller.insist(attempt)

    async def _authorised(self, request: Request) -> Answer:
        access = await self._tokens.get()
        answer = await self._send(access, request)
        if answer.status != UNAUTHORISED:
            return answer
        self._tokens.refused(access)
        self._caller.traffic.count(SERVICE)
        access = await self._tokens.get()
        answer = await self._send(access, request)
        if answer.status == UNAUTHORISED:
            self._tokens.refused(access)
            raise Transient("HTTP 401: a fresh access token was refused too", concerns_all=True)
        return answer

    async def _send(self, access: str, request: Request) -> Answer:
        headers = {**request.headers, "Authorization": f"Bearer {access}"}
        return await self._web.send(msgspec.structs.replace(request, headers=headers))


class GraphqlPortal:
    """The Portal since September 2026: cases by GraphQL, linked issues by REST."""

    unknown = graphql.UNKNOWN

    def __init__(self, settings: Settings, service: Rest, rest: Rest) -> None:
        self._service = service
        self._rest = rest
        self._url = str(settings.portal_url)
        self._rest_url = str(settings.portal_rest_url).rstrip("/")
        self._zone = ZoneInfo(settings.portal_timezone)
        self._where = graphql.configured(settings)
        self._closed = graphql.configured_closed(settings)

    async def listing(self, since: datetime | None = None) -> AsyncIterator[Page]:
        """Yield the cases of the query, all or those changed at or after `since`."""
        parts = [self._where] if since is None else [self._where, graphql.changed_since(since)]
        async for connection in self._connections(graphql.all_of(*parts)):
            yield graphql.read_page(connection, self._zone)

    async def members(self, numbers: Sequence[str]) -> AsyncIterator[Page]:
        """Yield those of `numbers` that the query has; those that can not be asked for say so."""
        async for page in self._by_number(numbers, self._where):
            yield page

    async def look_up(self, numbers: Sequence[str]) -> AsyncIterator[Page]:
        """Yield those of `numbers` that the Portal has; those that can not be asked for say so."""
        async for page in self._by_number(numbers):
            yield page

    async def _by_number(
        self, numbers: Sequence[str], *within: graphql.Filter
    ) -> AsyncIterator[Page]:
        async def ask(batch: Sequence[str]) -> list[Page]:
            where = graphql.all_of(*within, graphql.with_numbers(batch))
            return [
                graphql.read_page(found, self._zone) async for found in self._connections(where)
            ]

        async for page in _pages_of(numbers, ask, graphql.DETAILS_PAGE, self.check):
            yield page

    async def closed(self, since: datetime) -> AsyncIterator[Page]:
        """Yield all closed cases that changed at or after `since`."""
        where = graphql.all_of(graphql.closed(), graphql.changed_since(since))
        pages = (graphql.read_page(found, self._zone) async for found in self._connections(where))
        async for page in _whole(pages, "what closed"):
            yield page

    @property
    def tells_closed(self) -> bool:
        """Whether it can be asked which closed cases were ours."""
        return bool(self._closed)

    async def closed_of_ours(self, since: datetime) -> AsyncIterator[Page]:
        """Yield what of ours is closed and changed at or after `since`, if that can be told."""
        if self._closed:
            where = graphql.all_of(self._closed, graphql.changed_since(since))
            pages = (
                graphql.read_page(found, self._zone) async for found in self._connections(where)
            )
            async for page in _whole(pages, "what closed"):
                yield page

    async def details(self, numbers: Sequence[str]) -> AsyncIterator[CaseDetails]:
        """Yield the details of each of `numbers`; those that can not be fetched say why."""
        links = Links(self._linked_issues)
        batches = in_batches(
            numbers,
            partial(self._details, links),
            size=graphql.DETAILS_PAGE,
            limit=BATCHES_AT_ONCE,
            check=self.check,
        )
        async for batch, found in batches:
            for row in found if isinstance(found, list) else _failed(batch, found):
                yield row
        if links.breaker.open is not None:
            raise links.breaker.open

    async def notify(self, number: str, user: str) -> None:
        """Refuse: this dialect has no call for it."""
        raise UpstreamError(
            SERVICE, f"graphql can not make {user} a watcher of {number}", transient=False
        )

    async def check(self) -> str:
        """Ask for one case of the query."""
        connection = await self._connection(graphql.LISTING, self._where, "", 1)
        return f"GraphQL answers; {connection.total} cases in the query"

    async def _connections(
        self, where: graphql.Filter, query: str = graphql.LISTING, size: int = 0
    ) -> AsyncIterator[graphql.Connection]:
        after, walk = "", Walk(SERVICE, "the listing")
        while True:
            found = await self._connection(query, where, after, size or graphql.PAGE_SIZE)
            yield found
            after = found.after
            if not after:
                return
            walk.turn(after)

    async def _connection(
        self, query: str, where: graphql.Filter, after: str, first: int
    ) -> graphql.Connection:
        return await self._service.ask(
            Request(
                method="POST",
                url=self._url,
                headers=graphql.HEADERS,
                json=graphql.request(query, where, after, first),
            ),
            graphql.read_connection,
        )

    async def _details(self, links: "Links", numbers: Sequence[str]) -> list[CaseDetails]:
        found, keys = await asyncio.gather(self._details_of(numbers), links.of(numbers))
        nameless = found.get("")  # it may be any of those that are missing
        return [
            self._joined(number, found.get(number, nameless), keys[number]) for number in numbers
        ]

    async def _details_of(self, numbers: Sequence[str]) -> dict[str, CaseDetails]:
        """Fetch the details by number; of a number that stands on two records the newer one's.

        Raises UpstreamError if fewer records come than there are: who is not among them is gone.
        """
        where, found = graphql.with_numbers(numbers), dict[str, CaseDetails]()
        ids: dict[str, str] = {}
        for node in await self._nodes(graphql.DETAILS, where, graphql.DETAILS_PAGE):
            try:
                row, case = graphql.details_of(node, self._zone), graphql.id_of(node)
            except (TypeError, ValueError, AttributeError, KeyError) as error:
                number = graphql.try_number(node)
                found[number] = CaseDetails(number=number, why=f"could not be read: {error}")
                continue
            if row is not None and row.number not in ids:
                found[row.number], ids[row.number] = row, case
        chunks = list(batched(ids.values(), graphql.COMMENTS_OF))
        comments = await asyncio.gather(*map(self._comments_of, chunks))
        told = {case: rows for chunk in comments for case, rows in chunk.items()}
        for number, case in ids.items():
            found[number] = _with_comments(found[number], told[case])
        return found

    async def _comments_of(
        self, ids: Sequence[str]
    ) -> dict[str, tuple[CaseComment, ...] | UnsetType]:
        where = graphql.of_cases(ids)
        nodes = await self._nodes(graphql.COMMENTS, where, graphql.PAGE_SIZE)
        try:
            return graphql.comments_by_case(nodes, ids, self._zone)
        except Transient as error:
            raise UpstreamError(SERVICE, error.reason) from error

    async def _nodes(self, query: str, where: graphql.Filter, size: int) -> list[object]:
        """Return all nodes of a query. Raises UpstreamError if fewer came than there are."""
        nodes: list[object] = []
        total: int | None = None
        async for page in self._connections(where, query, size):
            nodes += page.nodes
            total = page.total
        Walk(SERVICE, "the query").came(len(nodes), total)
        return nodes

    async def _linked_issues(self, number: str) -> tuple[str, ...]:
        url = f"{self._rest_url}/cases/{number}/jiras"
        return await self._rest.ask(Request(url=url), hydra.linked_issues)

    @staticmethod
    def _joined(
        number: str, found: CaseDetails | None, keys: tuple[str, ...] | UpstreamError
    ) -> CaseDetails:
        if found is None:
            return CaseDetails(number=number, why="the Portal does not have it", gone=True)
        if found.details is None:
            return msgspec.structs.replace(found, number=number)
        failed = isinstance(keys, UpstreamError)
        details = msgspec.structs.replace(found.details, issue_keys=UNSET if failed else keys)
        why = [found.why] if found.why else []
        why += [f"linked issues: {keys}"] if failed else []
        return msgspec.structs.replace(found, details=details, why="; ".join(why))


def _with_comments(row: CaseDetails, comments: tuple[CaseComment, ...] | UnsetType) -> CaseDetails:
    why = "a comment could not be read" if comments is UNSET else ""
    details = msgspec.structs.replace(row.details or Details(), comments=comments)
    return msgspec.structs.replace(row, details=details, why=why)


class Links:
    """The linked issues of cases in one run: each case is asked for once, also if its batch of
    details is cut in halves; when the service is in trouble, no more are.
    """

    def __init__(self, ask: Callable[[str], Awaitable[tuple[str, ...]]]) -> None:
        self._ask = ask
        self._known: dict[str, tuple[str, ...] | UpstreamError] = {}
        self.breaker = Breaker()

    async def of(self, numbers: Sequence[str]) -> dict[str, tuple[str, ...] | UpstreamError]:
        """Return the keys of each case, or why they are not known."""
        await asyncio.gather(*(self._learn(n) for n in numbers if n not in self._known))
        return {number: self._known[number] for number in numbers}

    async def _learn(self, number: str) -> None:
        try:
            self._known[number] = await self.breaker.call(partial(self._ask, number))
        except UpstreamError as error:
            self._known[number] = error


class HydraPortal:
    """The Portal's older REST API."""

    unknown = hydra.UNKNOWN

    def __init__(self, settings: Settings, rest: Rest, now: Callable[[], datetime]) -> None:
        self._rest = rest
        self._url = str(settings.portal_rest_url).rstrip("/")
        self._zone = ZoneInfo(settings.portal_timezone)
        self._query = hydra.configured(settings)
        self._closed = hydra.configured_closed(settings)
        self._now = now

    async def listing(self, since: datetime | None = None) -> AsyncIterator[Page]:
        """Yield the cases of the query, all or those changed at or after `since`."""
        parts = [self._query] if since is None else [self._query, hydra.changed_since(since)]
        async for result in self._results(hydra.all_of(*parts)):
            yield hydra.read_page(result, self._zone)

    async def members(self, numbers: Sequence[str]) -> AsyncIterator[Page]:
        """Yield those of `numbers` that the query has; those that can not be asked for say so."""
        async for page in self._by_number(numbers, self._query):
            yield page

    async def look_up(self, numbers: Sequence[str]) -> AsyncIterator[Page]:
        """Yield those of `numbers` that the Portal has; those that can not be asked for say so."""
        async for page in self._by_number(numbers):
            yield page

    async def _by_number(self, numbers: Sequence[str], *within: str) -> AsyncIterator[Page]:
        async def ask(batch: Sequence[str]) -> list[Page]:
            query = hydra.all_of(*within, hydra.with_numbers(batch))
            return [hydra.read_page(found, self._zone) async for found in self._results(query)]

        async for page in _pages_of(numbers, ask, hydra.NUMBERS_AT_ONCE, self.check):
            yield page

    async def closed(self, since: datetime) -> AsyncIterator[Page]:
        """Yield all closed cases that changed at or after `since`."""
        query = hydra.all_of(hydra.closed(), hydra.changed_since(since))
        pages = (hydra.read_page(result, self._zone) async for result in self._results(query))
        async for page in _whole(pages, "what closed"):
            yield page

    @property
    def tells_closed(self) -> bool:
        """Whether it can be asked which closed cases were ours."""
        return bool(self._closed)

    async def closed_of_ours(self, since: datetime) -> AsyncIterator[Page]:
        """Yield what of ours is closed and changed at or after `since`, if that can be told."""
        if self._closed:
            query = hydra.all_of(self._closed, hydra.changed_since(since))
            pages = (hydra.read_page(result, self._zone) async for result in self._results(query))
            async for page in _whole(pages, "what closed"):
                yield page

    async def details(self, numbers: Sequence[str]) -> AsyncIterator[CaseDetails]:
        """Yield the details of each of `numbers`; those that can not be fetched say why."""

        async def ask(batch: Sequence[str]) -> list[CaseDetails]:
            return [await self._details(number) for number in batch]

        rows = in_batches(numbers, ask, size=1, limit=REST_AT_ONCE, check=self.check)
        async for batch, found in rows:
            for row in found if isinstance(found, list) else _failed(batch, found):
                yield row

    async def notify(self, number: str, user: str) -> None:
        """Have a person told of a case's changes; may be called again."""
        await self._rest.ask(
            Request(
                method="POST",
                url=f"{self._url}/v1/cases/{number}/notifiedusers",
                json={"user": [{"ssoUsername": user}]},
            ),
            lambda answer: judge(SERVICE, answer),
        )

    async def check(self) -> str:
        """Ask how many cases the query has."""
        result = await self._search(self._query, 0, 1)
        return f"hydra answers; {result.found} cases in the query"

    async def _results(self, query: str) -> AsyncIterator[hydra.Result]:
        first = await self._search(query, 0, hydra.ROWS)
        if first.found <= hydra.WINDOW:
            yield first
            async for result in self._rest_of(query, first):
                yield result
            return
        async for result in self._parts(query):
            # Of the whole query, so that an entry that slipped between the parts is missed.
            yield hydra.Result(result.docs, first.found)

    async def _parts(self, query: str) -> AsyncIterator[hydra.Result]:
        walk = Walk(SERVICE, "the listing", most=MOST_PARTS)
        async for result in self._cut(query, hydra.whole_span(self._now()), walk):
            yield result
        undated = hydra.all_of(query, hydra.without_creation_date())
        async for result in self._whole(undated):
            yield result

    async def _cut(self, query: str, span: hydra.Span, walk: Walk) -> AsyncIterator[hydra.Result]:
        """Yield a result larger than the window in stretches of creation dates.

        `walk`: that of all stretches, which a Portal that ignores the dates would double for ever.
        """
        part = hydra.all_of(query, hydra.created_within(span))
        walk.turn(part)
        first = await self._search(part, 0, hydra.ROWS)
        if first.found <= hydra.WINDOW:
            yield first
            async for result in self._rest_of(part, first):
                yield result
            return
        halves = span.halves()
        if halves is None:
            async for result in self._cut_numbers(part, 0, 99_999_999, walk):
                yield result
            return
        for half in halves:
            async for result in self._cut(query, half, walk):
                yield result

    async def _cut_numbers(
        self, query: str, low: int, high: int, walk: Walk
    ) -> AsyncIterator[hydra.Result]:
        """Yield what was all created in one second, in stretches of case numbers."""
        part = hydra.all_of(query, hydra.numbered_within(low, high))
        walk.turn(part)
        first = await self._search(part, 0, hydra.ROWS)
        if first.found <= hydra.WINDOW or low == high:
            yield first
            async for result in self._rest_of(part, first):
                yield result
            return
        middle = (low + high) // 2
        for stretch in ((low, middle), (middle + 1, high)):
            async for result in self._cut_numbers(query, *stretch, walk):
                yield result

    async def _whole(self, query: str) -> AsyncIterator[hydra.Result]:
        first = await self._search(query, 0, hydra.ROWS)
        yield first
        async for result in self._rest_of(query, first):
            yield result

    async def _rest_of(self, query: str, first: hydra.Result) -> AsyncIterator[hydra.Result]:
        """Yield the pages after the first one; ends early when a page comes back empty."""
        start, walk = len(first.docs), Walk(SERVICE, "the listing")
        walk.turn(*first.marks())
        while 0 < start < min(first.found, hydra.WINDOW):
            result = await self._search(query, start, min(hydra.ROWS, hydra.WINDOW - start))
            if not result.docs:
                return
            walk.turn(*result.marks())
            yield result
            start += len(result.docs)

    async def _search(self, query: str, start: int, rows: int) -> hydra.Result:
        return await self._rest.ask(
            Request(url=f"{self._url}/search/cases", params=hydra.search(query, start, rows)),
            hydra.read_result,
        )

    async def _details(self, number: str) -> CaseDetails:
        return await self._rest.ask(
            Request(url=f"{self._url}/v1/cases/{number}"),
            lambda answer: hydra.details_of(number, answer, self._zone),
        )


async def _whole(pages: AsyncIterator[Page], what: str) -> AsyncIterator[Page]:
    """Yield pages. Raises UpstreamError if they end before all entries came that there are."""
    came, totals = 0, list[int]()
    async for page in pages:
        yield page
        came += page.entries
        totals += [page.total] if page.total is not None else []
    Walk(SERVICE, what).came(came, min(totals, default=None))  # it moves while it is read


async def _pages_of(
    numbers: Sequence[str],
    ask: Callable[[Sequence[str]], Awaitable[list[Page]]],
    size: int,
    check: Callable[[], Awaitable[object]],
) -> AsyncIterator[Page]:
    """Yield a page for each batch of cases by number, one after the other.

    A batch of which fewer entries come than there are has failed: who is not among them is gone.
    """

    async def whole(batch: Sequence[str]) -> list[Page]:
        pages = await ask(batch)
        total = max((page.total or 0 for page in pages), default=0)
        Walk(SERVICE, "the query").came(sum(page.entries for page in pages), total)
        return pages

    async for batch, found in in_batches(numbers, whole, size=size, limit=1, check=check):
        if isinstance(found, UpstreamError):
            yield Page(malformed=tuple(Malformed(number, str(found)) for number in batch))
        else:
            yield Page(
                cases=tuple(case for page in found for case in page.cases),
                malformed=tuple(bad for page in found for bad in page.malformed),
            )


def _failed(numbers: Sequence[str], error: UpstreamError) -> list[CaseDetails]:
    return [CaseDetails(number=number, why=str(error)) for number in numbers]


def open_portal(
    settings: Settings,
    web: Web,
    *,
    policy: Policy,
    traffic: Traffic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> PortalClient:
    """Make the client of the configured dialect on an open HTTP client."""

    def caller(service: str, limit: int) -> Caller:
        return Caller(service, limit=limit, policy=policy, traffic=traffic)

    tokens = Tokens(
        web,
        caller(SSO, 1),
        url=str(settings.sso_url),
        offline_token=settings.portal_offline_token.get_secret_value(),
        client_id=settings.sso_client_id,
    )
    rest = Rest(web, caller(SERVICE, REST_AT_ONCE), tokens)
    if settings.portal_api == "hydra":
        return HydraPortal(settings, rest, now)
    return GraphqlPortal(settings, Rest(web, caller(SERVICE, GRAPHQL_AT_ONCE), tokens), rest)
