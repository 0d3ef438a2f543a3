"""Answers as plain data, for `t5g ask --json`."""

from typing import Any

import msgspec

from bot.answers import (
    Answer,
    CaseList,
    CaseView,
    DigestAnswer,
    Export,
    Help,
    Note,
    PlanList,
    Progress,
    Stats,
    SyncStatus,
    WatchList,
)
from t5g.derived import Entry
from t5g.model import to_builtins


def data_of(answer: Answer) -> Any:
    """An answer as JSON types."""
    match answer:
        case CaseList():
            return {
                "query": answer.query.text,
                "total": answer.total,
                "page": answer.page,
                "pages": answer.pages,
                "cases": [case_data(entry, answer.now) for entry in answer.entries],
                "stale": dict(answer.freshness.stale),
            }
        case CaseView():
            whole = to_builtins(answer.entry.case)
            derived = case_data(answer.entry, answer.now)
            return {"case": whole, **derived, "stale": dict(answer.freshness.stale)}
        case Help():
            return {"commands": [to_builtins(command) for command in answer.commands]}
        case DigestAnswer():
            return {
                "numbers": dict(answer.digest.figures.headlines),
                "changes": dict(answer.digest.changes),
                "sections": {
                    section.name: [entry.number for entry in section.entries]
                    for section in answer.digest.sections
                },
                "changed": {
                    item.entry.number: [news.kind for news in item.news]
                    for item in answer.digest.items
                },
                "now": {
                    section.name: [entry.number for entry in section.entries]
                    for section in answer.digest.state
                },
                "whole": answer.digest.whole,
            }
        case SyncStatus():
            return {
                "syncs": {record.name.value: to_builtins(record) for record in answer.records},
                "queues": dict(answer.queues),
                "processes": {process.kind: process.count for process in answer.processes},
                "alerts": [to_builtins(alert) for alert in answer.alerts],
                "waiting_messages": answer.outbox,
                "cases": answer.cases,
                "version": answer.version,
            }
        case Stats():
            rows = [to_builtins(row) for row in answer.rows]
            return {"rows": rows} if answer.by else to_builtins(answer.figures)
        case WatchList():
            return [{"query": watch.query, "cases": count} for watch, count in answer.watches]
        case PlanList():
            return [{**to_builtins(plan), "next": following} for plan, following in answer.plans]
        case Export():
            return {"name": answer.name, "count": answer.count, "content": answer.content}
        case Progress():
            return {"what": answer.what, "joined": answer.joined}
        case Note():
            found = {"text": answer.text, "failed": answer.failed}
            options = [msgspec.structs.asdict(option) for option in answer.options]
            return {**found, "options": options} if options else found


def case_data(entry: Entry, now: float) -> dict[str, Any]:
    """What a list shows of a case."""
    portal, used = entry.case.portal, entry.sla_used(now)
    return {
        "number": entry.number,
        "summary": portal.summary,
        "account": portal.account,
        "status": portal.status,
        "severity": entry.severity,
        "card": entry.card.key if entry.card else None,
        "internal_status": entry.internal_status or None,
        "assignee": (entry.assignee.name or entry.assignee.account) if entry.assignee else None,
        "days_open": round(entry.days_open(now), 2),
        "sla_used": None if used is None else round(used, 3),
        "escalated": entry.escalated,
        "crit_sit": entry.crit_sit,
        "stale": entry.stale(now),
        "breaching": entry.breaching(now),
    }
