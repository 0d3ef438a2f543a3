"""All benches by name, run one after another, and what they found as one table and one JSON."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench import growth, pages, slack, sync, together, webhooks, workers
from bench.report import Findings, joined

QUICK_SIZES = (1_000,)


@dataclass(frozen=True)
class Options:
    """`quick`: a smoke run that shows that everything works; its figures mean little.

    `sizes`: numbers of cases for `growth`; `seconds`: how long `together` lasts.
    """

    quick: bool = False
    sizes: Sequence[int] = growth.SIZES
    seconds: float = 600.0


@dataclass(frozen=True)
class Bench:
    """One bench: what it shows, and how it is run."""

    meaning: str
    run: Callable[[Options], Awaitable[Findings]]


async def _growth(options: Options) -> Findings:
    sizes = QUICK_SIZES if options.quick else options.sizes
    rounds = {"rounds": 1, "count": 200} if options.quick else {}
    return joined([await growth.measure(size, **rounds) for size in sizes])


async def _slack(options: Options) -> Findings:
    return await slack.measure(*((200, 100, 1) if options.quick else ()))


async def _webhooks(options: Options) -> Findings:
    return await webhooks.measure(*((200, 1, 300) if options.quick else ()))


async def _pages(options: Options) -> Findings:
    return await pages.measure(*((200, 200, 1) if options.quick else ()))


async def _sync(options: Options) -> Findings:
    if options.quick:
        return await sync.measure(cases=100, latency=0.01, memory_cases=0)
    return await sync.measure()


async def _workers(options: Options) -> Findings:
    return await workers.measure(*((100, 0.02, 10) if options.quick else ()))


async def _together(options: Options) -> Findings:
    return await together.measure(
        3 if options.quick else options.seconds, 100 if options.quick else 1_000
    )


BENCHES: dict[str, Bench] = {
    "growth": Bench(
        "the hot paths beside their floors at 1,000, 10,000 and 100,000 cases", _growth
    ),
    "slack": Bench("a slash command beside a Bolt app that answers a constant", _slack),
    "webhooks": Bench("JIRA's events: beside a bare receiver, and ten thousand at once", _webhooks),
    "pages": Bench("the pages beside a constant body, their sizes, statistics anew", _pages),
    "sync": Bench("time, requests and memory of the syncs against upstreams far away", _sync),
    "workers": Bench("whether more workers sync more", _workers),
    "together": Bench("asking, pages, events and syncs at once, for ten minutes", _together),
}


async def run(names: Sequence[str], options: Options) -> Findings:
    """Run these benches (none: all). Raises KeyError for a name that is none."""
    return joined([await BENCHES[name].run(options) for name in names or BENCHES])
