"""One case: everything known of it in one view, with what can be done about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from bot.answers import CaseView
from bot.views.blocks.parts import (
    ASK,
    ASSIGN,
    COMMENT,
    SHARE,
    Block,
    Payload,
    actions,
    ask_button,
    button,
    fields,
    foot,
    header,
    link_button,
    section,
    small,
)
from bot.views.words import (
    ago,
    bar,
    card_url,
    case_page_url,
    case_url,
    days,
    escape,
    fit,
    flags,
    link,
    mark,
    owner,
    safe,
    safe_prose,
    sentence,
    shorten,
    slack_time,
)
from t5g.derived import Entry
from t5g.digest import escalated_since
from t5g.model import Bug, Issue
from t5g.settings import Settings

COMMENTS = 3
LONGEST_DESCRIPTION = 500


def case_message(answer: CaseView, settings: Settings) -> Payload:
    """The case as a message."""
    entry, now = answer.entry, answer.now
    portal = entry.case.portal
    blocks: list[Block] = [section(sentence(answer.said))] if answer.said else []
    blocks.append(header(f"{mark(entry)} {entry.number} {shorten(portal.summary, 120)}"))
    shown = flags(entry, now)
    if shown:
        blocks.append(section(" · ".join(shown)))
    blocks.append(fields(_facts(entry, now, settings)))
    if rest := _rest(entry):
        blocks.append(small(" · ".join(rest)))
    if portal.description.strip():
        blocks.append(small(safe_prose(portal.description, LONGEST_DESCRIPTION)))
    blocks += _related(answer, settings)
    blocks += _comments(answer)
    blocks.append(_deeds(answer, acting=not settings.read_only))
    blocks += _buttons(entry, settings, shared=answer.shared)
    blocks.append(foot(answer.freshness, now, f"shared by <@{answer.by}>" if answer.by else ""))
    return {"text": f"Case {entry.number}: {safe(portal.summary, 200)}", "blocks": blocks}


def _facts(entry: Entry, now: float, settings: Settings) -> list[tuple[str, str]]:
    portal, card = entry.case.portal, entry.card
    product = f"{portal.product} {portal.version}".strip()
    card_text = "none"
    if card:
        key = link(card_url(card.key, settings), escape(card.key))
        card_text = f"{key} · {safe(entry.internal_status, 40)}"
    return [
        ("Severity", safe(portal.severity or "unknown", 60)),
        ("Status", safe(portal.status or "unknown", 80)),
        ("Account", safe(portal.account or "unknown", 120)),
        ("Product", safe(product or "unknown", 120)),
        ("Card", card_text),
        ("Assignee", safe(owner(entry), 80)),
        ("Open for", f"{days(entry.days_open(now))} {bar(entry.sla_used(now))}"),
        ("Last update", ago(now, entry.activity)),
        ("Opened", slack_time(portal.created)),
        ("Crit sit", _known(entry.crit_sit)),
    ]


def _rest(entry: Entry) -> list[str]:
    """What is known besides, as far as it is."""
    portal, details, card = entry.case.portal, entry.case.details, entry.card
    relief, resolved, group = details.relief_at, details.resolved_at, details.group_name
    facts = (
        ("case owner", portal.owner),
        ("group", "" if group is UNSET else group or ""),
        ("contributors", ", ".join(x.name or x.account for x in card.contributors) if card else ""),
        ("sprint", card.sprint if card else ""),
        ("labels", ", ".join(card.labels) if card else ""),
        ("tags", "unknown" if portal.tags is UNSET else ", ".join(portal.tags)),
    )
    found = [f"{name} {safe(text, 120)}" for name, text in facts if text.strip()]
    for name, moment in (("relief", relief), ("resolved", resolved), ("closed", portal.closed)):
        if moment is not UNSET and moment is not None:
            found.append(f"{name} {slack_time(moment)}")
    return found


def _known(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _related(answer: CaseView, settings: Settings) -> list[Block]:
    entry, now, case = answer.entry, answer.now, answer.entry.case
    escalations = [
        f"🚨 {link(x.url, escape(x.key))} {safe(x.title, 80)} · "
        f"since {ago(now, escalated_since(entry))}"
        for x in case.escalations
    ]
    others = [
        f"🗂 {link(card_url(x.key, settings), escape(x.key))} · another card, {safe(x.status, 30)}"
        for x in case.cards[1:]
    ]
    issues = [_issue(x) for x in case.issues if not (x.restricted and answer.discreet)]
    bugs = [_bug(x) for x in case.bugs if not (x.restricted and answer.discreet)]
    lines = [*escalations, *others, *issues, *bugs]
    hidden = len(case.issues) + len(case.bugs) - len(issues) - len(bugs)
    if hidden:
        lines.append(f"🔒 {hidden} restricted, not named in this channel")
    return [section(fit(lines, 2_400))] if lines else []


def _issue(issue: Issue) -> str:
    name = f"🐞 {link(issue.url, escape(issue.key))}"
    if issue.restricted:
        return f"{name} restricted"
    target = safe(", ".join(issue.fix_versions), 40) or "no fix version"
    return f"{name} {safe(issue.title, 80)} · {safe(issue.status, 30)} · {target}"


def _bug(bug: Bug) -> str:
    name = f"🐞 {link(bug.url, f'Bug {bug.id}')}"
    if bug.restricted:
        return f"{name} restricted"
    target = safe(", ".join(bug.target_release), 40) or "no target"
    return f"{name} {safe(bug.summary, 80)} · {safe(bug.status, 30)} · {target}"


#: Where a comment on the case stands, and whose it is as far as that is told.
_WHOSE: Mapping[bool | UnsetType, str] = {
    True: "customer", False: "case", UNSET: "case, customer or us: unknown",
}  # fmt: skip


class _Said(NamedTuple):
    """One comment, from the card or from the case."""

    at: float
    line: str


def _comments(answer: CaseView) -> list[Block]:
    """The last comments on card and case together; a channel sees what the customer sees."""
    case = answer.entry.case
    on_card = [x for x in case.card_comments if not x.restricted]
    on_case = () if case.details.comments is UNSET else case.details.comments
    found = [_said(x.created, x.author.name if x.author else "", "card", x.body) for x in on_card]
    found += [
        _said(x.created, x.author, _WHOSE[x.by_customer], x.body)
        for x in on_case
        if x.public or not answer.shared
    ]
    lines = [said.line for said in sorted(found)[-COMMENTS:]]
    hidden = len(case.card_comments) - len(on_card)
    if hidden:
        lines.append(f"_{hidden} restricted, to be read in JIRA only_")
    return [section("*Last comments*\n" + fit(lines, 2_000))] if lines else []


def _said(at: datetime | None, author: str, where: str, body: str) -> _Said:
    head = f"*{safe(author or 'somebody', 60)}* · {where} · {slack_time(at)}"
    return _Said(at.timestamp() if at else 0.0, f"{head}\n>{safe_prose(body, 280)}")


def _deeds(answer: CaseView, *, acting: bool) -> Block:
    """What can be done. Whoever clicks on a shared message is asked for their role then."""
    entry, number = answer.entry, answer.entry.number
    elements: list[Block] = []
    if entry.card and (answer.may_act or (answer.shared and acting)):
        elements = [
            *([] if answer.own else [ask_button("Claim", f"claim {number}", "claim", "primary")]),
            button("Assign…", ASSIGN, {"n": number}),
            button("Comment…", COMMENT, {"n": number}),
        ]
    watch = {"a": f"watch number:{number} status:any", "mine": 1}
    elements.append(button("Watch", f"{ASK}:watch", watch))
    if answer.may_refresh or answer.shared:
        elements.append(ask_button("Refresh", f"refresh {number}", "refresh"))
    return actions(elements)


def _buttons(entry: Entry, settings: Settings, *, shared: bool) -> list[Block]:
    number = entry.number
    elements: list[Block] = []
    if shared:
        details = {"a": f"case {number}", "new": 1}
        elements.append(button("Details", f"{ASK}:case", details))
    else:
        elements.append(button("Share in channel", SHARE, {"n": number}))
    elements += link_button("Portal", "portal", case_url(number, settings))
    if entry.card:
        elements += link_button("JIRA", "jira", card_url(entry.card.key, settings))
    bug = next((bug for bug in entry.case.bugs if not bug.restricted), None)
    if bug:
        elements += link_button("Bugzilla", "bugzilla", bug.url)
    elements += link_button("Page", "page", case_page_url(number, settings))
    return [actions(elements)]
