"""`help [command]`: what this person can ask, and how."""

from bot.answers import Answer, Help
from bot.router import Command, Request, router
from t5g.query import FIELDS
from t5g.team import Role

#: What people need most comes first; the tests hold it to the registered commands.
ORDER = (
    "cases", "case", "mine", "escalations", "sla", "stale", "new", "account", "engineer", "stats",
    "digest", "watch", "watches", "unwatch", "notify", "status", "refresh", "export", "help",
    "claim", "unclaim", "assign", "unassign", "comment", "escalate", "link",
)  # fmt: skip


@router.command("help", usage="[command]", summary="Explain the commands, or one of them")
async def help_(request: Request) -> Answer:
    """Answer with all commands that this person may use, or the use of one."""
    role = request.asker.role or Role.VIEWER
    read_only = request.context.settings.read_only
    name = request.text.strip().removeprefix(request.context.settings.slack_command).strip()
    if not name:
        allowed = tuple(c.help for c in sorted(router.allowed(role), key=place))
        return Help(commands=allowed, role=role, read_only=read_only)
    command = router.find(name.split()[0])
    keys = tuple((f.name, f.meaning, f.example) for f in FIELDS.values())
    wants_keys = command.name in ("cases", "watch", "export")
    return Help(
        commands=(command.help,),
        keys=keys if wants_keys else (),
        role=role,
        read_only=read_only,
    )


def place(command: Command) -> int:
    """The place of a command among all, for people who read a list of them."""
    return ORDER.index(command.name) if command.name in ORDER else len(ORDER)
