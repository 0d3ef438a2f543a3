"""The fixtures of the login, for tests of this folder."""

from tests.webhooks.browsing import chrome, free_ports  # noqa: F401 (fixtures)
from tests.webhooks.logins import (  # noqa: F401 (fixtures)
    browser,
    configure,
    idp,
    settings,
    team_file,
    trail,
)
