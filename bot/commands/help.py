"""`help [command]`: what can be asked, and how."""

from bot.answers import Answer, Help
from bot.router import Request, router
from t5g.query import FIELDS


@router.command("help", usage="[command]", summary="Explain the commands, or one of them")
async def help_(request: Request) -> Answer:
    """Answer with all commands, or the use of one."""
    name = request.text.strip()
    if not name:
        return Help(commands=tuple(command.help for command in router.commands.values()))
    command = router.find(name.split()[0])
    keys = tuple((f.name, f.meaning, f.example) for f in FIELDS.values())
    return Help(commands=(command.help,), keys=keys if command.name == "cases" else ())
