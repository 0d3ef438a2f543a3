"""Starts processes anew when their code or their templates change: for `t5g dev`."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from t5g.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
ALL = frozenset({"sandbox", "web", "worker", "scheduler"})
#: Which processes a folder concerns. The sandbox forgets its world when it starts anew, so it does
#: so only for its own code.
CONCERNS = {
    "t5g": ALL - {"sandbox"},
    "bot": ALL - {"sandbox"},
    "workers": frozenset({"worker", "scheduler"}),
    "webhooks": frozenset({"web"}),
    "templates": frozenset({"web"}),
    "sandbox": frozenset({"sandbox"}),
}
KINDS = frozenset({".py", ".html", ".css", ".js", ".svg", ".txt"})
#: Milliseconds of quiet before what was saved together is taken together.
QUIET = 300


async def renew_what_changes(
    supervisor: Supervisor, told: Callable[[Sequence[Path]], None]
) -> None:
    """Watch the folders of the code until cancelled; `told` gets what changed, relative."""
    from watchfiles import awatch

    folders = [ROOT / name for name in CONCERNS]
    async for changes in awatch(*folders, step=QUIET, watch_filter=_matters):
        files = sorted({Path(path).relative_to(ROOT) for _, path in changes})
        told(files)
        await supervisor.renew(concerned(files))


def concerned(files: Iterable[Path]) -> frozenset[str]:
    """Return the processes that these files (relative to the project) concern."""
    return frozenset().union(*(CONCERNS.get(file.parts[0], frozenset()) for file in files))


def _matters(_: object, path: str) -> bool:
    return Path(path).suffix in KINDS and "__pycache__" not in path
