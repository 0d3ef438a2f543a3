"""What tests of the API share: a way to ask it, and worlds of cases."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.webhooks.conftest import Client
from tests.webhooks.pages.conftest import fill  # noqa: F401 (a fixture)

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def ask(client: Client) -> Ask:
    """Ask the API; give status and JSON."""

    async def send(path: str, **params: str) -> tuple[int, Any]:
        async with client.get(path, params=params or None) as response:
            return response.status, await response.json(content_type=None)

    return send
