"""The whole stand-in as one value: the workspace, its books, and the way to the app.

`app.py` makes one and gives it to every handler; tests reach into it instead of over HTTP.
"""

from dataclasses import dataclass, field

from sandbox.slack.dispatcher import Dispatcher
from sandbox.slack.files import FileStore
from sandbox.slack.interactions import Interactions
from sandbox.slack.membership import Membership
from sandbox.slack.previews import Previews
from sandbox.slack.rate_limit import RateLimits
from sandbox.slack.response_urls import ResponseUrls
from sandbox.slack.schedule import Schedule
from sandbox.slack.socket_mode import SocketHub
from sandbox.slack.state import SlackState
from sandbox.slack.views import ViewBook
from sandbox.slack.writing import Writing


@dataclass(slots=True)
class SlackServer:
    """A workspace that is being served. `auth_error` makes every call fail with that code."""

    state: SlackState
    signing_secret: str
    bot_token: str
    app_token: str
    auth_error: str = ""
    enforce_scopes: bool = False
    views: ViewBook = field(init=False)
    files: FileStore = field(init=False)
    previews: Previews = field(init=False)
    schedule: Schedule = field(init=False)
    response_urls: ResponseUrls = field(init=False)
    limits: RateLimits = field(init=False)
    hub: SocketHub = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    membership: Membership = field(init=False)
    writing: Writing = field(init=False)
    interactions: Interactions = field(init=False)

    def __post_init__(self) -> None:
        state = self.state
        self.views = ViewBook(state)
        self.files = FileStore(state)
        self.previews = Previews(state)
        self.schedule = Schedule(state)
        self.response_urls = ResponseUrls(state)
        self.limits = RateLimits(state.clock)
        self.hub = SocketHub(state)
        self.dispatcher = Dispatcher(state, self.hub, self.signing_secret)
        self.membership = Membership(state, self.dispatcher)
        self.writing = Writing(
            state, self.views, self.previews, self.response_urls, self.dispatcher, self.membership
        )
        self.interactions = Interactions(
            state, self.views, self.response_urls, self.dispatcher, self.membership
        )

    async def close(self) -> None:
        """End every connection to the app."""
        await self.dispatcher.close()
        await self.hub.close()
