"""Each attempt of a job is a run: opened once, closed once, whoever closes it."""

from collections.abc import Iterator

import pytest
from redis import Redis

from t5g.keys import Keys
from t5g.runs import SYNC_FUNCTION, Outcome, Run, RunBook, Said, label_of


@pytest.fixture
def book(redis_url: str) -> Iterator[RunBook]:
    with Redis.from_url(redis_url) as redis:
        yield RunBook(redis, Keys())


def run(id: str = "r-1", worker: str = "w-1") -> Run:
    return Run(id=id, job_id="sync-cases", job="sync cases", queue="default", worker=worker,
               queued=100.0, started=110.0)  # fmt: skip


@pytest.mark.parametrize(
    ("function", "args", "label"),
    [
        (SYNC_FUNCTION, ("cases",), "sync cases"),
        (SYNC_FUNCTION, ("all",), "sync all"),
        (SYNC_FUNCTION, ("what somebody typed",), "sync"),
        (SYNC_FUNCTION, (), "sync"),
        ("bot.jobs.digest_tick", ("C1",), "digest_tick"),
        (None, (), "unreadable"),
    ],
)
def test_a_job_has_a_word_of_a_short_list(function: str | None, args: tuple[str, ...],
                                          label: str) -> None:  # fmt: skip
    assert label_of(function, args) == label


def test_a_run_ends_as_its_process_told_and_once(book: RunBook) -> None:
    book.begin(run())
    book.say("r-1", Said(outcome=Outcome.DONE, result="3 cases"))
    ended = book.end("r-1", 115.0)
    assert ended is not None
    assert (ended.outcome, ended.result, ended.seconds) == (Outcome.DONE, "3 cases", 5.0)
    assert book.end("r-1", 120.0) is None, "it was closed before"


def test_a_run_whose_process_told_nothing_died(book: RunBook) -> None:
    book.begin(run())
    ended = book.end("r-1", 115.0)
    assert ended is not None
    assert ended.outcome is Outcome.DIED
    assert ended.error


def test_runs_of_dead_workers_are_closed_and_others_left(book: RunBook) -> None:
    book.begin(run("r-1", "dead"))
    book.begin(run("r-2", "alive"))
    assert [one.id for one in book.bury(lambda name: name == "dead", 115.0)] == ["r-1"]
    assert book.bury(lambda name: name == "dead", 116.0) == []
    assert book.end("r-2", 117.0) is not None
