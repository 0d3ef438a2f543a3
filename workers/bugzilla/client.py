"""The Bugzilla client of the syncs: bugs in batches, over REST or XML-RPC.

python-bugzilla answers with fewer bugs than asked for when some are missing or restricted, raises
for a lone one, and puts the API key into addresses: all of that ends here.
"""

import asyncio
import xmlrpc.client
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import requests
from bugzilla import Bugzilla
from bugzilla.exceptions import BugzillaError

from t5g.errors import UpstreamError
from t5g.model import Bug
from t5g.settings import Settings
from t5g.timestamps import parse_time
from workers.answers import NOT_ASKED_FOR, rows_in
from workers.blocking import NamingAdapter, Threads, judge_requests
from workers.calls import Caller, Policy, Traffic, Transient
from workers.items import in_batches
from workers.whiteboards import lacking, with_words

SERVICE = "bugzilla"
BATCH = 200
CALLS_AT_ONCE = 3
UNREADABLE = "its answer could not be read"
#: Ids over this do not fit into XML-RPC's integers; no Bugzilla has them.
LARGEST_ID = 2**31 - 1
#: Some servers cut answers at so many rows without a word; then what is missing is asked again.
SUSPICIOUS_ROWS = 20
#: The server's own names: the package's are translated in some calls only, and a server ignores
#: names that it does not know, in reads and in updates.
FIELDS = (
    "id", "summary", "status", "severity", "target_release", "target_milestone", "assigned_to",
    "qa_contact", "whiteboard", "cf_internal_whiteboard", "last_change_time",
)  # fmt: skip
#: What every server has of every bug: a row without one of these is not all there is.
ALWAYS = frozenset({"id", "summary", "status", "last_change_time"})
#: The server's names of the fields that keywords can be put into.
WHITEBOARDS = {"whiteboard": "whiteboard", "internal_whiteboard": "cf_internal_whiteboard"}
NOT_FOR_US = frozenset({100, 101, 102})
KEY_REFUSED = frozenset({300, 301, 302, 303, 304, 305, 306, 307, 310, 410, 400})
UNAVAILABLE = frozenset({-32000, 100500})


class BugzillaClient:
    """Fetches bugs. Close it when done."""

    def __init__(self, settings: Settings, threads: Threads) -> None:
        self._settings = settings
        self._threads = threads
        self._base = str(settings.bugzilla_url).rstrip("/")
        self._zone = ZoneInfo(settings.bugzilla_timezone)
        self._server: Bugzilla | None = None
        self._lock = asyncio.Lock()

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.close()
        if self._server is not None:
            self._server.get_requests_session().close()

    async def bugs(self, ids: Sequence[int]) -> AsyncIterator[dict[int, Bug | UpstreamError]]:
        """Yield a bug for every one of `ids`, in batches; those that we may not read say so.

        An error: that one alone could not be asked for, or came and can not be read.
        """
        possible = [i for i in ids if 0 < i <= LARGEST_ID]
        if len(possible) < len(ids):
            yield {i: self._restricted(i) for i in ids if not 0 < i <= LARGEST_ID}
        batches = in_batches(
            possible, self._batch, size=BATCH, limit=CALLS_AT_ONCE, check=self.check
        )
        async for batch, found in batches:
            yield dict.fromkeys(batch, found) if isinstance(found, UpstreamError) else found

    async def check(self) -> str:
        """Ask for the version and whether the key is known (connecting alone proves nothing)."""
        server = await self._connected()
        await self._threads.run(_ask, server, [1, 2])
        return f"answers with version {server.bz_ver_major}.{server.bz_ver_minor}"

    async def add_words(self, bug_id: int, field: str, words: Sequence[str]) -> tuple[str, str]:
        """Add words to a whiteboard that lack there, without mail; return it before and after."""
        server = await self._connected()
        return await self._threads.run(_add_words, server, bug_id, field, words)

    async def _batch(self, ids: Sequence[int]) -> dict[int, Bug | UpstreamError]:
        server = await self._connected()
        found: dict[int, Bug | UpstreamError] = {}
        missing, asked = list(ids), 0
        while missing and asked < len(ids):
            answer = await self._threads.run(_ask, server, missing)
            asked += 1
            wanted = set(missing)
            rows = [row for row in answer if row["id"] in wanted]
            got = {row["id"] for row in rows}
            found |= {i: UpstreamError(SERVICE, UNREADABLE, transient=False) for i in got}
            found |= {bug.id: bug for row in rows if (bug := self._read(row)) is not None}
            missing = [i for i in missing if i not in got]
            if not got or len(answer) < SUSPICIOUS_ROWS:
                break  # nothing more came of what was asked for, or nothing was cut off
        return found | {i: self._restricted(i) for i in missing}

    async def _connected(self) -> Bugzilla:
        async with self._lock:
            if self._server is None:
                try:
                    self._server = await self._threads.run(self._connect)
                except UpstreamError as error:
                    error.concerns_all = True  # it is asked for its version, and for no bug
                    raise
            return self._server

    def _connect(self) -> Bugzilla:
        rest = self._settings.bugzilla_api == "rest"
        return Bugzilla(
            self._base if rest else f"{self._base}/xmlrpc.cgi",
            api_key=self._settings.bugzilla_api_key.get_secret_value() or None,
            force_rest=rest,
            force_xmlrpc=not rest,
            use_creds=False,
            requests_session=_Session(self._settings.upstream_timeout),
        )

    def _read(self, row: Mapping[str, Any]) -> Bug | None:
        try:
            return bug_of(row, self._base, self._zone) if row.keys() >= ALWAYS else None
        except (KeyError, TypeError, ValueError):
            return None

    def _restricted(self, bug_id: int) -> Bug:
        return Bug(id=bug_id, url=bug_url(self._base, bug_id), restricted=True)


