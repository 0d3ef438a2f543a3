"""What came of changing many cards, bugs or issues: planned, done, not possible and why."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from msgspec import Struct

from t5g.audit import Outcome
from t5g.errors import NotFoundError, UpstreamError
from t5g.jira_payloads import UNREADABLE
from workers.cards.desk import Desk
from workers.cards.plan import Change
from workers.items import Breaker

TOLD = 5


class Outcomes(Struct, frozen=True, kw_only=True):
    """`planned` and what of it was `done`; `failed`: (what, why); `spared`: left alone, and why."""

    planned: tuple[Change, ...] = ()
    done: tuple[Change, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    spared: tuple[tuple[str, str], ...] = ()
    dry: bool = False


async def change_all(
    desk: Desk, action: str, changes: Sequence[Change], do: Callable[[Change], Awaitable[bool]]
) -> Outcomes:
    """Make changes; one that fails does not stop the others. `do` says whether it had to change.

    What failed is in the audit log, and the operators are told until a run has no failure. Once
    something fails that concerns all, the rest is not tried.
    """
    done: list[Change] = []
    failed: list[tuple[str, str]] = []
    breaker = Breaker()
    for at, change in enumerate(changes):
        desk.on_progress(at, len(changes))
        if breaker.open is not None:
            failed.append((change.card, f"not tried: {breaker.open}"))
            continue
        try:
            if await breaker.call(partial(do, change)):
                done.append(change)
        except (UpstreamError, NotFoundError, *UNREADABLE) as error:
            failed.append((change.card, str(error)))
            detail = f"{change.card}: {error}"
            await desk.note(action, change.number, detail, outcome=Outcome.FAILED)
    await _tell(desk, action, failed)
    return Outcomes(planned=tuple(changes), done=tuple(done), failed=tuple(failed))


async def _tell(desk: Desk, action: str, failed: Sequence[tuple[str, str]]) -> None:
    name = action.replace(" ", "-")
    if not failed:
        await desk.alerts.clear(name, f"`t5g {action}` works for all again.")
        return
    told = "; ".join(f"{what}: {why}" for what, why in failed[:TOLD])
    more = f" (and {len(failed) - TOLD} more)" if len(failed) > TOLD else ""
    hint = f"It is tried again daily; `t5g {action} --dry-run` shows what is to be done."
    await desk.alerts.raise_(name, f"{action}: {told}{more}", hint=hint, renew=True)
