"""JIRA's registration of webhooks: the Cloud path, and the one of Data Center 10 and later."""

from aiohttp import web

from sandbox.jira.state import JiraState, Refusal
from sandbox.jira.webhooks import Registration, Webhooks, registration_json

CLOUD = "/rest/webhooks/1.0/webhook"
DC = "/rest/jira-webhook/1.0/webhooks"


class Admin:
    """The handlers of one server."""

    def __init__(self, state: JiraState, webhooks: Webhooks) -> None:
        self.state = state
        self.webhooks = webhooks

    def add_routes(self, app: web.Application) -> None:
        """Mount the routes of this kind of server; the other's are not there (404)."""
        base = CLOUD if self.state.cloud else DC
        app.router.add_get(base, self.list)
        app.router.add_post(base, self.register)
        app.router.add_get(base + "/{id}", self.show)
        app.router.add_delete(base + "/{id}", self.unregister)

    async def list(self, _: web.Request) -> web.Response:
        rows = [
            registration_json(self.state.base_url, r) for r in self.webhooks.registered.values()
        ]
        return web.json_response(rows)

    async def register(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if not str(asked.get("url", "")).startswith(("http://", "https://")):
            raise Refusal(400, "The webhook's URL must be absolute.")
        if self.state.cloud:
            secret = str(asked.get("secret") or "")
            kept = str((asked.get("filters") or {}).get("issue-related-events-section") or "")
        else:  # a secret at the top is ignored without a word
            configuration = asked.get("configuration") or {}
            secret = str(configuration.get("SECRET") or "")
            kept = str(configuration.get("FILTERS") or "")
        made = self.webhooks.register(
            asked["url"],
            secret=secret,
            name=str(asked.get("name") or ""),
            events=asked.get("events") or (),
            filter=kept,
        )
        return web.json_response(registration_json(self.state.base_url, made), status=201)

    async def show(self, request: web.Request) -> web.Response:
        return web.json_response(registration_json(self.state.base_url, self._found(request)))

    async def unregister(self, request: web.Request) -> web.Response:
        del self.webhooks.registered[self._found(request).id]
        return web.Response(status=204)

    def _found(self, request: web.Request) -> Registration:
        wanted = request.match_info["id"]
        found = self.webhooks.registered.get(int(wanted) if wanted.isdigit() else -1)
        if found is None:
            raise Refusal(404, "Webhook not found.")
        return found
