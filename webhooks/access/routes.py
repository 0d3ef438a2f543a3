"""Puts the guard around every request of an application, and mounts the login if there is one."""

from collections.abc import Callable

from aiohttp import web

from webhooks import keys
from webhooks.access.guard import ACCESS, guard, open_access
from webhooks.access.headers import Headers


def add_guard(app: web.Application) -> None:
    """Guard `app`, which has what `webhooks.keys` names. Raises SettingsError if login can not be.

    Without a login only this machine is let in (the settings see to that).
    """
    settings = app[keys.SETTINGS]
    app[ACCESS] = open_access(app, settings)
    app.middlewares.append(guard)
    targets: Callable[[], tuple[str, ...]] = tuple
    if settings.auth == "saml":
        from webhooks.saml.routes import add_routes, open_provider

        provider = open_provider(settings)
        add_routes(app, provider)
        app[keys.LOGIN_TROUBLE] = provider.trouble
        targets = provider.origins
    app.on_response_prepare.append(Headers(targets, secure=app[ACCESS].origins.secure))
