"""Lets the Portal tell an assignee of a case's changes, where its dialect can: hydra only.

GraphQL has no call for it (UPSTREAMS A.3); then the caller notes why nothing was done.
"""

from msgspec import UNSET

from t5g.derived import Entry
from t5g.errors import NotFoundError
from workers.cards.desk import Desk


async def watch(desk: Desk, entry: Entry, email: str) -> str:
    """Put the person with an e-mail address on a case's list; return what changed, or "".

    Raises NotFoundError for who has no Portal name in the team file, UpstreamError for a dialect
    that can not do it. Somebody who is on the list already stays on it once.
    """
    member = desk.team.by_email(email)
    if member is None or not member.portal:
        raise NotFoundError(f"{email} has no `portal` name in the team file; not made a watcher.")
    told = entry.case.details.notified_users
    if told is not UNSET and any(user.name == member.portal for user in told):
        return ""
    await desk.clients.portal.notify(entry.number, member.portal)
    return f"watchers of the case: + {member.portal}"
