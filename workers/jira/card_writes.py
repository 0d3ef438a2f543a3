"""What the jobs of cards change in JIRA beyond what people do: make, move, prioritise, tag.

Making a card is the one call that must not be made twice: it is repeated only when JIRA said that
it did nothing. All other calls set a value and may be made again.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from jira import JIRAError

from t5g.errors import UpstreamError
from t5g.jira_payloads import number_of_card
from t5g.settings import Settings
from workers.answers import Json
from workers.blocking import Threads
from workers.calls import Caller, Policy, Transient, retry_after
from workers.jira import jql
from workers.jira.paging import search_pages
from workers.jira.server import SERVICE
from workers.jira.server import judge as judge_read
from workers.jira.writes import THREADS, JiraWriter, RefusedWriteError, refusal_of

__all__ = ["CardWriter", "LostAnswerError", "RefusedWriteError"]

FOUND_AT_ONCE = 50


class LostAnswerError(UpstreamError):
    """The call was made and nobody knows whether it was heard."""

    def __init__(self) -> None:
        super().__init__(SERVICE, "the answer was lost; it may have happened", transient=True)


class CardWriter(JiraWriter):
    """Makes and moves cards. Close it when done."""

    def __init__(self, settings: Settings, policy: Policy) -> None:
        super().__init__(settings, policy)
        self._settings = settings
        timeout = settings.upstream_timeout
        caller = Caller(SERVICE, limit=THREADS, policy=policy)
        self._making = Threads(caller, judge_making, threads=THREADS, timeout=timeout)

    def close(self) -> None:
        """Let go of threads and connections."""
        self._making.close()
        super().close()

    @property
    def cloud(self) -> bool:
        """Say whether this is JIRA Cloud."""
        return self._server.cloud

    async def find(self, number: str) -> list[Json]:
        """Return the issues of the team's project that follow a case, oldest first.

        Only those whose summary begins with the number count.
        """
        text = jql.quoted(f'"{number}"')
        query = f"{jql.project(self._settings.jira_project)} AND summary ~ {text}"
        ask: Json = {"fields": self._fields, "size": FOUND_AT_ONCE}
        pages = search_pages(self._threads, self._server, f"{query} ORDER BY created ASC", ask)
        return [
            row async for page in pages for row in page["issues"] if number_of_card(row) == number
        ]

    async def there(self, key: str) -> Json | None:
        """Return a card, or None if it is gone."""
        try:
            return await self.issue(key)
        except UpstreamError as error:
            if error.transient or "HTTP 404" not in str(error):
                raise
            return None

    async def create(self, fields: Mapping[str, Any]) -> str:
        """Make a card and return its key.

        Raises RefusedWriteError (nothing was made) or LostAnswerError (it may have been).
        """
        made = await self._making.run(self._created, fields)
        if not isinstance(made.get("key"), str):
            raise LostAnswerError
        return str(made["key"])

    async def to_sprint(self, key: str, sprint: int) -> None:
        """Put a card into a sprint."""
        path = f"sprint/{sprint}/issue"
        await self._writes.run(self._post_agile, path, {"issues": [key]})

    async def move(self, key: str, status: str, *, only_from: str = "") -> str:
        """Move a card by whatever transition leads to a status; return the status it had before.

        Returns "" for a card that is there already, or (with `only_from`) that somebody has moved
        on meanwhile. Raises RefusedWriteError if no transition leads there.
        """
        before = _status(await self.issue(key))
        if before.casefold() == status.casefold():
            return ""
        if only_from and before.casefold() != only_from.casefold():
            return ""
        way = await self._way(key, before, status)
        body = {"transition": {"id": way}}
        try:
            await self._writes.run(self._post, f"issue/{key}/transitions", body)
        except UpstreamError:
            # Made by a call whose answer was lost, or by somebody else at the same moment.
            if _status(await self.issue(key)).casefold() != status.casefold():
                raise
        return before

    async def _way(self, key: str, before: str, status: str) -> str:
        """The id of the transition that leads to a status."""
        ways = await self._threads.run(self._server.transition_rows, key)
        way = _way(ways, status)
        if way is None:
            names = ", ".join(sorted({_name(way.get("to")) for way in ways}))
            said = f"no transition leads from {before} to {status}; to: {names or 'nowhere'}"
            raise RefusedWriteError(400, {}, [said])
        return way

    async def set_fields(self, key: str, fields: Mapping[str, Any], *, quiet: bool = False) -> None:
        """Set fields. `quiet`: nobody gets mail of it, where we may say so."""
        await self._edit(key, {"fields": dict(fields)}, quiet=quiet)

    async def add_values(self, key: str, field: str, values: Iterable[Any]) -> None:
        """Add values to a field that has several, beside what is there; nobody gets mail of it."""
        steps = [{"add": value} for value in values]
        await self._edit(key, {"update": {field: steps}}, quiet=True)

    async def _edit(self, key: str, body: Mapping[str, Any], *, quiet: bool) -> None:
        if quiet:
            try:
                await self._writes.run(self._put, f"issue/{key}?notifyUsers=false", body)
            except RefusedWriteError as error:
                if error.status_code != 403:
                    raise
            else:
                return
        await self._writes.run(self._put, f"issue/{key}", body)

    async def fields_of(self, key: str, names: list[str]) -> Json:
        """Return some fields of any issue."""
        row = await self._threads.run(self._server.issue_json, key, {"fields": names})
        return dict(row["fields"])

    def _created(self, fields: Mapping[str, Any]) -> Json:
        address = self._server._get_url("issue")
        return dict(self._server._session.post(address, json={"fields": dict(fields)}).json())

    def _post_agile(self, path: str, body: Mapping[str, Any]) -> None:
        address = self._server._get_url(path, self._server.AGILE_BASE_URL)
        self._server._session.post(address, json=dict(body))


def judge_making(error: Exception) -> Exception:
    """Turn a failed making into what it means: only 429 surely did nothing and may pass."""
    if refused := refusal_of(error):
        return refused
    if isinstance(error, JIRAError) and error.status_code == 429:
        headers = dict(error.response.headers) if error.response is not None else {}
        return Transient("HTTP 429", after=retry_after(headers), throttled=True)
    meant = judge_read(error)
    if isinstance(meant, Transient) or not isinstance(meant, UpstreamError):
        return LostAnswerError()
    return meant


def _status(row: Json) -> str:
    return _name(row["fields"].get("status"))


def _name(found: Any) -> str:
    """The name of a status. Raises UpstreamError if it is not told."""
    name = found.get("name") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name:
        raise UpstreamError(SERVICE, "it did not tell a status; nothing was moved")
    return name


def _way(ways: list[Json], status: str) -> str | None:
    """The id of the transition that leads to a status, or is named like it."""
    wanted = status.casefold()
    for way in ways:
        if _name(way.get("to")).casefold() == wanted:
            return str(way["id"])
    return next((str(w["id"]) for w in ways if str(w.get("name")).casefold() == wanted), None)
