"""How each dialect of the Portal writes statuses, severities, texts and times."""

import html
from datetime import datetime
from typing import Final

from sandbox.portal.state import CLOSED, WAITING_CUSTOMER, WAITING_RED_HAT

HYDRA_STATUS: Final = {
    WAITING_RED_HAT: "Waiting on Red Hat",
    WAITING_CUSTOMER: "Waiting on Customer",
    CLOSED: "Closed",
}
GRAPHQL_STATUS: Final = {
    WAITING_RED_HAT: "In Progress",
    WAITING_CUSTOMER: "Waiting on Customer Action Required",
    CLOSED: "Closed",
}
SEVERITY: Final = {1: "1 (Urgent)", 2: "2 (High)", 3: "3 (Normal)", 4: "4 (Low)"}


def severity_word(severity: int | str) -> str:
    """`2 (High)`; a text stands for itself."""
    return severity if isinstance(severity, str) else SEVERITY[severity]


def salesforce_time(moment: datetime | None) -> str | None:
    """`2026-09-03T12:36:12.000Z`: milliseconds are written and are always nought."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z" if moment else None


def solr_time(moment: datetime | None) -> str | None:
    """`2026-09-03T12:36:12Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None


def escaped(text: str) -> str:
    """The text as GraphQL delivers it: HTML-escaped, though it goes into JSON."""
    return html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&#39;")


def product_with_version(product: str, version: str) -> str:
    """`OpenShift Container Platform 4.16`: GraphQL's product names contain the version."""
    return f"{product} {version}".strip()
