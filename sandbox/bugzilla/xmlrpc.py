"""Bugzilla's XML-RPC API at `/xmlrpc.cgi`: the methods that python-bugzilla needs here."""

import xmlrpc.client
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from xml.parsers.expat import ExpatError

from aiohttp import web

from sandbox.bugzilla.render import apply_update, render_bug
from sandbox.bugzilla.rest import VERSION, bearer_of
from sandbox.bugzilla.state import BugzillaError, BugzillaState, Json, SandboxBug

Method = Callable[[Mapping[str, Any], str | None], Json]
_LOGIN_REQUIRED: Final = BugzillaError(410, "You must log in before using this part of Bugzilla.")


class XmlRpcApi:
    """Answers calls; every error is a fault inside HTTP 200."""

    def __init__(self, state: BugzillaState) -> None:
        self._state = state
        self._methods: Mapping[str, Method] = {
            "Bug.get": self._get,
            "Bug.search": self._search,
            "Bug.update": self._update,
            "User.whoami": self._whoami,
            "User.valid_login": self._valid_login,
        }

    def mount(self, app: web.Application) -> None:
        """Serve the address."""
        app.router.add_post("/xmlrpc.cgi", self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            parameters, name = xmlrpc.client.loads(await request.read())
        except (ExpatError, xmlrpc.client.Error, ValueError) as error:
            return _answer(xmlrpc.client.Fault(-32700, f"XML not well-formed: {error}"))
        arguments = parameters[0] if parameters and isinstance(parameters[0], dict) else {}
        try:
            return _answer((self._call(name or "", arguments, bearer_of(request)),))
        except BugzillaError as error:
            return _answer(xmlrpc.client.Fault(error.code, error.message))

    def _call(self, name: str, arguments: Mapping[str, Any], bearer: str | None) -> Json:
        if name == "Bugzilla.version":
            return {"version": VERSION}
        if name not in self._methods:
            raise BugzillaError(-32601, f"The requested method '{name}' was not found.")
        key = bearer or arguments.get("Bugzilla_api_key", arguments.get("api_key"))
        return self._methods[name](arguments, self._state.account_of(key))

    def _get(self, arguments: Mapping[str, Any], account: str | None) -> Json:
        bugs, faults = [], []
        for name in _listed(arguments.get("ids")):
            try:
                bug = self._state.get(name, account)
            except BugzillaError as error:
                if not arguments.get("permissive"):
                    raise
                fault = {"id": name, "faultCode": error.code, "faultString": error.message}
                faults.append(fault)
            else:
                bugs.append(self._rendered(bug, account, arguments))
        return {"bugs": bugs, "faults": faults}

    def _search(self, arguments: Mapping[str, Any], account: str | None) -> Json:
        terms = {name: [str(one) for one in _listed(value)] for name, value in arguments.items()}
        found = self._state.search(terms)
        return {"bugs": [self._rendered(bug, account, arguments) for bug in found]}

    def _update(self, arguments: Mapping[str, Any], account: str | None) -> Json:
        if account is None:
            raise _LOGIN_REQUIRED
        bugs = [self._state.get(name, account) for name in _listed(arguments.get("ids"))]
        return apply_update(self._state, bugs, arguments, _moment)

    def _rendered(self, bug: SandboxBug, account: str | None, arguments: Mapping[str, Any]) -> Json:
        return render_bug(
            bug,
            account=account,
            moment=_moment,
            include=_listed(arguments.get("include_fields")),
            exclude=_listed(arguments.get("exclude_fields")),
            lacks=self._state.lacks,
        )

    def _whoami(self, arguments: Mapping[str, Any], account: str | None) -> Json:
        if account is None:
            raise _LOGIN_REQUIRED
        return {"id": 1, "name": account, "real_name": "T5G bot"}

    def _valid_login(self, arguments: Mapping[str, Any], account: str | None) -> Json:
        return {"result": account is not None and arguments.get("login") == account}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _moment(moment: datetime) -> xmlrpc.client.DateTime:
    return xmlrpc.client.DateTime(moment)


def _answer(answer: Any) -> web.Response:
    text = xmlrpc.client.dumps(answer, methodresponse=True, allow_none=True)
    return web.Response(text=text, content_type="text/xml")
