"""A request as handlers see it, their answers, and the routers they are registered with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sandbox.jira.jql import Searcher
from sandbox.jira.model import NO_ISSUE, JiraIssue, JiraUser, Refusal
from sandbox.jira.state import JiraState

API: Final = "/rest/api/{version:2|3|latest}"
AGILE: Final = "/rest/agile/1.0"


class Answer(NamedTuple):
    """What comes back. Without a body: nothing at all."""

    status: int = 200
    body: Any = None


def done() -> Answer:
    """Done, nothing to say."""
    return Answer(204)


def ok(body: Any) -> Answer:
    """Here it is."""
    return Answer(200, body)


def created(body: Any = None) -> Answer:
    """It was made."""
    return Answer(201, body)


@dataclass(frozen=True)
class Call:
    """One request. `actor`: whose token came with it; nobody for an expired one on Cloud."""

    state: JiraState
    search: Searcher
    actor: JiraUser | None
    method: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None

    @property
    def version(self) -> int:
        """Version of the REST API: 3 speaks ADF."""
        return 3 if self.path.get("version") == "3" else 2

    @property
    def asked(self) -> dict[str, Any]:
        """The body, which must be an object. Raises Refusal 400."""
        if not isinstance(self.body, dict):
            raise Refusal(
                400,
                "Invalid request payload. Refer to the REST API documentation and try again.",
            )
        return self.body

    @property
    def parameters(self) -> dict[str, Any]:
        """What was asked for, in the address or (POST) in the body."""
        return self.asked if self.method == "POST" else dict(self.query)

    def writer(self) -> JiraUser:
        """Who does this. Raises Refusal 401 if nobody did."""
        if self.actor is None:
            raise Refusal(401, "You are not authenticated. Authentication required to perform "
                          "this operation.")  # fmt: skip
        return self.actor

    def issue(self, name: str = "key") -> JiraIssue:
        """The issue in the path. Raises Refusal 404 also for what is hidden, 401 for writes."""
        if self.method != "GET":
            self.writer()
        return self.visible(self.path[name])

    def visible(self, key: str) -> JiraIssue:
        """An issue that the actor may see. Raises Refusal 404."""
        issue = self.state.issue(key)
        if self.actor is None or issue.security is not None:
            raise Refusal(404, NO_ISSUE)
        return issue

    def number(self, name: str, default: int, *, most: int | None = None) -> int:
        """A number that was asked for. Raises Refusal 400."""
        given = self.parameters.get(name) if self.method == "POST" else self.query.get(name)
        if given in (None, ""):
            return default
        try:
            found = int(str(given))
        except ValueError:
            raise Refusal(400, f"The value '{given}' of '{name}' is no number.") from None
        if found < 0:
            raise Refusal(400, f"The value '{given}' of '{name}' is less than 0.")
        return found if most is None else min(found, most)


Handler = Callable[[Call], Answer]


class Route(NamedTuple):
    """A method and a path, and who answers. `only`: which kind of server has it."""

    method: str
    path: str
    handler: Handler
    only: str = ""


class Router:
    """The routes of one concern."""

    def __init__(self, base: str = API) -> None:
        self.base = base
        self.routes: list[Route] = []

    def route(self, method: str, path: str, *, only: str = "") -> Callable[[Handler], Handler]:
        """Register a handler; `only`: "cloud" or "dc"."""

        def register(handler: Handler) -> Handler:
            self.routes.append(Route(method, f"{self.base}/{path}", handler, only))
            return handler

        return register

    def get(self, path: str, *, only: str = "") -> Callable[[Handler], Handler]:
        """Register a handler for reading."""
        return self.route("GET", path, only=only)

    def post(self, path: str, *, only: str = "") -> Callable[[Handler], Handler]:
        """Register a handler for making."""
        return self.route("POST", path, only=only)

    def put(self, path: str, *, only: str = "") -> Callable[[Handler], Handler]:
        """Register a handler for changing."""
        return self.route("PUT", path, only=only)

    def delete(self, path: str, *, only: str = "") -> Callable[[Handler], Handler]:
        """Register a handler for deleting."""
        return self.route("DELETE", path, only=only)


def csv(value: Any) -> list[str]:
    """Read a list, or a text with commas."""
    if not value:
        return []
    parts = value if isinstance(value, list) else str(value).split(",")
    return [str(part).strip() for part in parts if str(part).strip()]
