"""The one app installed in the workspace: its commands, shortcuts, events, domains and scopes.

Read from the app manifest when the bot's own is at hand; else a default that allows everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

APP_ID: Final = "A0T5GSANDBOX"
BOT_ID: Final = "B0T5GSANDBOX"


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command; `should_escape` makes Slack send mentions as ids."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = True


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An entry of the shortcuts menu; `kind` is `global` or `message`."""

    kind: str
    callback_id: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What Slack knows of the app. `events` and `scopes` None: all of them."""

    name: str = "t5g"
    commands: tuple[Command, ...] = (Command("/t5g", "Field support cases", "cases [query]"),)
    shortcuts: tuple[Shortcut, ...] = ()
    unfurl_domains: tuple[str, ...] = (
        "access.redhat.com",
        "issues.redhat.com",
        "redhat.atlassian.net",
        "bugzilla.redhat.com",
    )
    events: frozenset[str] | None = None
    scopes: frozenset[str] | None = None
    home_tab: bool = True
    messages_tab: bool = True

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Self:
        """What an app manifest (docs.slack.dev/reference/app-manifest) installs."""
        features = manifest.get("features") or {}
        settings = manifest.get("settings") or {}
        home = features.get("app_home") or {}
        events = (settings.get("event_subscriptions") or {}).get("bot_events")
        scopes = ((manifest.get("oauth_config") or {}).get("scopes") or {}).get("bot")
        return cls(
            name=_bot_name(manifest),
            commands=tuple(map(_command, features.get("slash_commands") or ())),
            shortcuts=tuple(map(_shortcut, features.get("shortcuts") or ())),
            unfurl_domains=tuple(features.get("unfurl_domains") or ()),
            events=None if events is None else frozenset(events),
            scopes=None if scopes is None else frozenset(scopes),
            home_tab=bool(home.get("home_tab_enabled", True)),
            messages_tab=bool(home.get("messages_tab_enabled", True)),
        )

    def command(self, name: str) -> Command | None:
        """The slash command of that name, if the app has it."""
        return next((one for one in self.commands if one.command == name), None)

    def subscribed(self, event: str) -> bool:
        """Whether the app asked for an event (`message.im`, `app_mention`, ...)."""
        return self.events is None or event in self.events

    def unfurls(self, host: str) -> bool:
        """Whether links to a host, or to one below it, are the app's to preview."""
        return any(host == one or host.endswith(f".{one}") for one in self.unfurl_domains)


def _bot_name(manifest: Mapping[str, Any]) -> str:
    bot = (manifest.get("features") or {}).get("bot_user") or {}
    shown = (manifest.get("display_information") or {}).get("name")
    return str(bot.get("display_name") or shown or "t5g")


def _command(entry: Mapping[str, Any]) -> Command:
    return Command(
        command=str(entry["command"]),
        description=str(entry.get("description", "")),
        usage_hint=str(entry.get("usage_hint", "")),
        should_escape=bool(entry.get("should_escape", False)),
    )


def _shortcut(entry: Mapping[str, Any]) -> Shortcut:
    return Shortcut(
        kind=str(entry["type"]),
        callback_id=str(entry["callback_id"]),
        name=str(entry["name"]),
        description=str(entry.get("description", "")),
    )
