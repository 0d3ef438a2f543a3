"""Where things are: addresses of our own pages and links to Portal and JIRA.

Every link on a page is made or checked here: only http(s) leaves this house.
"""

from functools import lru_cache
from urllib.parse import quote, urlencode, urlsplit

from msgspec import Struct

from t5g.query import FIELDS
from t5g.query.compiling import EXACT
from t5g.query.lexer import exactly, quoted
from t5g.settings import Settings

DEFAULT_ROWS = 50
ROW_CHOICES = (25, 50, 100)


class Links(Struct, frozen=True):
    """How upstreams' pages are addressed in this installation."""

    case: str
    jira: str

    @classmethod
    def of(cls, settings: Settings) -> "Links":
        """Take them out of the settings."""
        return cls(case=settings.case_url, jira=str(settings.jira_url).rstrip("/"))

    def portal(self, number: str) -> str:
        """The case in the Portal, for people."""
        return safe(self.case.replace("{number}", quote(number, safe="")))

    def issue(self, key: str) -> str:
        """A card or an issue in JIRA, for people."""
        return f"{self.jira}/browse/{quote(key, safe='')}"


def safe(url: str) -> str:
    """Return `url` if it is an absolute http(s) address, else ""."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else ""


def cases(query: str = "", *, page: int = 1, rows: int = DEFAULT_ROWS) -> str:
    """The list of the cases that match `query`; what is as usual is left out."""
    wanted: list[tuple[str, str | int]] = []
    if query:
        wanted.append(("q", query))
    if rows != DEFAULT_ROWS:
        wanted.append(("rows", rows))
    if page > 1:
        wanted.append(("page", page))
    return "/cases" + (f"?{urlencode(wanted)}" if wanted else "")


def csv(query: str) -> str:
    """The same list as a file."""
    return "/cases.csv" + (f"?{urlencode({'q': query})}" if query else "")


def case(number: str) -> str:
    """The page of one case."""
    return f"/cases/{quote(number, safe='')}"


def account(name: str) -> str:
    """The page of one account."""
    return f"/accounts/{_part(name)}"


def engineer(name: str) -> str:
    """The page of one engineer."""
    return f"/engineers/{_part(name)}"


@lru_cache(maxsize=4_096)
def _part(name: str) -> str:
    """A name in a path. Letters of all scripts stay: escaped they would take three times the room.

    Browsers escape them when they ask; elsewhere `ascii_only` does.
    """
    return "".join(c if c.isalnum() else quote(c, safe="") for c in name)


def ascii_only(address: str) -> str:
    """Escape what stayed unescaped."""
    return quote(address, safe="/%")


def term(key: str, value: str) -> str:
    """A query that narrows `key` to `value`; a name of an account or person is meant as a whole."""
    return exactly(key, value) if EXACT in FIELDS[key].operators else f"{key}:{quoted(value)}"
