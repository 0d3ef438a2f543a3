"""`notify …`: what I am told of my own cases by direct message, and when I am not."""

import msgspec

from bot.answers import Answer, Note
from bot.notify import PERSONAL, Wishes
from bot.plans import parse_time, parse_zone
from bot.router import Request, router
from t5g.errors import QueryError
from t5g.query.fields import nearest


@router.command(
    "notify",
    keeps=True,
    usage="[on|off KIND|all] [quiet 20:00-08:00 [zone]|quiet off]",
    summary="Choose what I am told of my own cases by direct message, and my quiet hours",
    examples=("notify", "notify off raised", "notify quiet 20:00-08:00 Europe/Berlin"),
)
async def notify(request: Request) -> Answer:
    """Do what the first word says, and answer with what the person is told."""
    kept, person = request.context.notify, request.asker.id
    wishes = await kept.of(person)
    if words := request.text.split():
        wishes = changed(wishes, words, request.asker.zone)
        await kept.keep(person, wishes)
    return Note(text=told_of(wishes))


def changed(wishes: Wishes, words: list[str], zone: str) -> Wishes:
    """Return the wishes after a command. Raise QueryError for what is not understood."""
    match [word.casefold() for word in words]:
        case ["on" | "off" as verb, *kinds] if kinds:
            named = set(PERSONAL) if kinds == ["all"] else {_kind(kind) for kind in kinds}
            off = wishes.off - named if verb == "on" else wishes.off | named
            return msgspec.structs.replace(wishes, off=frozenset(off))
        case ["quiet", "off"]:
            return msgspec.structs.replace(wishes, quiet=())
        case ["quiet", hours, *more] if len(more) < 2 and hours.count("-") == 1:
            begin, end = map(parse_time, hours.split("-"))
            place = parse_zone(words[2]) if more else zone or wishes.zone
            return msgspec.structs.replace(wishes, quiet=(begin, end), zone=place)
    raise QueryError(
        "That is not understood.", text=" ".join(words), example="notify quiet 20:00-08:00"
    )


def _kind(word: str) -> str:
    if word in PERSONAL:
        return word
    names = ", ".join(f"`{name}`" for name in PERSONAL)
    raise QueryError(
        f"“{word[:40]}” is no kind of news; there are {names}.",
        text=word, suggestion=nearest(word, list(PERSONAL)) or "", example="notify off raised",
    )  # fmt: skip


def told_of(wishes: Wishes) -> str:
    """Return in words what somebody is told of their own cases."""
    lines = [
        f"{'🔕' if name in wishes.off else kind.sign} {kind.title} (`{name}`): "
        f"{'off' if name in wishes.off else 'on'}"
        for name, kind in PERSONAL.items()
    ]
    quiet = f"from {' to '.join(wishes.quiet)} ({wishes.zone})" if wishes.quiet else "none"
    head = "Of your own cases you are told by direct message:"
    return "\n".join([head, *lines, f"Quiet hours: {quiet}"])
