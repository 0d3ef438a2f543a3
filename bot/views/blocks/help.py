"""Help: what this person can do, and how each command is used."""

from bot.answers import CommandHelp, Help
from bot.views.blocks.parts import Block, Payload, actions, ask_button, section, small
from bot.views.words import code, escape, fit
from t5g.settings import Settings
from t5g.team import Role

TRY = ("cases", "mine", "escalations", "status")


def help_message(answer: Help, settings: Settings) -> Payload:
    """All commands, or the use of one."""
    name = settings.slack_command
    if len(answer.commands) == 1:
        return _one(answer, answer.commands[0], name)
    reading = [c for c in answer.commands if not c.acts]
    acting = [c for c in answer.commands if c.acts]
    blocks: list[Block] = [section("*Ask*\n" + fit(_lines(reading, name)))]
    if acting:
        blocks.append(section("*Act*\n" + fit(_lines(acting, name))))
    known = {c.name for c in answer.commands}
    blocks.append(actions([ask_button(x.capitalize(), x, x) for x in TRY if x in known]))
    blocks.append(small(_foot(answer, name)))
    return {"text": "What you can ask", "blocks": blocks}


def _lines(commands: list[CommandHelp], name: str) -> list[str]:
    return [f"`{name} {code(c.usage)}` {escape(c.summary)}" for c in commands]


def _foot(answer: Help, name: str) -> str:
    role = {"viewer": "You may read", "engineer": "You may read and act", "admin": "You may do all"}
    parts = [f"{role[answer.role]} ({answer.role})"]
    if answer.read_only and answer.role is not Role.VIEWER:
        parts.append("this installation is read-only: nothing is changed in JIRA or the Portal")
    parts.append(f"`{name} help cases` explains how to search")
    parts.append("the same words work in a message to the bot")
    return " · ".join(parts)


def _one(answer: Help, command: CommandHelp, name: str) -> Payload:
    lines = [f"*`{name} {code(command.usage)}`*", escape(command.summary)]
    lines += [f"• `{name} {code(example)}`" for example in command.examples]
    if command.role is not Role.VIEWER:
        lines.append(f"_For {command.role}s._")
    if command.acts and answer.read_only:
        lines.append("_Not possible here: this installation is read-only._")
    blocks = [section(fit(lines))]
    keys = [f"`{code(example)}` {escape(meaning)}" for _, meaning, example in answer.keys]
    blocks += [section(fit(keys[n : n + 15])) for n in range(0, len(keys), 15)]
    return {"text": escape(command.summary), "blocks": blocks}
