"""The addresses of the API in one table: the routes and the OpenAPI document are made from it."""

from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct

from webhooks.api import cases, numbers
from webhooks.api.asking import DEFAULT_LIMIT, MOST
from webhooks.api.cases import CaseListShape
from webhooks.api.cursors import LONGEST, SHAPE
from webhooks.api.numbers import MOST_DAYS
from webhooks.api.shapes import FullCaseShape, Shape


class Parameter(Struct, frozen=True, kw_only=True):
    """A parameter of an address; `kind` is text or number. In the path if the path names it.

    `pattern`: what a text looks like (a regular expression); `most`: how long it is, or how large.
    """

    name: str
    meaning: str
    kind: str = "text"
    example: str = ""
    default: int | None = None
    most: int | None = None
    pattern: str = ""


class Endpoint(Struct, frozen=True, kw_only=True):
    """An address that answers with `shape`."""

    path: str
    name: str
    meaning: str
    handler: Handler
    shape: type[Shape]
    parameters: tuple[Parameter, ...] = ()
    not_found: bool = False


LIMIT = Parameter(
    name="limit", meaning="How many items a page has", kind="number",
    default=DEFAULT_LIMIT, most=MOST,
)  # fmt: skip
CURSOR = Parameter(
    name="cursor", meaning="Where the page before ended: taken from its `next`, never made up",
    pattern=SHAPE, most=LONGEST,
)  # fmt: skip
QUERY = Parameter(
    name="q",
    meaning="A query in the language of the search box; without `status:` only open cases match",
    example="severity:urgent,high sort:-age",
)
NUMBER = Parameter(
    name="number", meaning="The case number: eight digits", example="01234567",
    pattern=r"^\d{8}$", most=8,
)  # fmt: skip
HISTORY_DAYS = Parameter(
    name="days", meaning="Rows of how many days", kind="number", default=90, most=MOST_DAYS
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        path=cases.PATH, name="listCases", meaning="The cases that match a query, in its order",
        handler=cases.list_cases, shape=CaseListShape, parameters=(QUERY, LIMIT, CURSOR),
    ),
    Endpoint(
        path=cases.PATH + "/{number}", name="getCase", meaning="All that is known of one case",
        handler=cases.get_case, shape=FullCaseShape, parameters=(NUMBER,), not_found=True,
    ),
    Endpoint(
        path="/api/v1/stats", name="getStats", meaning="All numbers as they are now",
        handler=numbers.get_stats, shape=numbers.StatsShape,
    ),
    Endpoint(
        path="/api/v1/stats/history", name="getHistory", meaning="One row of numbers a day",
        handler=numbers.get_history, shape=numbers.HistoryShape, parameters=(HISTORY_DAYS,),
    ),
    Endpoint(
        path="/api/v1/accounts", name="listAccounts", meaning="The accounts with open cases",
        handler=numbers.list_accounts, shape=numbers.GroupListShape, parameters=(LIMIT, CURSOR),
    ),
    Endpoint(
        path="/api/v1/engineers", name="listEngineers", meaning="The engineers with open cases",
        handler=numbers.list_engineers, shape=numbers.GroupListShape, parameters=(LIMIT, CURSOR),
    ),
    Endpoint(
        path="/api/v1/syncs", name="listSyncs", meaning="How fresh each source is",
        handler=numbers.list_syncs, shape=numbers.SyncListShape,
    ),
)  # fmt: skip


def add_endpoints(router: web.UrlDispatcher) -> None:
    """Mount every address of the table."""
    for endpoint in ENDPOINTS:
        router.add_get(endpoint.path, endpoint.handler)
