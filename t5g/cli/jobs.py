"""`t5g jobs`: what the workers do, did and will do; a failed job is made again or dropped."""

import time
from contextlib import closing
from typing import Annotated

import typer
from redis.asyncio import Redis
from rich.console import Console
from rich.table import Table

from t5g.cli import terminal
from t5g.cli.processes import ready
from t5g.cli.terminal import ago, moment, new_table, record, seconds
from t5g.connection import open_queue_redis
from t5g.job_report import JobReport, read_report, runs_of
from t5g.keys import Keys
from t5g.runs import Run
from t5g.settings import Settings
from t5g.work import drop_job, retry_job

jobs = typer.Typer(help="What the workers do, did and will do.", invoke_without_command=True)
JobId = Annotated[str, typer.Argument(help="The id of a job, as the lists show it")]


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    app.add_typer(jobs, name="jobs")


@jobs.callback()
def overview(context: typer.Context) -> None:
    """Without a word of its own: list everything."""
    if context.invoked_subcommand is None:
        show_all()


@jobs.command("list")
def show_all() -> None:
    """List queues, workers, what runs, what comes next, and how jobs went in the last day."""
    report = terminal.run(_read)
    console = Console()
    for table in (_queues(report), _workers(report), _running(report), _planned(report)):
        console.print(table)
    console.print(_summaries(report))
    console.print(_runs("Last runs", report.latest[:15], report.now))
    letters = report.deadletters
    console.print(f"Events of JIRA that could not be applied: {letters}", highlight=False)


@jobs.command("failed")
def failed() -> None:
    """List the jobs that failed for good, and the attempts that went wrong in the last day."""
    report = terminal.run(_read)
    table = new_table("Failed for good", "job", "queue", "what", "ended")
    for job in report.failed:
        table.add_row(job.id, job.queue, job.description, ago(job.ended, report.now))
    console = Console()
    console.print(table)
    console.print(_runs("Attempts that went wrong", report.troubles, report.now))
    if report.failed:
        console.print("`t5g jobs retry ID` asks for one again, `t5g jobs drop ID` forgets it.")


@jobs.command("show")
def show(job: JobId) -> None:
    """Show all kept runs of a job, with the errors in full."""
    runs = terminal.run(lambda settings, redis: runs_of(settings, redis, job))
    console = Console(highlight=False)
    console.print(_runs(f"Runs of {job}", tuple(runs), time.time()))
    for run in runs:
        if run.trace:
            console.print(f"\n{moment(run.ended)}  {run.id}", style="bold", markup=False)
            console.print(run.trace, markup=False)
            break


@jobs.command("retry")
def retry(job: JobId) -> None:
    """Ask again for a job that failed for good."""
    settings = ready()
    with closing(open_queue_redis(settings.redis_url)) as redis:
        retry_job(redis, Keys(settings.redis_prefix), job)
    terminal.run(lambda settings, redis: record(settings, redis, "jobs retry", job))
    typer.echo(f"{job} waits in its queue again.")


@jobs.command("drop")
def drop(job: JobId) -> None:
    """Forget a job that failed for good, or that waits. Its runs stay in the lists."""
    settings = ready()
    with closing(open_queue_redis(settings.redis_url)) as redis:
        drop_job(redis, Keys(settings.redis_prefix), job)
    terminal.run(lambda settings, redis: record(settings, redis, "jobs drop", job))
    typer.echo(f"{job} is dropped.")


async def _read(settings: Settings, redis: Redis) -> JobReport:
    return await read_report(settings, redis, time.time())


def _queues(report: JobReport) -> Table:
    table = new_table("Queues", "queue", "waiting", "oldest", "repeated later", "failed")
    for queue in report.queues:
        oldest = seconds(queue.oldest_age(report.now)) if queue.waiting else "–"
        table.add_row(queue.name, str(queue.waiting), oldest, str(queue.later), str(queue.failed))
    return table


def _workers(report: JobReport) -> Table:
    signs = ", ".join(f"{count} {kind}" for kind, count in report.alive.items())
    table = new_table(
        f"Workers (alive: {signs})", "worker", "state", "does", "done", "failed", "since"
    )
    for one in report.workers:
        born = ago(one.born, report.now)
        table.add_row(one.name, one.state, one.job or "–", str(one.done), str(one.failed), born)
    return table


def _running(report: JobReport) -> Table:
    table = new_table("Running", "job", "id", "for", "asked by", "progress")
    for run in report.running:
        since = seconds(report.now - run.started)
        table.add_row(run.job, run.job_id, since, run.asked_by or "–", report.progress_of(run))
    return table


def _planned(report: JobReport) -> Table:
    table = new_table("Next", "entry", "in", "what")
    for entry in report.planned:
        late = report.now > entry.at
        due = (
            f"late by {seconds(report.now - entry.at)}" if late else seconds(entry.at - report.now)
        )
        table.add_row(entry.name, due, entry.description)
    return table


def _summaries(report: JobReport) -> Table:
    table = new_table("The last day", "job", "runs", "done", "p50", "p95", "last", "result")
    for found in report.summaries:
        table.add_row(
            found.job,
            str(found.runs),
            f"{found.success:.0%}",
            seconds(found.p50),
            seconds(found.p95),
            ago(found.last.ended, report.now),
            str(found.last.outcome),
        )
    return table


def _runs(title: str, runs: tuple[Run, ...], now: float) -> Table:
    table = new_table(title, "ended", "job", "id", "took", "outcome", "result or error")
    for run in runs:
        outcome = str(run.outcome) if run.outcome else "running"
        took = seconds(run.seconds if run.ended else now - run.started)
        ended = ago(run.ended or None, now)
        table.add_row(ended, run.job, run.job_id, took, outcome, run.error or run.result)
    return table
