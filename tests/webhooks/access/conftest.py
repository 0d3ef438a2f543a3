"""The fixtures of the login, for tests of this folder; the settings are those without one."""

from tests.webhooks.logins import configure, idp, team_file  # noqa: F401 (fixtures)
