"""Who looks at a page or asks the API: a value that the guard at the door puts on the request."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from msgspec import Struct
from msgspec.structs import force_setattr

from t5g.team import Me, Role


class Viewer(Struct, frozen=True, kw_only=True):
    """A person or a script. `id` "" is the one nameless viewer of an installation without login.

    `me`: whom `assignee:me` stands for. `role` None: let in by nobody.
    """

    id: str = ""
    name: str = ""
    me: Me = Me()
    role: Role | None = Role.VIEWER
    session: str = ""
    #: Two viewers with the same key see the same page.
    key: str = ""

    def __post_init__(self) -> None:
        role = self.role.value if self.role else ""
        force_setattr(self, "key", f"{self.id} {role} {bool(self.session)} {self.name}")

    def may(self, needed: Role) -> bool:
        """Say whether their role includes `needed`."""
        return self.role is not None and self.role.includes(needed)


#: Without a login whoever reaches the page is on this machine, where everything is theirs anyway.
LOCAL = Viewer(role=Role.ADMIN)

#: Who is not known and may see nothing but what everybody may.
STRANGER = Viewer(role=None)

VIEWER: Final = web.RequestKey("VIEWER", Viewer)


def viewer_of(request: web.Request) -> Viewer:
    """Return who asks; the guard has let them in."""
    found: Viewer = request.get(VIEWER, LOCAL)
    return found


#: Asks again whether a viewer may stay; for answers that go on for hours.
Welcome = Callable[[], Awaitable[bool]]
WELCOME: Final = web.RequestKey[Welcome]("WELCOME")


async def still_welcome(request: web.Request) -> bool:
    """Say whether who asked may still see: their session or token may have ended meanwhile."""
    return await request[WELCOME]() if WELCOME in request else True
