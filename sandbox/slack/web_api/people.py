"""auth.test, apps.connections.open, users.* and usergroups.*: who is who."""

from sandbox.slack.model import Json, SlackError, User
from sandbox.slack.web_api.call import Call, Methods

people = Methods()


@people.add("auth.test", tier=None)
def auth_test(call: Call) -> Json:
    """Whom the token stands for."""
    grid = {"enterprise_id": call.state.enterprise_id} if call.state.enterprise_id else {}
    return grid | {
        "url": f"{call.state.base_url}/",
        "team": "T5G sandbox",
        "user": call.state.bot_user.name,
        "team_id": call.state.team_id,
        "user_id": call.bot,
        "bot_id": call.state.ids["bot"],
        "is_enterprise_install": False,
    }


@people.add("api.test", tier=None)
def api_test(call: Call) -> Json:
    """Whether the API answers."""
    return {"args": dict(call.args)}


@people.add("apps.connections.open", tier=1, app_token=True)
def open_connection(call: Call) -> Json:
    """A WebSocket address for Socket Mode."""
    return {"url": call.server.hub.new_address()}


@people.add("bots.info")
def bot_info(call: Call) -> Json:
    """The app's own bot."""
    state = call.state
    if call.text("bot", state.ids["bot"]) != state.ids["bot"]:
        raise SlackError("bot_not_found")
    return {
        "bot": {
            "id": state.ids["bot"],
            "deleted": False,
            "name": state.bot_user.name,
            "app_id": state.ids["app"],
            "user_id": call.bot,
        }
    }


@people.add("users.info", scopes=("users:read",), tier=4)
def user_info(call: Call) -> Json:
    """Someone by id."""
    user = call.state.users.get(call.text("user"))
    if user is None:
        raise SlackError("user_not_found")
    return {"user": _shown(call, user)}


@people.add("users.list", scopes=("users:read",), tier=2)
def list_users(call: Call) -> Json:
    """Everybody, bots and deactivated people included."""
    page = call.page([_shown(call, user) for user in call.state.users.values()], "members")
    return page | {"cache_ts": int(call.state.clock())}


@people.add("users.lookupByEmail", scopes=("users:read.email",))
def lookup_by_email(call: Call) -> Json:
    """Someone by e-mail address; deactivated people are found too."""
    wanted = call.text("email").casefold()
    for user in call.state.users.values():
        if user.email.casefold() == wanted and not user.is_bot:
            return {"user": _shown(call, user)}
    raise SlackError("users_not_found")


@people.add("usergroups.list", scopes=("usergroups:read",), tier=2)
def list_groups(call: Call) -> Json:
    """Every user group."""
    groups = [
        {
            "id": group.id,
            "team_id": call.state.team_id,
            "is_usergroup": True,
            "name": group.name,
            "handle": group.handle,
            "user_count": len(group.users),
            "users": group.users if call.flag("include_users") else [],
        }
        for group in call.state.groups.values()
    ]
    return {"usergroups": groups}


@people.add("usergroups.users.list", scopes=("usergroups:read",), tier=2)
def list_group_users(call: Call) -> Json:
    """Who is in a user group."""
    group = call.state.groups.get(call.text("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": group.users}


def _shown(call: Call, user: User) -> Json:
    scopes = call.state.installation.scopes
    return user.as_json(with_email=scopes is None or "users:read.email" in scopes)
