"""Registers webhooks: Cloud's path, also of old Data Centers, and that of 10 and later."""

from collections.abc import Callable

from sandbox.jira.model import Refusal
from sandbox.jira.registrations import Registration, classic, registration_json
from sandbox.jira.rest.call import Answer, Call, Router, created, done, ok
from sandbox.jira.webhooks import Webhooks


def admin_routers(webhooks: Webhooks) -> list[Router]:
    """Return the routes for both kinds of server."""
    old, new = Router("/rest/webhooks/1.0"), Router("/rest/jira-webhook/1.0")
    for router, path, way in ((old, "webhook", True), (new, "webhooks", False)):
        router.get(path)(_there(way, _lists(webhooks)))
        router.post(path)(_there(way, _registers(webhooks)))
        router.get(path + r"/{id:\d+}")(_there(way, _shows(webhooks)))
        router.delete(path + r"/{id:\d+}")(_there(way, _unregisters(webhooks)))
    return [old, new]


def _there(way: bool, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
    """Answer only on servers that have this way to register; on others it is 404."""

    def checked(call: Call) -> Answer:
        if classic(call.state) is not way:
            raise Refusal(404, "null for uri: this way to register is not there.")
        return handler(call)

    return checked


def _lists(webhooks: Webhooks) -> Callable[[Call], Answer]:
    def all_of_them(call: Call) -> Answer:
        call.writer()
        return ok([registration_json(call.state, one) for one in webhooks.registered.values()])

    return all_of_them


def _registers(webhooks: Webhooks) -> Callable[[Call], Answer]:
    def register(call: Call) -> Answer:
        call.writer()
        return created(registration_json(call.state, webhooks.register_as_asked(call.asked)))

    return register


def _shows(webhooks: Webhooks) -> Callable[[Call], Answer]:
    def show(call: Call) -> Answer:
        call.writer()
        return ok(registration_json(call.state, _found(webhooks, call)))

    return show


def _unregisters(webhooks: Webhooks) -> Callable[[Call], Answer]:
    def unregister(call: Call) -> Answer:
        call.writer()
        del webhooks.registered[_found(webhooks, call).id]
        return done()

    return unregister


def _found(webhooks: Webhooks, call: Call) -> Registration:
    found = webhooks.registered.get(int(call.path["id"]))
    if found is None:
        raise Refusal(404, "Webhook not found.")
    return found
