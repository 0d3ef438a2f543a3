"""The blocking half of the JIRA client: the `jira` package, tamed.

No retries of its own (it would repeat writes, and sleep for minutes), no request at construction,
no look-up of field names; every call has a time limit. Only `workers.jira.client` uses it.
"""

from typing import Any
from urllib.parse import quote

from jira import JIRA, JIRAError

from t5g.errors import UpstreamError
from t5g.settings import Settings
from workers.answers import NOT_ASKED_FOR, Json, rows_in, table_in
from workers.blocking import NamingAdapter, judge_requests, judge_status
from workers.calls import Transient

SERVICE = "jira"
CONNECT_TIMEOUT = 10.0
#: REST v2 on Cloud too: its wiki text is what webhooks carry, so that texts compare equal.
API_VERSION = "2"


class JqlError(UpstreamError):
    """JIRA did not accept a query; `said` is its message (it may name keys that do not exist)."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(SERVICE, f"query refused: {said}", transient=False)


class Server(JIRA):
    """A JIRA server. `cloud` is told, not asked."""

    def __init__(self, settings: Settings, *, connections: int, timeout: float) -> None:
        self.cloud = bool(settings.jira_user)
        token = settings.jira_token.get_secret_value()
        super().__init__(
            str(settings.jira_url).rstrip("/"),
            options={"rest_api_version": API_VERSION, "check_update": False},
            basic_auth=(settings.jira_user, token) if self.cloud else None,
            token_auth=None if self.cloud else token,
            get_server_info=False,
            max_retries=0,
            timeout=(CONNECT_TIMEOUT, timeout),
            logging=False,
        )
        self.deploymentType = "Cloud" if self.cloud else "Server"
        self._widen(connections)

    @property
    def _fields_cache(self) -> dict[str, str]:
        """Names of fields are never translated: all are asked for by id."""
        return {}

    def search_page(self, jql: str, cursor: str, ask: Json) -> Json:
        """Return one page of a search. `cursor`: token (Cloud) or offset (Data Center)."""
        if self.cloud:
            found = self._post("search/jql", _cloud_search(jql, cursor, ask))
        else:
            found = self._post("search", _dc_search(jql, cursor, ask))
        return _page(found, "issues")

    def comment_page(self, key: str, start: int) -> Json:
        """Return some comments of an issue, from the `start`-th on."""
        asked = {"startAt": start, "maxResults": 100}
        return _page(self._table(f"issue/{key}/comment", asked), "comments", str)

    def remote_link_rows(self, key: str) -> list[Json]:
        """Return the remote links of an issue."""
        return rows_in(self._json(f"issue/{key}/remotelink"))

    def user_rows(self, text: str) -> list[Json]:
        """Return some accounts whose name or e-mail address contains `text`."""
        name = "query" if self.cloud else "username"
        return rows_in(self._json("user/search", {name: text, "maxResults": 10}))

    def issue_json(self, key: str, ask: Json) -> Json:
        """Return one issue with what a search would give of it; follows the key of a moved one."""
        params = {"fields": ",".join(ask["fields"])}
        if ask.get("expand"):
            params["expand"] = ask["expand"]
        if ask.get("properties"):
            params["properties"] = ",".join(ask["properties"])
        found = self._table(f"issue/{key}", params)
        if not isinstance(found.get("key"), str) or not isinstance(found.get("fields"), dict):
            raise Transient(NOT_ASKED_FOR)
        return found

    def transition_rows(self, key: str) -> list[Json]:
        """Return the transitions that an issue has now."""
        found = self._table(f"issue/{key}/transitions")
        return list(_page(found, "transitions", str)["transitions"])

    def project_json(self, key: str) -> Json:
        """Return a project by its key, or by one that it had."""
        found = self._table(f"project/{quote(key, safe='')}")
        if not isinstance(found.get("key"), str) or not isinstance(found.get("id"), str):
            raise Transient(NOT_ASKED_FOR)
        return found

    def board_page(self, name: str, start: int) -> Json:
        """Return some boards whose name contains `name`."""
        found = self._agile("board", {"name": name, "startAt": start, "maxResults": 50})
        return _page(found, "values", int)

    def sprint_page(self, board: int, states: str, start: int) -> Json:
        """Return some sprints of a board."""
        params = {"state": states, "startAt": start, "maxResults": 50}
        return _page(self._agile(f"board/{board}/sprint", params), "values", int)

    def who_am_i(self) -> Json:
        """Return the account that the credentials belong to."""
        found = self._table("myself")
        if not any(isinstance(found.get(name), str) for name in ("accountId", "name")):
            raise Transient(NOT_ASKED_FOR)  # an empty object would say that JIRA knows us
        return found

    def server_info_json(self) -> Json:
        """Return what JIRA says of itself, the time of its clock included."""
        return self._table("serverInfo")

    def _post(self, path: str, body: Json) -> Json:
        return table_in(self._get_json(path, params=body, use_post=True))

    def _table(self, path: str, params: Json | None = None) -> Json:
        return table_in(self._json(path, params))

    def _json(self, path: str, params: Json | None = None) -> Any:
        return self._get_json(path, params=params)

    def _agile(self, path: str, params: Json) -> Json:
        return table_in(self._get_json(path, params=params, base=self.AGILE_BASE_URL))

    def _widen(self, connections: int) -> None:
        adapter = NamingAdapter(pool_connections=1, pool_maxsize=connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)


def _page(found: Json, name: str, identity: type | None = None) -> Json:
    """Return a page with its rows. Raises Transient if it has none, or one without its id."""
    rows = rows_in(found, name)
    if identity and not all(isinstance(row.get("id"), identity) for row in rows):
        raise Transient(NOT_ASKED_FOR)
    return found


def judge(error: Exception) -> Exception:
    """Turn an exception of the package into what it means, without its address and headers."""
    if not isinstance(error, JIRAError):
        return judge_requests(SERVICE, error)
    status = error.status_code or 0
    if status == 400:
        return JqlError((error.text or "")[:500])
    response = error.response
    headers = dict(response.headers) if response is not None else {}
    if status == 401:
        return UpstreamError(
            SERVICE,
            "HTTP 401: the credentials are not accepted; set T5G_JIRA_TOKEN anew",
            transient=False,
            concerns_all=True,
        )
    if status == 404:
        return UpstreamError(SERVICE, "HTTP 404: not there, or not shown to us", transient=False)
    if status == 410:
        return UpstreamError(
            SERVICE, "HTTP 410: this API was removed", transient=False, concerns_all=True
        )
    return judge_status(SERVICE, status, headers)


def _cloud_search(jql: str, cursor: str, ask: Json) -> Json:
    body: Json = {"jql": jql, "fields": ask["fields"], "maxResults": ask["size"]}
    if cursor:
        body["nextPageToken"] = cursor
    if ask.get("expand"):
        body["expand"] = ask["expand"]
    if ask.get("properties"):
        body["properties"] = ask["properties"]
    return body


def _dc_search(jql: str, cursor: str, ask: Json) -> Json:
    body: Json = {
        "jql": jql,
        "fields": ask["fields"],
        "maxResults": ask["size"],
        "startAt": int(cursor or 0),
    }
    if ask.get("expand"):
        body["expand"] = [ask["expand"]]
    return body
