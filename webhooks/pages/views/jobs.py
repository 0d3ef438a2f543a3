"""What `/jobs` shows, in words: tables of texts, and moments."""

from msgspec import Struct

from t5g.job_report import JobReport
from t5g.runs import Run
from webhooks.pages.views.words import When, count, cut, duration, when

LONGEST = 160
#: Shorter than that a length of time is told in tenths of a second.
MINUTE = 60.0


class Table(Struct, frozen=True, kw_only=True):
    """A table of texts. `id` is a word for addresses on the page."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str


class RunRow(Struct, frozen=True, kw_only=True):
    """One attempt of a job. `trace`: the error in full, secrets struck out."""

    when: When | None
    job: str
    id: str
    took: str
    outcome: str
    told: str
    asked_by: str
    trace: str = ""


class JobsView(Struct, frozen=True, kw_only=True):
    """The page. `alarms`: what somebody should look at now."""

    at: When | None
    alarms: tuple[str, ...]
    tables: tuple[Table, ...]
    latest: tuple[RunRow, ...]
    troubles: tuple[RunRow, ...]


def jobs_view(report: JobReport) -> JobsView:
    """Say how all work stands."""
    return JobsView(
        at=when(report.now, report.now),
        alarms=tuple(_alarms(report)),
        tables=(
            _running(report), _queues(report), _summaries(report), _planned(report),
            _workers(report), _failed(report),
        ),
        latest=tuple(_row(run, report.now) for run in report.latest),
        troubles=tuple(_row(run, report.now) for run in report.troubles),
    )  # fmt: skip


def _alarms(report: JobReport) -> list[str]:
    found = []
    for kind in ("worker", "scheduler"):
        if not report.alive.get(kind):
            found.append(f"No {kind} gives a sign of life.")
    late = max((report.now - entry.at for entry in report.planned), default=0.0)
    if late > MINUTE:
        found.append(f"The schedule is {duration(late)} late.")
    if report.failed:
        found.append(f"{count(len(report.failed), 'job')} failed for good: `t5g jobs failed`.")
    if report.deadletters:
        found.append(f"{count(report.deadletters, 'event')} of JIRA could not be applied yet.")
    return found


def _queues(report: JobReport) -> Table:
    rows = tuple(
        (
            queue.name,
            str(queue.waiting),
            took(queue.oldest_age(report.now)) if queue.waiting else "–",
            str(queue.later),
            str(queue.failed),
        )
        for queue in report.queues
    )
    columns = ("Queue", "Waiting", "Oldest waits", "Repeated later", "Failed")
    return Table(id="queues", title="Queues", columns=columns, rows=rows, empty="")


def _workers(report: JobReport) -> Table:
    rows = tuple(
        (
            one.name,
            one.state,
            one.job or "–",
            str(one.done),
            str(one.failed),
            _ago(one.born, report),
        )
        for one in report.workers
    )
    columns = ("Worker", "State", "Does", "Done", "Failed", "Since")
    return Table(id="workers", title="Workers", columns=columns, rows=rows, empty="None is there.")


def _running(report: JobReport) -> Table:
    rows = tuple(
        (
            run.job,
            run.job_id,
            took(report.now - run.started),
            report.progress_of(run) or "–",
            run.asked_by or "–",
        )
        for run in report.running
    )
    columns = ("Job", "Id", "For", "Progress", "Asked by")
    return Table(id="running", title="Running", columns=columns, rows=rows, empty="Nothing runs.")


def _planned(report: JobReport) -> Table:
    rows = tuple(
        (entry.name, _due(entry.at - report.now), entry.description) for entry in report.planned
    )
    columns = ("Entry", "Next", "What")
    return Table(id="next", title="Next", columns=columns, rows=rows, empty="Nothing is planned.")


def _summaries(report: JobReport) -> Table:
    rows = tuple(
        (
            found.job,
            str(found.runs),
            f"{found.success:.0%}",
            took(found.p50),
            took(found.p95),
            _ago(found.last.ended, report),
            str(found.last.outcome),
        )
        for found in report.summaries
    )
    columns = ("Job", "Runs", "Done", "Median", "95 %", "Last", "Result")
    return Table(id="day", title="The last day", columns=columns, rows=rows, empty="Nothing ran.")


def _failed(report: JobReport) -> Table:
    rows = tuple(
        (job.id, job.queue, cut(job.description, LONGEST), _ago(job.ended, report))
        for job in report.failed
    )
    columns = ("Id", "Queue", "What", "Ended")
    return Table(id="failed", title="Failed for good", columns=columns, rows=rows, empty="None.")


def _row(run: Run, now: float) -> RunRow:
    return RunRow(
        when=when(run.ended, now),
        job=run.job,
        id=run.job_id,
        took=took(run.seconds),
        outcome=str(run.outcome or "running"),
        told=cut(run.error or run.result, LONGEST),
        asked_by=run.asked_by,
        trace=run.trace,
    )


def took(seconds: float) -> str:
    """Say how long something took, short times in tenths of a second."""
    return f"{max(0.0, seconds):.1f} s" if seconds < MINUTE else duration(seconds)


def _due(seconds: float) -> str:
    return f"in {took(seconds)}" if seconds >= 0 else f"late by {took(-seconds)}"


def _ago(at: float | None, report: JobReport) -> str:
    found = when(at, report.now)
    return found.ago if found else "–"
