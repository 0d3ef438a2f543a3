"""What people change of a card: assignee, labels, comments, links. Each call may be made again.

Setting a value twice is one value, a label is added once, a link has an id of its own. A comment is
the exception: it is written by one attempt, and looked for before it is written again.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from jira import JIRAError

from t5g.addresses import same_address
from t5g.errors import NotFoundError, UpstreamError
from t5g.jira_payloads import PayloadError, comments_of, whole
from t5g.settings import Settings
from workers.answers import Json
from workers.blocking import Threads
from workers.calls import Caller, Policy
from workers.jira.paging import every_row
from workers.jira.server import SERVICE, Server
from workers.jira.server import judge as judge_read

THREADS = 2
#: What JIRA answers when it understood and will not, however often it is asked.
REFUSALS = frozenset({400, 403, 404, 409, 413, 422})


class RefusedWriteError(UpstreamError):
    """JIRA did not do it and will not: `fields` has its words by field."""

    def __init__(self, status: int, fields: Mapping[str, str], messages: list[str]) -> None:
        self.status_code = status
        self.fields = dict(fields)
        parts = [*messages, *(f"{name}: {text}" for name, text in fields.items())]
        said = "; ".join(parts)[:500] or f"HTTP {status}"
        super().__init__(SERVICE, f"refused: {said}", transient=False)


class JiraWriter:
    """Changes cards. Close it when done."""

    def __init__(self, settings: Settings, policy: Policy) -> None:
        timeout = settings.upstream_timeout
        self._server = Server(settings, connections=THREADS, timeout=timeout)
        patient = Caller(SERVICE, limit=THREADS, policy=policy)
        once = Caller(SERVICE, limit=THREADS, policy=Policy(attempts=1))
        self._threads = Threads(patient, judge_read, threads=THREADS, timeout=timeout)
        self._writes = Threads(patient, judge_write, threads=THREADS, timeout=timeout)
        self._once = Threads(once, judge_write, threads=THREADS, timeout=timeout)
        ids = settings.jira_fields
        self._fields = [
            "summary", "status", "priority", "assignee", "labels", "created", "updated",
            "issuetype", "project", "resolution", "comment", ids.contributors, ids.sprint,
        ]  # fmt: skip

    def close(self) -> None:
        """Let go of threads and connections."""
        for threads in (self._threads, self._writes, self._once):
            threads.close()
        self._server.close()  # type: ignore[no-untyped-call]

    async def issue(self, key: str) -> Json:
        """Return a card with its fields and comments. Raises UpstreamError if it is not whole."""
        found = await self._threads.run(self._server.issue_json, key, {"fields": self._fields})
        try:
            comments_of(whole(found))
        except PayloadError as error:
            raise UpstreamError(SERVICE, str(error)) from error
        return dict(found)

    async def account_of(self, email: str) -> str:
        """Return the account of the active person with an e-mail address.

        JIRA finds people whose address or name *begins* with a text, apps and people who left
        among them. Raises NotFoundError if it is not sure that it is exactly one.
        """
        found = await self._threads.run(self._server.user_rows, email)
        shown = [row for row in found if same_address(str(row.get("emailAddress") or ""), email)]
        # Cloud hides most addresses; then the only one that it finds by the whole of it is meant.
        hidden = [row for row in found if not row.get("emailAddress")]
        likely = shown or (hidden if len(found) == 1 else [])
        users = [row for row in likely if _is_person(row) and not _named_like(row, email)]
        account = users[0].get("accountId") or users[0].get("name") if len(users) == 1 else None
        if not isinstance(account, str) or not account:
            raise NotFoundError(f"JIRA has no one account for {email}.")
        return account

    async def assign(self, key: str, account: str) -> None:
        """Assign a card; "": to nobody (JIRA's `null`)."""
        body = {"accountId" if self._server.cloud else "name": account or None}
        await self._writes.run(self._put, f"issue/{key}/assignee", body)

    async def add_label(self, key: str, label: str) -> None:
        """Put a label on a card, beside those it has."""
        body = {"update": {"labels": [{"add": label}]}}
        await self._writes.run(self._put, f"issue/{key}", body)

    async def comment(self, key: str, text: str) -> None:
        """Write a comment, once: if it fails, it may have happened."""
        await self._once.run(self._post, f"issue/{key}/comment", {"body": text})

    async def has_comment(self, key: str, text: str) -> bool:
        """Say whether a card has a comment of exactly this text by our own account.

        Raises UpstreamError if not all its comments could be looked at.
        """
        wanted = _plain(text)
        ours = await self._threads.run(self._server.who_am_i)
        pages = partial(self._threads.run, self._server.comment_page, key)
        async for row in every_row(pages, "comments"):
            if _same_user(row.get("author"), ours) and _plain(row.get("body")) == wanted:
                return True
        return False

    async def remote_link(self, key: str, url: str, title: str, relationship: str) -> bool:
        """Link a card to an address, unless it is already; say whether it was not."""
        rows = await self._threads.run(self._server.remote_link_rows, key)
        targets = [row.get("object") for row in rows]
        if any(isinstance(target, dict) and target.get("url") == url for target in targets):
            return False
        body = {
            "globalId": url,
            "relationship": relationship,
            "object": {"url": url, "title": title},
        }
        await self._writes.run(self._post, f"issue/{key}/remotelink", body)
        return True

    def _put(self, path: str, body: Mapping[str, Any]) -> None:
        self._server._session.put(self._server._get_url(path), json=dict(body))

    def _post(self, path: str, body: Mapping[str, Any]) -> None:
        self._server._session.post(self._server._get_url(path), json=dict(body))


def judge_write(error: Exception) -> Exception:
    """Turn a failed write that may be made again into what it means."""
    return refusal_of(error) or judge_read(error)


def refusal_of(error: Exception) -> RefusedWriteError | None:
    """Return JIRA's refusal in its own words, or None if it did not refuse."""
    if not isinstance(error, JIRAError) or error.status_code not in REFUSALS:
        return None
    try:
        said = error.response.json() if error.response is not None else {}
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    errors, messages = said.get("errors"), said.get("errorMessages")
    fields = {str(k): str(v) for k, v in errors.items()} if isinstance(errors, dict) else {}
    lines = [str(x) for x in messages] if isinstance(messages, list) else []
    return RefusedWriteError(error.status_code, fields, lines)


def _is_person(user: Json) -> bool:
    return user.get("active") is True and user.get("accountType", "atlassian") == "atlassian"


def _named_like(user: Json, email: str) -> bool:
    """Whether somebody was found by a name that begins with an address, not by the address."""
    name = str(user.get("displayName") or "").casefold()
    return not user.get("emailAddress") and name.startswith(email.casefold())


def _plain(body: Any) -> str:
    return str(body or "").replace("\r\n", "\n").strip()


def _same_user(one: Any, other: Any) -> bool:
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    return any(one.get(key) and one.get(key) == other.get(key) for key in ("accountId", "name"))
