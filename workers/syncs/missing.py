"""What to make of cards and escalations that are known and that a listing does not have any more.

Each is asked for by its key before anything is concluded: one that JIRA shows, and that the query
should have had, stays (searches lag, and pages shift); one that it shows as finished or moved is
gone. A listing from which more than half is missing without such a reason concludes nothing, unless
a person says so.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

from t5g.errors import UpstreamError
from workers.answers import Json
from workers.context import SyncContext

LookUp = Callable[[Sequence[str]], AsyncIterator[Mapping[str, Json | UpstreamError | None]]]


async def look_for_missing(
    ctx: SyncContext,
    known: Collection[str],
    listed: Collection[str],
    look_up: LookUp,
    ours: Callable[[Json], bool],
) -> tuple[list[Json], dict[str, UpstreamError]]:
    """Return those of the `known` that were not `listed` and are `ours` all the same; and those
    that could not be looked at, with the reason: they are to be kept as they were.

    Makes the run incomplete if the listing is not to be believed.
    """
    missing = sorted(set(known).difference(listed))
    still: list[Json] = []
    unread: dict[str, UpstreamError] = {}
    unseen = 0
    if missing:
        async for found in look_up(missing):
            for key, row in found.items():
                if isinstance(row, UpstreamError):
                    unread[key] = row
                elif row is None:
                    unseen += 1
                elif ours(row):
                    still.append(row)
    why = f"known {ctx.name} are missing from it, and JIRA shows no reason"
    ctx.believes(unseen + len(still), len(known), why)
    return still, unread
