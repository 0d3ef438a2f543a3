"""The registry of commands: routing, help, roles and the manifest come from this one place.

A command is a small module of `bot/commands/` that registers itself with the decorator.
"""

from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import NamedTuple

from msgspec import Struct

from bot.answers import Answer, CommandHelp, Option
from bot.asker import Asker, Standing
from bot.context import Context
from bot.replies import ReplyTo
from t5g.errors import NotFoundError, RefusedError, UnsureError
from t5g.team import Role

__all__ = ["Asker", "Command", "Context", "Request", "Router", "UnknownCommandError", "router"]

#: What each role is called when somebody lacks it.
WHO = {
    Role.VIEWER: "members of the workspace",
    Role.ENGINEER: "engineers of the team",
    Role.ADMIN: "administrators",
}


#: Why somebody can not have a role at all.
STANDING = {
    Standing.GUEST: "This bot shows cases to full members of the workspace only, not to guests.",
    Standing.OUTSIDER: (
        "This bot belongs to another company's workspace, and shows its cases to members of that "
        "workspace only."
    ),
    Standing.APP: "This bot answers people, not other apps.",
    Standing.GONE: "Your account in this workspace is deactivated, so this bot shows you nothing.",
    Standing.UNKNOWN: (
        "Slack does not know you in this workspace; this bot shows cases to its members only."
    ),
}
NOT_NOW = (
    "Slack does not tell me just now who you are (it is slow, or asks me to wait), so nothing was "
    "done. Try again in a moment."
)


def not_here(why: str) -> str:
    """Explain why a channel is shown nothing."""
    return (
        f"This channel is shown no cases: {why}. An administrator can name the channel in "
        "`T5G_SLACK_EXTERNAL_CHANNELS`."
    )


#: What people say for a command.
SYNONYMS = {
    "search": "cases", "find": "cases", "list": "cases", "ls": "cases", "query": "cases",
    "show": "case", "view": "case", "open": "case", "get": "case", "customer": "account",
    "person": "engineer", "who": "engineer", "my": "mine", "escalated": "escalations",
    "numbers": "stats", "health": "status", "take": "claim", "grab": "claim", "own": "claim",
    "drop": "unclaim", "release": "unclaim", "give": "assign", "reassign": "assign",
    "note": "comment", "say": "comment", "subscribe": "watch", "follow": "watch",
    "unsubscribe": "unwatch", "unfollow": "unwatch", "download": "export", "update": "refresh",
}  # fmt: skip


class UnknownCommandError(NotFoundError):
    """There is no such command; `options` are the nearest ones."""

    def __init__(self, message: str, options: tuple[Option, ...]) -> None:
        self.options = options
        super().__init__(message)


class Request(Struct, frozen=True, kw_only=True):
    """One question: the text after the command's name, and who asks.

    `back`: the way back to the person, for the results of jobs (None where there is none).
    `title`: the name of a list that is turned over.
    """

    context: Context
    asker: Asker
    text: str
    page: int = 1
    title: str = ""
    back: ReplyTo | None = None

    @property
    def now(self) -> float:
        """The moment of the question."""
        return self.context.clock()

    def need(self, role: Role, what: str) -> None:
        """Raise RefusedError unless the asker has `role`; `what` finishes “… is for engineers”."""
        permit(self.asker, role, what)

    async def need_audience(self, channel: str) -> None:
        """Raise RefusedError if a channel may not be shown cases, UnsureError if it is unknown."""
        if why := await self.context.audience.refusal(channel):
            raise RefusedError(not_here(why))


def permit(asker: Asker, role: Role, what: str) -> None:
    """Return if the person has `role`; `what` begins “… is for engineers”.

    Raise RefusedError if they have not, UnsureError if that is not known.
    """
    if asker.may(role):
        return
    if asker.unsure:
        raise UnsureError(NOT_NOW)
    why = STANDING.get(asker.standing)
    raise RefusedError(
        why or f"{what} is for {WHO[role]}; ask one of them, or an administrator for the role."
    )


Handler = Callable[[Request], Awaitable[Answer]]


class Command(NamedTuple):
    """A command with its help. `role`: the least one needs; `acts`: it changes an upstream.

    `keeps`: it changes what the bot keeps, or asks for work.
    `steady`: the answer depends only on the board, the minute, and who asks.
    """

    name: str
    usage: str
    summary: str
    examples: tuple[str, ...]
    handler: Handler
    role: Role
    acts: bool
    steady: bool
    keeps: bool

    @property
    def reads(self) -> bool:
        """Say whether it changes nothing, so that it may be offered as a guess."""
        return not self.acts and not self.keeps

    @property
    def help(self) -> CommandHelp:
        """How it is used."""
        return CommandHelp(
            name=self.name,
            usage=self.usage,
            summary=self.summary,
            examples=self.examples,
            role=self.role,
            acts=self.acts,
        )


class Router:
    """Commands by name."""

    def __init__(self) -> None:
        self.commands: dict[str, Command] = {}

    def command(
        self,
        name: str,
        *,
        summary: str,
        usage: str = "",
        examples: tuple[str, ...] = (),
        role: Role = Role.VIEWER,
        acts: bool = False,
        steady: bool = False,
        keeps: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register a handler as the command `name`."""

        def register(handler: Handler) -> Handler:
            shown = f"{name} {usage}".strip()
            self.commands[name] = Command(
                name, shown, summary, examples, handler, role, acts, steady, keeps
            )
            return handler

        return register

    def find(self, name: str, rest: str = "") -> Command:
        """Return a command by name. Raises UnknownCommandError with the nearest ones.

        `rest`: the text that followed, for the suggestions.
        """
        found = self.commands.get(name.casefold())
        if found is not None:
            return found
        near = self._meant(name.casefold())
        hint = f"Did you mean `{near[0]}`?" if near else "`help` lists all commands."
        offered = (f"{x} {rest}" if self.commands[x].reads else f"help {x}" for x in near)
        options = tuple(Option(x.strip(), x.strip()) for x in offered)
        raise UnknownCommandError(
            f"There is no command `{name[:40]}`. {hint}",
            options or (Option("help", "help"),),
        )

    def _meant(self, word: str) -> list[str]:
        """Return which commands a word may mean, never the opposite of what it says."""
        if word in SYNONYMS:
            return [SYNONYMS[word]]
        undoes = word.startswith("un")
        alike = [name for name in self.commands if name.startswith("un") == undoes]
        return get_close_matches(word, alike, n=3, cutoff=0.5)

    def allowed(self, role: Role | None) -> list[Command]:
        """Return the commands that somebody with `role` may use."""
        return [c for c in self.commands.values() if role is not None and role.includes(c.role)]


router = Router()