class _Session(requests.Session):
    """A session whose time limit is ours (the package's is five minutes)."""

    def __init__(self, timeout: float) -> None:
        super().__init__()
        self._limit = (10.0, timeout)
        for scheme in ("https://", "http://"):
            self.mount(scheme, NamingAdapter())

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request within our time limit."""
        return super().request(*args, **{**kwargs, "timeout": self._limit})


def bug_of(row: Mapping[str, Any], base: str, zone: tzinfo = UTC) -> Bug:
    """Read one bug; raises KeyError, TypeError or ValueError if it has no number."""
    bug_id = int(row["id"])
    release = row.get("target_release", row.get("target_milestone"))
    whiteboard = row.get("cf_internal_whiteboard") or row.get("whiteboard")
    return Bug(
        id=bug_id,
        url=bug_url(base, bug_id),
        summary=_text(row.get("summary")),
        status=_text(row.get("status")),
        severity=_text(row.get("severity")),
        target_release=tuple(_text(x) for x in _list(release) if x not in (None, "")),
        assignee=_text(row.get("assigned_to")),
        qa_contact=_text(row.get("qa_contact")),
        whiteboard=_text(whiteboard),
        updated=parse_time(_text(row.get("last_change_time")), zone),
    )


def bug_url(base: str, bug_id: int) -> str:
    """Return the address of a bug for people."""
    return f"{base.removesuffix('/rest')}/show_bug.cgi?id={bug_id}"


def judge(error: Exception) -> Exception:
    """Turn an exception of the package into what it means.

    Texts of the server are not passed on: they were seen to carry secrets.
    """
    match error:
        case BugzillaError():
            return _coded(error.code)
        case xmlrpc.client.Fault():
            return _coded(error.faultCode)
        case xmlrpc.client.ProtocolError():
            return Transient(f"HTTP {error.errcode}")
        case xmlrpc.client.ResponseError() | SyntaxError():
            return Transient("the answer was cut off")
        case _ if type(error).__name__ == "ExpatError":
            return Transient("the answer was cut off")
        case LookupError() | TypeError() | AttributeError():
            return Transient(NOT_ASKED_FOR)  # where the package found no list, or no bug in it
    return judge_requests(SERVICE, error)


def _coded(code: Any) -> Exception:
    try:
        number = int(code)
    except (TypeError, ValueError):
        return Transient("the server is in trouble")  # seen as text while its database is down
    if number in KEY_REFUSED:
        return UpstreamError(
            SERVICE,
            f"the API key was refused (code {number}); set T5G_BUGZILLA_API_KEY anew",
            transient=False,
            concerns_all=True,
        )
    if number in NOT_FOR_US:
        return _NotForUs(number)
    if number >= 100_000 or number < 0 or number in UNAVAILABLE:
        return Transient(f"error {number}")
    return UpstreamError(SERVICE, f"error {number}", transient=False)


class _NotForUs(UpstreamError):
    """A lone bug that is missing or restricted."""

    def __init__(self, code: int) -> None:
        super().__init__(SERVICE, f"error {code}", transient=False)


def _ask(
    server: Bugzilla, ids: Sequence[int], names: Sequence[str] = FIELDS
) -> list[Mapping[str, Any]]:
    """Ask for some bugs at once.

    Over REST by a search: asked for by id, a lone bug that we may not read raises, and some servers
    cut the answer at twenty rows unless told another limit.
    """
    # The package's own calls take a page without a list of bugs for one without bugs.
    if server.is_rest():
        asked = {"id": list(ids), "limit": len(ids), "include_fields": list(names)}
        found = server._backend.bug_search(asked)
    else:
        asked = {"permissive": 1, "include_fields": list(names)}
        found = server._backend.bug_get(list(ids), [], asked)
    rows = rows_in(found, "bugs")
    if not all(isinstance(row.get("id"), int) for row in rows):
        raise Transient(NOT_ASKED_FOR)  # it may be any of those that are missing
    return list(rows)


def _add_words(server: Bugzilla, bug_id: int, field: str, words: Sequence[str]) -> tuple[str, str]:
    """Write a whiteboard whole, made from what the server told of it just then."""
    name = WHITEBOARDS[field]
    rows = _ask(server, [bug_id], ["id", name])
    row = next((row for row in rows if row["id"] == bug_id), None)
    if row is None:
        raise _NotForUs(102)
    before = row.get(name)
    if not isinstance(before, str):
        told = f"it did not tell its {field}; nothing was written"
        raise UpstreamError(SERVICE, told, transient=False)
    after = with_words(before, lacking(before, words))
    if after == before:
        return before, before
    update = {**server.build_update(minor_update=True), name: after}
    done = server.update_bugs([bug_id], update)
    if not any(row.get("changes") for row in rows_in(done, "bugs")):
        raise UpstreamError(SERVICE, f"it did not take the {field}", transient=False)
    return before, after


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def open_bugzilla(settings: Settings, *, policy: Policy, traffic: Traffic) -> BugzillaClient:
    """Make the client; nothing is asked of Bugzilla yet."""
    caller = Caller(SERVICE, limit=CALLS_AT_ONCE, policy=policy, traffic=traffic)
    threads = Threads(caller, judge, threads=CALLS_AT_ONCE, timeout=settings.upstream_timeout)
    return BugzillaClient(settings, threads)
