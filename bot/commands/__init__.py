"""The commands, one small module for each concern; importing this package registers them all."""

from bot.commands import (
    acting,
    cases,
    digest,
    export,
    help,
    lists,
    notify,
    people,
    refresh,
    stats,
    status,
    watches,
)

__all__ = [
    "acting",
    "cases",
    "digest",
    "export",
    "help",
    "lists",
    "notify",
    "people",
    "refresh",
    "stats",
    "status",
    "watches",
]
