"""The registry of commands: routing, help and the manifest come from this one place.

A command is a small module of `bot/commands/` that registers itself with the decorator.
"""

from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import NamedTuple

from msgspec import Struct
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from bot.answers import Answer, CommandHelp
from t5g.board import Board
from t5g.errors import NotFoundError
from t5g.keys import Keys
from t5g.settings import Settings
from t5g.statistics import History


class Asker(Struct, frozen=True, kw_only=True):
    """Who asks. `names`: everything the person goes by, casefolded (for `me`)."""

    id: str
    name: str = ""
    names: frozenset[str] = frozenset()


class Context(Struct, frozen=True, kw_only=True):
    """What commands work with; made once for each process."""

    settings: Settings
    board: Board
    redis: Redis
    history: History
    queue: SyncRedis
    keys: Keys
    clock: Callable[[], float]


class Request(Struct, frozen=True, kw_only=True):
    """One question: the text after the command's name, and who asks."""

    context: Context
    asker: Asker
    text: str
    page: int = 1

    @property
    def now(self) -> float:
        """The moment of the question."""
        return self.context.clock()


Handler = Callable[[Request], Awaitable[Answer]]


class Command(NamedTuple):
    """A command with its help."""

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    handler: Handler

    @property
    def help(self) -> CommandHelp:
        """How it is used."""
        return CommandHelp(
            name=self.name, usage=self.usage, summary=self.summary, examples=self.examples
        )


class Router:
    """Commands by name."""

    def __init__(self) -> None:
        self.commands: dict[str, Command] = {}

    def command(
        self, name: str, *, summary: str, usage: str = "", examples: tuple[str, ...] = ()
    ) -> Callable[[Handler], Handler]:
        """Register a handler as the command `name`."""

        def register(handler: Handler) -> Handler:
            shown = f"{name} {usage}".strip()
            self.commands[name] = Command(name, shown, summary, examples, handler)
            return handler

        return register

    def find(self, name: str) -> Command:
        """Return a command by name. Raises NotFoundError that names the nearest one."""
        found = self.commands.get(name.casefold())
        if found is None:
            near = get_close_matches(name.casefold(), list(self.commands), n=1, cutoff=0.5)
            hint = f"Did you mean `{near[0]}`?" if near else "`help` lists all commands."
            raise NotFoundError(f"There is no command `{name[:40]}`. {hint}")
        return found


router = Router()
