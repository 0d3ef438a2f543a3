"""The commands, one small module for each concern; importing this package registers them all."""

from bot.commands import cases, digest, help, lists, refresh, status

__all__ = ["cases", "digest", "help", "lists", "refresh", "status"]
