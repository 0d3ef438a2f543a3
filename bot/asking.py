"""One question, one answer: the same for slash commands, mentions, messages and `t5g ask`.

Whatever goes wrong becomes a sentence: the person's mistake as it is, ours with a short id that is
also in the log. Every question is in the audit log, what acts before it happens.
"""

import re
import secrets
from contextlib import suppress

from msgspec.structs import replace

import bot.commands  # noqa: F401 (registers all commands)
from bot.answers import Answer, Note, Option
from bot.asker import Asker, Standing
from bot.context import Context
from bot.once import asked_name
from bot.replies import ReplyTo
from bot.router import Command, Request, UnknownCommandError, permit, router
from bot.trail import line
from t5g.audit import Outcome
from t5g.errors import QueryError, RefusedError, T5GError
from t5g.logs import bind, current_ids, logger
from t5g.query import FIELDS, parse_query
from t5g.query.compiling import Words
from t5g.query.fields import ALIASES
from t5g.team import Role

log = logger(__name__)

READ_ONLY = (
    "This installation only reads (`T5G_READ_ONLY` is true): nothing is changed in JIRA or the "
    "Portal from here."
)
#: Commands that read and whose text is a query.
QUERIES = ("cases", "mine", "escalations", "stale", "sla")
#: Commands that take a text of somebody's own, and so many characters are typed again easily.
OWN_WORDS = ("comment", "escalate")
SHORT = 24
_CASE = re.compile(r"\d{8}|[A-Za-z][A-Za-z0-9_]*-\d+|https?://\S+", re.ASCII)
_TERM = re.compile(r"-?([A-Za-z_]+)(:|=|[<>]=?)")
_NUMBER = re.compile(r"(?<!\d)\d{8}(?!\d)", re.ASCII)


async def answer(
    text: str,
    asker: Asker,
    context: Context,
    *,
    page: int = 1,
    title: str = "",
    back: ReplyTo | None = None,
) -> Answer:
    """Answer what follows `/t5g`. Never raises (but when cancelled).

    `back`: where the results of asked work go.
    """
    request_id = current_ids().get("request") or secrets.token_hex(4)
    command, rest = None, text
    with bind(request=request_id):
        try:
            try:
                command, rest = routed(text)
            except UnknownCommandError:
                permit(asker, Role.VIEWER, "This bot")  # who may not ask is not helped to
                raise
            check_role(command, asker)
            await _audit(command, rest, asker, context, back)
            await context.board.refresh()
            request = Request(
                context=context, asker=asker, text=rest, page=page, title=title, back=back
            )
            if command.acts and context.settings.read_only:
                _note(context, asker, command, Outcome.REFUSED, asked=rest)
                return _given_back(Note(text=READ_ONLY, failed=True), text, command)
            return _given_back(await command.handler(request), text, command)
        except T5GError as error:
            return _given_back(_failed(error, text, command, asker, context), text, command)
        except Exception:
            log.exception("ask_broken", command=command.name if command else "")
            _note(context, asker, command, Outcome.FAILED, asked=rest, detail=f"id {request_id}")
            return Note(
                text="Something went wrong on our side; it is in the log.",
                failed=True,
                id=request_id,
            )


def routed(text: str) -> tuple[Command, str]:
    """Return the command that a text means, and the rest of it. Raises UnknownCommandError.

    A lone case number, key or link means `case`; a text that begins with a key of the query
    language means `cases`.
    """
    words = text.strip()
    name, rest = (*words.split(None, 1), "", "")[:2]
    if not name:
        return router.find("help"), ""
    if name.casefold() in router.commands:
        return router.find(name), rest
    if _CASE.fullmatch(words.strip("#*_~`<>.,:;!?")):
        return router.find("case"), words
    term = _TERM.match(words)
    if term and ALIASES.get(term.group(1).casefold(), term.group(1).casefold()) in (
        *FIELDS,
        "sort",
    ):
        return router.find("cases"), words
    return router.find(name, rest), rest


def _given_back(answer: Answer, text: str, command: Command | None) -> Answer:
    """Return an answer with what was typed, if somebody's own words came to nothing.

    Slack keeps no slash command: what it does not show again is gone.
    """
    own_words = command is None or command.name in OWN_WORDS
    if not isinstance(answer, Note) or answer.waiting or not own_words:
        return answer
    return replace(answer, typed=text) if len(text) > SHORT or "\n" in text else answer


def check_role(command: Command, asker: Asker) -> None:
    """Raise RefusedError if the person may not use the command, UnsureError if it is not known."""
    permit(asker, Role.VIEWER, "This bot")
    permit(asker, command.role, f"`{command.name}`")


def outcome_of(error: T5GError) -> Outcome:
    """Return what the audit log says of an error: only a refusal is one."""
    return Outcome.REFUSED if isinstance(error, RefusedError) else Outcome.FAILED


async def _audit(
    command: Command, rest: str, asker: Asker, context: Context, back: ReplyTo | None
) -> None:
    """Write what acts before it happens (once, if Slack asks again), and what reads soon."""
    if command.acts:
        if back and await context.once.seen(asked_name(back.request)):
            return
        entry = line(asker, command.name, Outcome.ASKED, case=_case_in(rest))
        await context.trail.record(entry)
    else:
        _note(context, asker, command, Outcome.ANSWERED, asked=rest, detail=rest)


def _case_in(text: str) -> str:
    found = _NUMBER.search(text)
    return found[0] if found else ""


def _failed(
    error: T5GError, text: str, command: Command | None, asker: Asker, context: Context
) -> Note:
    outcome = outcome_of(error)
    if error.status >= 500:
        log.warning("ask_failed", error=str(error))
    if outcome is Outcome.REFUSED:
        # Not what was typed: each of an attack's thousand questions would be news.
        detail = asker.standing if asker.standing is not Standing.MEMBER else f"{asker.role}"
        _note(context, asker, command, outcome, asked=text, detail=detail)
    elif error.status >= 500:
        _note(context, asker, command, outcome, asked=text, detail=text)
    return Note(text=str(error), failed=True, options=_options(error, text, context.board.words))


def _options(error: T5GError, text: str, words: Words) -> tuple[Option, ...]:
    """What may have been meant: commands to choose, or the question with its mistake mended."""
    if isinstance(error, UnknownCommandError):
        return error.options
    if isinstance(error, QueryError) and error.suggestion and error.text in text:
        mended = text.replace(error.text, error.suggestion, 1)
        return (Option(mended, mended),) if mended != text and _understood(mended, words) else ()
    return ()


def _understood(text: str, words: Words) -> bool:
    """Say whether a command may be offered: it can be read itself, and changes nothing."""
    with suppress(T5GError):
        command, rest = routed(text)
        if not command.reads or rest.partition(" ")[0].casefold() == command.name:
            return False
        if command.name in QUERIES:
            parse_query(rest, words)
        return True
    return False


def _note(
    context: Context,
    asker: Asker,
    command: Command | None,
    outcome: Outcome,
    *,
    asked: str = "",
    detail: str = "",
) -> None:
    # What somebody writes may be a customer's text: only the case's number is for the log.
    acts = command is not None and command.acts
    shown, case = ("", _case_in(asked)) if acts else (detail, "")
    action = command.name if command else "unknown"
    context.trail.note(line(asker, action, outcome, case=case, detail=shown))
