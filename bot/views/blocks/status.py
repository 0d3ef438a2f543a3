"""How fresh the data is, how the parts are, and how far a sync is."""

from bot.answers import Progress, SyncStatus
from bot.views.blocks.parts import SHARE, Payload, actions, ask_button, button, section, small
from bot.views.words import ago, fit, plural, safe
from t5g.syncs import SyncRecord, SyncState

MOST_ALERTS = 10
_STATES = {
    SyncState.OK: "✅", SyncState.RUNNING: "🔄", SyncState.PARTIAL: "🟠",
    SyncState.FAILED: "🔴", SyncState.NEVER: "⚪",
}  # fmt: skip


def status_message(answer: SyncStatus) -> Payload:
    """The state of everything."""
    lines = [_sync_line(record, answer.now) for record in answer.records]
    blocks = [section("*Freshness*\n" + fit(lines)), section("*Parts*\n" + fit(_parts(answer)))]
    if answer.alerts:
        shown = answer.alerts[:MOST_ALERTS]
        told = [f"🔔 {safe(x.text, 240)} · {ago(answer.now, x.at)}" for x in shown]
        if len(answer.alerts) > len(shown):
            told.append(f"… and {len(answer.alerts) - len(shown):,} more")
        blocks.append(section("*Needs a look*\n" + fit(told)))
    blocks.append(actions([
        ask_button("Refresh all", "refresh all", "refresh"),
        button("Share in channel", SHARE, {"a": "status"}),
    ]))  # fmt: skip
    mode = "read-only" if answer.read_only else "changes JIRA when asked"
    blocks.append(small(f"t5g {answer.version} · {plural(answer.cases, 'case')} · {mode}"))
    return {"text": "Freshness of each source", "blocks": blocks}


def _sync_line(record: SyncRecord, now: float) -> str:
    line = f"{_STATES[record.state]} *{record.name}* · {ago(now, record.last_success)}"
    if record.state is SyncState.RUNNING and record.total:
        line += f" · running, {record.current} of {record.total}"
    why = record.why_stale(now)
    return f"{line} · {safe(why, 160)}" if why else line


def _parts(answer: SyncStatus) -> list[str]:
    missing = {"worker": "nothing is synced or done", "scheduler": "nothing is synced on time"}
    lines = []
    for process in answer.processes:
        if process.count:
            lines.append(f"✅ {plural(process.count, process.kind)} alive")
        elif process.kind in missing:
            lines.append(f"🔴 no {process.kind} gives a sign of life: {missing[process.kind]}")
    waiting = [f"{name} {count}" for name, count in answer.queues.items()]
    lines.append(f"📥 waiting jobs: {', '.join(waiting) or 'unknown'}")
    if answer.outbox:
        lines.append(f"✉️ {plural(answer.outbox, 'message')} waiting to be posted")
    if answer.parked:
        lines.append(f"🅿️ {plural(answer.parked, 'JIRA event')} parked")
    return lines


def progress_message(answer: Progress) -> Payload:
    """How far a sync is; the same message is changed until it is over."""
    lines = [_progress_line(record, answer) for record in answer.records]
    if answer.over:
        head = f"The sync of {answer.what} is over."
    elif answer.joined:
        head = f"The sync of {answer.what} is under way; it runs once more after that …"
    else:
        head = f"Syncing {answer.what} …"
    return {"text": head, "blocks": [section(f"*{head}*\n" + fit(lines))]}


def _progress_line(record: SyncRecord, answer: Progress) -> str:
    name = f"*{record.name}*"
    if record.state is SyncState.RUNNING:
        far = f"{record.current:,} of {record.total:,}" if record.total else "just begun"
        share = record.current / record.total if record.total else 0.0
        full = min(10, round(share * 10))
        return f"🔄 {name} {'▰' * full}{'▱' * (10 - full)} {far} {safe(record.what, 40)}"
    if answer.waits(record):
        return f"⏳ {name} waits for its turn"
    if record.state in (SyncState.OK, SyncState.PARTIAL):
        seconds = max(0.0, record.ended - record.started)
        failed = f", {record.failed} failed" if record.failed else ""
        counts = f"{record.seen:,} seen, {record.changed:,} changed{failed}"
        why = f" · {safe(record.error, 200)}" if record.error else ""
        return f"{_STATES[record.state]} {name} {counts}, {seconds:.1f} s{why}"
    return f"{_STATES[record.state]} {name} {safe(record.error or record.state.value, 200)}"
