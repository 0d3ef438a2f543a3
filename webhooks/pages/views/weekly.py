"""The weekly report: plain, made to be copied into a mail or a document."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from t5g.derived import Entry
from t5g.figures import HEADLINES, Figures
from t5g.model import Bug, Issue
from webhooks.pages import addresses
from webhooks.pages.addresses import Links
from webhooks.pages.views.defects import defect_link, defect_status, defects_of
from webhooks.pages.views.rows import Link, account, assignee, remark, sla
from webhooks.pages.views.words import cut

DAYS = 7.0
MOST_CASES = 120
MOST_LINES = 60
MOST_DEFECTS = 6
LONGEST_SUMMARY = 140
NUMBERS = (
    ("open", "Open"),
    ("opened_7d", "Opened"),
    ("closed_7d", "Closed"),
    ("escalated", "Escalated"),
    ("crit_sit", "Crit sit"),
    ("breaching", "Breaching"),
    ("at_risk", "At risk"),
    ("stale", "Stale"),
)
#: The lists of the report: each is that of a headline number, and so is its link.
SECTIONS = (
    ("escalated", "Escalations"),
    ("crit_sit", "Crit sits"),
    ("closed_7d", "Closed this week"),
)
_HEADLINES = {line.name: line for line in HEADLINES}


class Line(Struct, frozen=True, kw_only=True):
    """A case in a few words."""

    case: Link
    summary: str
    facts: str
    assignee: str
    defects: tuple[Link, ...]
    last: str


class Section(Struct, frozen=True):
    """Cases under a heading. `url`: the list of all of them, "" if no query finds them."""

    title: str
    lines: tuple[Line, ...]
    left: int = 0
    url: str = ""


class Weekly(Struct, frozen=True, kw_only=True):
    """The report of the last seven days."""

    begin: str
    end: str
    numbers: tuple[tuple[str, int], ...]
    sections: tuple[Section, ...]
    accounts: tuple[Section, ...]
    left: int


def weekly(
    everyone: Sequence[Entry], numbers: Figures, span: tuple[str, str], now: float, links: Links
) -> Weekly:
    """Say the report. `everyone`: all cases in the order of attention; `span`: the first and the
    last day in words.
    """
    moved = [e for e in everyone if e.open and now - e.activity <= DAYS * 86_400]
    return Weekly(
        begin=span[0],
        end=span[1],
        numbers=tuple((title, numbers[name]) for name, title in NUMBERS),
        sections=tuple(
            _section(title, _HEADLINES[name].of(everyone, now), now, links, _HEADLINES[name].query)
            for name, title in SECTIONS
        ),
        accounts=_by_account(moved[:MOST_CASES], now, links),
        left=max(0, len(moved) - MOST_CASES),
    )


def _section(
    title: str, entries: Sequence[Entry], now: float, links: Links, query: str = ""
) -> Section:
    lines = tuple(line(entry, now, links) for entry in entries[:MOST_LINES])
    url = addresses.cases(query) if query else ""
    return Section(title, lines, max(0, len(entries) - MOST_LINES), url)


def _by_account(entries: Iterable[Entry], now: float, links: Links) -> tuple[Section, ...]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(account(entry).text or "(no account)", []).append(entry)
    order = sorted(groups.items(), key=lambda x: x[0].casefold())
    return tuple(_section(name, members, now, links) for name, members in order)


def line(entry: Entry, now: float, links: Links) -> Line:
    """Say a case in a few words."""
    portal, last = entry.case.portal, remark(entry.last_comment, now)
    facts = (entry.severity, portal.status, entry.internal_status, f"open {sla(entry, now).words}"
             if entry.open else "")  # fmt: skip
    return Line(
        case=Link(entry.number, addresses.case(entry.number)),
        summary=cut(portal.summary, LONGEST_SUMMARY) or "(no summary)",
        facts=", ".join(cut(fact, 60) for fact in facts if fact),
        assignee=assignee(entry).text or "nobody",
        defects=tuple(_defect(found, links) for found in defects_of(entry)[:MOST_DEFECTS]),
        last=f"{last.text} ({last.author}, {last.when.day})" if last and last.when else "",
    )


def _defect(found: Issue | Bug, links: Links) -> Link:
    link, status = defect_link(found, links), defect_status(found)
    return Link(f"{link.text} ({status})" if status else link.text, link.url)


def as_text(report: Weekly, base: str) -> str:
    """Write the report as plain text; `base`: the address of the pages."""
    parts = [f"Weekly report, {report.begin} to {report.end}", ""]
    parts += [f"{title}: {value}" for title, value in report.numbers]
    for section in (*report.sections, *report.accounts):
        if section.lines:
            parts += ["", section.title, "-" * min(60, len(section.title))]
            parts += [text for found in section.lines for text in _text(found, base)]
            where = f": {base}{section.url}" if section.url else ""
            parts += [f"… and {section.left} more cases{where}"] if section.left else []
    if report.left:
        parts += ["", f"… and {report.left} more cases"]
    return "\n".join(parts) + "\n"


def _text(found: Line, base: str) -> Iterable[str]:
    yield f"* {found.case.text} {found.summary}"
    yield f"  {found.facts}; {found.assignee}"
    if found.defects:
        yield "  " + ", ".join(defect.text for defect in found.defects)
    if found.last:
        yield f"  {found.last}"
    yield f"  {base}{found.case.url}"
