"""The home tab: my cases, what changed in them since I last looked, my watches, my digest."""

from msgspec import Struct

from bot.alerts import Told
from bot.answers import CaseList, WatchList
from bot.notify import PERSONAL, Wishes
from bot.plans import Plan, days_text
from bot.views.blocks.lists import row
from bot.views.blocks.parts import (
    Block,
    Payload,
    actions,
    ask_button,
    button,
    divider,
    foot,
    header,
    link_button,
    section,
    small,
)
from bot.views.words import ago, case_url, code, link, page_url, plural, safe
from t5g.settings import Settings

HOME = "home"
ROWS = 12
CHANGES = 10


class HomeView(Struct, frozen=True, kw_only=True):
    """What stands on somebody's home tab. `looked`: when they last did (0: never).

    `lost`: there were more changes than are kept.
    """

    mine: CaseList
    changed: tuple[Told, ...]
    looked: float
    watches: WatchList
    digest: Plan | None
    name: str = ""
    wishes: Wishes = Wishes()
    lost: bool = False


def home_view(home: HomeView, settings: Settings) -> Payload:
    """The view to publish."""
    blocks: list[Block] = [
        header("Your cases"),
        *_mine(home, settings),
        divider(),
        *_changed(home, settings),
        divider(),
        *_watches(home),
        divider(),
        *_digest(home),
        divider(),
        *_wishes(home.wishes, settings),
        foot(home.mine.freshness, home.mine.now),
    ]
    return {"type": "home", "blocks": blocks[:100]}


def _mine(home: HomeView, settings: Settings) -> list[Block]:
    mine = home.mine
    blocks = [row(entry, mine.now, settings) for entry in mine.entries[:ROWS]]
    if not blocks:
        blocks = [
            section(
                f"No case is yours. `claim` one: `{settings.slack_command} cases assignee:none`."
            )
        ]
    more = mine.total - min(len(mine.entries), ROWS)
    url = page_url(mine.query.text, settings)
    if more > 0:
        blocks.append(small(link(url, f"… and {plural(more, 'case')} more")))
    elements = [
        button("Search…", f"{HOME}:search", {}),
        button("Refresh", f"{HOME}:refresh", {}),
        *link_button("Open in browser", "browser", url),
    ]
    return [*blocks, actions(elements)]


def _changed(home: HomeView, settings: Settings) -> list[Block]:
    since = f"since you last looked, {ago(home.mine.now, home.looked)}" if home.looked else "lately"
    if not home.changed:
        return [section(f"*Nothing changed* {since}.")]
    lines = []
    for item in home.changed[:CHANGES]:
        number = link(case_url(item.entry.number, settings), item.entry.number)
        why = " · ".join(f"{x.sign} {safe(x.text, 80)}" for x in item.reasons[:3])
        lines.append(f"{number} {safe(item.entry.case.portal.summary, 50)}\n{why}")
    more = len(home.changed) - CHANGES
    if more > 0:
        lines.append(f"… and {plural(more, 'case')} more")
    if home.lost:
        lines.append("_There was more than is kept; older changes are not shown._")
    blocks = [section(f"*Changed* {since}")]
    return [*blocks, *(section(line) for line in lines)]


def _watches(home: HomeView) -> list[Block]:
    found = home.watches.watches
    blocks: list[Block] = [section("*Your watches*")] if found else []
    for watch, count in found[:20]:
        ends = ask_button("Stop", f"unwatch {watch.id}", "unwatch")
        blocks.append(section(f"👁 `{code(watch.query, 240)}` · {plural(count, 'case')} now", ends))
    return blocks or [
        section("*No watches.* In a message to the bot, `watch severity:urgent` begins one.")
    ]


def _digest(home: HomeView) -> list[Block]:
    plan = home.digest
    if plan is None:
        text = "*No digest of your own.* The bot can send you one each workday."
        deed = ask_button("Send me one at 09:00", "digest here 09:00", "digest", "primary")
    else:
        when = f"{plan.at} ({safe(plan.zone, 40)}), {days_text(plan.days)}"
        text = f"*Your digest* comes at {when}."
        deed = ask_button("Stop it", "digest off", "digest")
    look = ask_button("Look at it now", "digest preview", "preview")
    return [section(text), actions([deed, look])]


def _wishes(wishes: Wishes, settings: Settings) -> list[Block]:
    """What comes by direct message, with a switch for each kind."""
    switches = [
        ask_button(
            f"{'🔕' if name in wishes.off else kind.sign} {kind.title}",
            f"notify {'on' if name in wishes.off else 'off'} {name}",
            f"notify_{name}",
        )
        for name, kind in PERSONAL.items()
    ]
    quiet = f"quiet from {' to '.join(wishes.quiet)}" if wishes.quiet else "no quiet hours"
    how = f"`{settings.slack_command} notify`"
    head = f"*Direct messages* about your own cases ({quiet}, {how}); 🔕 is off:"
    return [section(head), actions(switches)]
