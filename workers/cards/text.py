"""What a new card says: summary, description, comment. Pure; JIRA's limits are kept here.

Text of a case is put where wiki marks do nothing, so that it reads as it was written.
"""

from bisect import bisect_right
from datetime import datetime
from itertools import accumulate
from unicodedata import category

from t5g.derived import SEVERITIES, Entry, severity_rank
from t5g.settings import Settings
from workers.cards.ledger import Making

SUMMARY_LIMIT = 255
#: JIRA takes 32,767 characters; the rest is room for what servers add when they turn the text.
DESCRIPTION_LIMIT = 30_000
CUT = "…"
JOINER = "\u200d"


def summary_of(entry: Entry) -> str:
    """Return `NUMBER: problem` in one line, cut at JIRA's limit between two characters."""
    problem = " ".join(entry.case.portal.summary.split()) or "no summary"
    return cut(f"{entry.number}: {problem}", SUMMARY_LIMIT)


def cut(text: str, limit: int) -> str:
    """Cut a text to at most `limit` UTF-16 units, which JIRA counts; never within a character."""
    if _units(text) <= limit:
        return text
    room = limit - _units(CUT)
    kept = list(accumulate(map(_units, text)))
    end = bisect_right(kept, room)
    # A mark belongs to the character before it, a joined one to both; blanks are no loss.
    while end and (_joins(text[end]) or text[end - 1] == JOINER or text[end - 1].isspace()):
        end -= 1
    return text[:end] + CUT


def description_of(entry: Entry, settings: Settings, *, whole: bool = True) -> str:
    """Return the facts of a case and (with `whole`) its text, in wiki text."""
    portal = entry.case.portal
    link = settings.case_url.replace("{number}", entry.number)
    facts = [
        ("Case", f"[{entry.number}|{link}]"),
        ("Account", plain(portal.account)),
        ("Severity", plain(portal.severity)),
        ("Status", plain(portal.status)),
        ("Product", plain(entry.product)),
        ("Owner", plain(portal.owner)),
        ("Opened", _day(portal.created)),
    ]
    head = "\n".join(f"*{name}:* {value}" for name, value in facts if value)
    body = portal.description.replace("{noformat}", "{ noformat }").strip()
    if not body or not whole:
        return head
    room = DESCRIPTION_LIMIT - _units(head) - 60
    return f"{head}\n\n{{noformat}}\n{cut(body, room)}\n{{noformat}}"


def comment_of(number: str, assignee: str, reason: str) -> str:
    """Return the comment that says why a card is whose."""
    whose = f"It is assigned to {plain(assignee)}: {plain(reason)}." if assignee else plain(reason)
    return f"This card follows case {number}. {whose[:1].upper()}{whose[1:].rstrip('.')}."


def told_reason(record: Making) -> str:
    """Return why a card is whose, in words for people; also if JIRA let nobody have it."""
    if record.assigned or not record.assignee:
        return record.reason
    return f"it should be {record.assignee}'s ({record.reason}), but JIRA did not take that"


def reopened_comment(number: str) -> str:
    """Return the comment on a card whose case is open again."""
    return f"Case {number} is open again; this card is the one it had."


def priority_of(severity: str, settings: Settings) -> str:
    """Return the priority of a card by the severity of its case, or "" for an unknown one."""
    word = SEVERITIES.get(severity_rank(severity), "")
    return settings.priority_by_severity.get(word, "")


def plain(text: str) -> str:
    """Keep a text in one line, without marks that JIRA would take for its own."""
    return "".join(f"\\{c}" if c in "{}[]|*_!\\" else c for c in " ".join(text.split()))


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else ""


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _joins(letter: str) -> bool:
    return category(letter).startswith("M") or letter in (JOINER, "\ufe0f")
