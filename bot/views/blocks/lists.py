"""A page of cases, readable at a glance on a phone, with menus that edit the query."""

from bot.answers import CaseList
from bot.views.blocks.parts import (
    ASK,
    FILTER,
    LONGEST_ID,
    PAGE,
    SHARE,
    SORT,
    Block,
    Payload,
    actions,
    button,
    fits,
    foot,
    link_button,
    packed_value,
    section,
    select,
)
from bot.views.words import (
    case_url,
    code,
    days,
    escape,
    flags,
    link,
    mark,
    owner,
    page_url,
    plural,
    safe,
    weight,
)
from t5g.derived import Entry
from t5g.settings import Settings

ALL = "all"
SORTS = (
    ("What needs attention", ALL),
    ("Oldest first", "-age"),
    ("Youngest first", "age"),
    ("Longest without update", "updated"),
    ("Severity", "severity"),
    ("SLA used", "-sla"),
    ("Account", "account"),
)
#: Words of the menu, the key of the query language they set, and its value.
FILTERS: dict[str, tuple[tuple[str, str], ...]] = {
    "severity": (
        ("Every severity", ALL),
        ("🔴 Urgent", "urgent"),
        ("🟠 High", "high"),
        ("🟡 Normal", "normal"),
        ("🟢 Low", "low"),
    ),
    "only": (
        ("No filter", ALL),
        ("Mine", "assignee:me"),
        ("Unassigned", "assignee:none"),
        ("🚨 Escalated", "escalated:yes"),
        ("🔥 Crit sit", "critsit:yes"),
        ("⏰ Breaching", "sla:breached"),
        ("⏳ At risk", "sla:risk"),
        ("💤 Stale", "stale:yes"),
        ("📭 Untracked", "untracked:yes"),
    ),
}


def list_message(answer: CaseList, settings: Settings) -> Payload:
    """The page as a message."""
    count = plural(answer.total, "case")
    head = f"*{escape(answer.title)}* · {count}"
    if answer.query.text:
        head += f" · `{code(answer.query.text)}`"
    blocks = [section(head)]
    if answer.entries:
        blocks += [row(entry, answer.now, settings) for entry in answer.entries]
    else:
        blocks.append(section("Nothing matches. `help cases` explains what can be asked."))
    blocks += _menus(answer)
    blocks += [*_buttons(answer, settings), foot(answer.freshness, answer.now, place(answer))]
    return {"text": f"{escape(answer.title)}: {count}", "blocks": blocks}


def place(answer: CaseList) -> str:
    """`9–16 of 340`."""
    shown = len(answer.entries)
    if answer.total <= shown:
        return ""
    return f"{answer.first}–{answer.first + shown - 1} of {answer.total:,}"


def row(entry: Entry, now: float, settings: Settings) -> Block:
    """A case with a button that opens it here."""
    opens = button("Open", f"{ASK}:case", {"a": f"case {entry.number}", "new": 1})
    return section(case_lines(entry, now, settings), opens)


def case_lines(entry: Entry, now: float, settings: Settings) -> str:
    """Two or three lines that tell a case at a glance, also on a phone."""
    portal = entry.case.portal
    title = link(case_url(entry.number, settings), entry.number)
    facts = [
        safe(portal.account or "no account", 40),
        days(entry.days_open(now)),
        safe(portal.status or "no status", 40),
        *([safe(entry.internal_status, 30)] if entry.internal_status else []),
        safe(owner(entry), 40),
    ]
    shown = flags(entry, now)
    marks = f"\n{' · '.join(shown)}" if shown else ""
    summary = safe(portal.summary, 110) or "_no summary_"
    return f"{mark(entry)} *{title}* {summary}\n{' · '.join(facts)}{marks}"


def _menus(answer: CaseList) -> list[Block]:
    text = answer.query.text
    # A menu has no value of its own beside its choice: the query goes into the block's id.
    state = packed_value({"q": text, "t": answer.title})
    if weight(state) > LONGEST_ID:
        return []
    severity = answer.query.values_of("severity")
    current = ",".join(str(sort) for sort in answer.query.sorts)
    terms = {term.text for term in answer.query.terms}
    only = next((value for _, value in FILTERS["only"] if value in terms), ALL)
    chosen = severity[0] if len(severity) == 1 else ALL
    elements = [
        select(f"{FILTER}:severity", "Severity", FILTERS["severity"], chosen),
        select(f"{FILTER}:only", "Filter", FILTERS["only"], only),
        select(SORT, "Sort", SORTS, current or ALL),
    ]
    return [actions(elements, state)]


def _buttons(answer: CaseList, settings: Settings) -> list[Block]:
    elements: list[Block] = []
    value = {"q": answer.query.text, "t": answer.title}
    if fits({**value, "p": answer.pages}):  # a button that forgot the query would show all cases
        if answer.page > 1:
            back = {**value, "p": answer.page - 1}
            elements.append(button("◀ Previous", f"{PAGE}:previous", back))
        if answer.page < answer.pages:
            elements.append(button("Next ▶", f"{PAGE}:next", {**value, "p": answer.page + 1}))
        elements.append(button("Share in channel", SHARE, {**value, "p": answer.page}))
    elements += link_button("Open in browser", "browser", page_url(answer.query.text, settings))
    return [actions(elements)] if elements else []
