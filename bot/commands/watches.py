"""`watch QUERY`, `unwatch`, `watches`: what this channel (or this person) is told at once."""

from bot.answers import Answer, Note, Option, WatchList
from bot.commands.cases import understood
from bot.references import allowed_channels, names_restricted
from bot.router import Request, router
from bot.watches import Watch
from t5g.errors import NotFoundError, QueryError, RefusedError
from t5g.query import Query, parse_query
from t5g.team import Me, Role

TOO_MUCH = (
    "That is a restricted bug or issue, and not everybody in this channel may know of it: watch it "
    "in a message to the bot, or let an administrator name the channel in "
    "`T5G_SLACK_RESTRICTED_CHANNELS`."
)
#: A watch that matches more than this part of all open cases tells nearly everything;
NEARLY_ALL = 0.8
#: of so few cases that says nothing.
FEW = 10


@router.command(
    "watch",
    keeps=True,
    usage="QUERY",
    summary="Tell this channel at once when a case starts to match, escalates or changes status",
    examples=("watch severity:urgent", "watch account:acme escalated:yes"),
)
async def watch(request: Request) -> Answer:
    """Keep a watch for this channel, or for the asker alone in direct messages."""
    if not request.text.strip():
        raise QueryError("Watch what?", text="watch", example="watch severity:urgent")
    channel = request.asker.post_to
    personal = channel == request.asker.id
    if not personal:
        request.need(Role.ENGINEER, "Setting a watch for a whole channel")
        await request.need_audience(channel)
    query = await understood(request, request.text)
    context = request.context
    knows = personal or channel in allowed_channels(context.settings)
    if not knows and names_restricted(query, context.board):
        raise RefusedError(TOO_MUCH)
    me = request.asker.me if query.personal else Me()
    matching = _matching(request, query, me)
    made, new = await request.context.watches.add(
        Watch(
            id="",
            channel=channel,
            query=query.text,
            by=request.asker.id,
            by_name=request.asker.name,
            account=me.account,
            email=me.email,
            names=me.names,
            at=request.now,
        ),
        matching,
    )
    whom = "You are" if personal else "This channel is"
    said = f"{whom} told about `{made.query}` from now on." if new else "That is watched already."
    return await _listed(request, said + _warning(request, len(matching)))


def _warning(request: Request, matching: int) -> str:
    """Say if a watch would never be heard of, or always; "" if neither."""
    numbers = request.context.board.figures(request.now).headlines
    if not matching:
        return " No case matches it now: look whether every word is as you meant it."
    if numbers["open"] >= FEW and matching >= NEARLY_ALL * numbers["open"]:
        return f" It matches {matching:,} of {numbers['open']:,} open cases: much will be told."
    return ""


@router.command("watches", summary="List what this channel is told about")
async def watches(request: Request) -> Answer:
    """Answer with the watches of this channel (in direct messages: one's own)."""
    return await _listed(request)


@router.command(
    "unwatch",
    keeps=True,
    usage="[QUERY|all]",
    summary="Stop a watch of this channel",
    examples=("unwatch severity:urgent", "unwatch all"),
)
async def unwatch(request: Request) -> Answer:
    """Drop the watch that is named, the only one, or all."""
    channel = request.asker.post_to
    if channel != request.asker.id:
        request.need(Role.ENGINEER, "Stopping a watch of a whole channel")
    kept = request.context.watches
    present = await kept.of(channel)
    if not present:
        return Note(text="Nothing is watched here.")
    wanted = request.text.strip()
    if not wanted and len(present) > 1:
        options = [Option(x.query, f"unwatch {x.id}") for x in present]
        options.append(Option("All of them", "unwatch all"))
        return Note(text="Which watch shall end?", options=tuple(options))
    gone = present if not wanted or wanted.casefold() == "all" else _named(present, wanted)
    await kept.remove(*gone)
    names = ", ".join(f"`{x.query}`" for x in gone)
    return await _listed(request, f"{names} is not watched any more.")


def _named(present: list[Watch], wanted: str) -> list[Watch]:
    """Find a watch by its id or its query. Raises NotFoundError."""
    found = [x for x in present if wanted in (x.id, x.query)]
    if not found:
        canonical = parse_query(wanted).text
        found = [x for x in present if x.query == canonical]
    if not found:
        raise NotFoundError(f"`{wanted[:60]}` is not watched here; `watches` lists what is.")
    return found


def _matching(request: Request, query: Query, me: Me) -> set[str]:
    entries = request.context.board.entries.values()
    return {e.number for e in entries if query.matches(e, request.now, me)}


async def _listed(request: Request, said: str = "") -> WatchList:
    board = request.context.board
    rows = []
    for found in await request.context.watches.of(request.asker.post_to):
        query = parse_query(found.query, board.words)
        rows.append((found, len(_matching(request, query, found.me))))
    personal = request.asker.post_to == request.asker.id
    return WatchList(watches=tuple(rows), personal=personal, said=said)
