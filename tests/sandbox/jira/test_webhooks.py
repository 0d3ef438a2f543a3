"""Webhooks as a receiver meets them: signed, repeated, misdelivered, filtered, registered."""

import asyncio
import hashlib
import hmac
import json

import pytest

from sandbox.jira.webhooks import SECRET, Misdelivery, sign


async def test_every_delivery_is_signed_over_its_raw_body(jira):
    issue = jira.state.create_issue("T5G", "01234567: Käse")
    jira.state.transition(issue.key, "Open")
    jira.state.add_comment(issue.key, None, "hello")
    await jira.webhooks.settled()
    assert len(jira.receiver.got) == (3 if jira.state.cloud else 4)
    for headers, raw in jira.receiver.got:
        digest = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
        assert headers["X-Hub-Signature"] == f"sha256={digest}"
        assert headers["Content-Type"].startswith("application/json")
        assert headers["X-Atlassian-Webhook-Flow"] == "Primary"
        assert "X-Atlassian-Webhook-Retry" not in headers
        assert "Atlassian" in headers["User-Agent"]
    identifiers = [h["X-Atlassian-Webhook-Identifier"] for h, _ in jira.receiver.got]
    assert len(set(identifiers)) == len(identifiers)


def test_the_signature_is_atlassian_s_own():
    assert sign(b"Hello World!", "It's a Secret to Everybody") == (
        "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    )


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503])
async def test_a_stumbling_receiver_is_asked_again_with_the_same_identifier(cloud, status):
    cloud.receiver.statuses = [status, status]
    cloud.state.create_issue("T5G", "x")
    await cloud.webhooks.settled()
    headers = [headers for headers, _ in cloud.receiver.got]
    assert len({h["X-Atlassian-Webhook-Identifier"] for h in headers}) == 1
    assert [h.get("X-Atlassian-Webhook-Retry") for h in headers] == [None, "1", "2"]
    assert len({raw for _, raw in cloud.receiver.got}) == 1
    (delivery,) = cloud.webhooks.log
    assert (delivery.answers, delivery.outcome) == ([status, status, 200], "delivered")


async def test_after_five_repetitions_jira_gives_up(cloud):
    cloud.receiver.status = 503
    cloud.state.create_issue("T5G", "x")
    await cloud.webhooks.settled()
    assert len(cloud.receiver.got) == 6
    assert cloud.webhooks.log[0].outcome == "lost"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 302])
async def test_other_answers_lose_the_event(cloud, status):
    cloud.receiver.status = status
    cloud.state.create_issue("T5G", "x")
    await cloud.webhooks.settled()
    assert len(cloud.receiver.got) == 1
    assert cloud.webhooks.log[0].outcome == "lost"


async def test_a_receiver_that_is_not_there_is_tried_six_times(cloud, free_tcp_port):
    cloud.webhooks.registered.clear()
    cloud.webhooks.register(f"http://127.0.0.1:{free_tcp_port}/hook")
    cloud.state.create_issue("T5G", "x")
    await cloud.webhooks.settled()
    assert cloud.webhooks.log[0].answers == [0] * 6


async def test_misdelivery_doubles_loses_and_overtakes(cloud):
    cloud.webhooks.misdelivery = Misdelivery(duplicate_every=2, drop_every=5, delay=0.05, seed=1)
    for n in range(30):
        cloud.state.create_issue("T5G", f"{n}")
    await cloud.webhooks.settled()
    numbers = [int(body["issue"]["fields"]["summary"]) for body in cloud.receiver.bodies]
    assert len(numbers) == 24 + 12
    assert len(set(numbers)) == 24
    assert numbers != sorted(numbers)
    identifiers = {h["X-Atlassian-Webhook-Identifier"] for h, _ in cloud.receiver.got}
    assert len(identifiers) == 24


async def test_at_most_so_many_are_on_their_way_at_once(cloud):
    running, peak = 0, 0

    async def slow(self_):
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.01)
        running -= 1

    original = cloud.receiver.take

    async def take(request):
        await slow(request)
        return await original(request)

    from aiohttp import web
    from aiohttp.test_utils import TestServer

    app = web.Application()
    app.router.add_post("/slow", take)
    async with TestServer(app) as server:
        cloud.webhooks.registered.clear()
        cloud.webhooks.register(str(server.make_url("/slow")))
        for n in range(60):
            cloud.state.create_issue("T5G", f"{n}")
        await cloud.webhooks.settled()
    assert len(cloud.receiver.got) == 60
    assert 1 < peak <= 20


async def test_a_registration_gets_the_events_and_issues_it_asked_for(jira):
    jira.state.add_project("OTHER", "x")
    jira.webhooks.registered.clear()
    jira.webhooks.register(
        jira.receiver.url, events=["jira:issue_created"], filter="project = T5G AND labels = a"
    )
    jira.state.create_issue("T5G", "yes", labels=("a",))
    jira.state.create_issue("T5G", "no")
    jira.state.create_issue("OTHER", "no", labels=("a",))
    jira.state.add_comment("T5G-1", None, "no")
    await jira.webhooks.settled()
    assert [b["issue"]["fields"]["summary"] for b in jira.receiver.bodies] == ["yes"]


async def test_webhooks_are_registered_where_each_kind_has_it(jira):
    cloud = jira.state.cloud
    mine, other = "/rest/webhooks/1.0/webhook", "/rest/jira-webhook/1.0/webhooks"
    mine, other = (mine, other) if cloud else (other, mine)
    body = {"name": "t5g", "url": "http://127.0.0.1:1/x", "events": ["jira:issue_updated"]}
    jql = "project = T5G"
    options = (
        {"secret": "abc", "filters": {"issue-related-events-section": jql}, "excludeBody": True}
        if cloud
        else {"configuration": {"SECRET": "abc", "FILTERS": jql, "EXCLUDE_BODY": "true"}}
    )
    status, made = await jira.ask("POST", mine, {**body, **options})
    assert (status, made["isSigned"]) == (201, True)
    assert "abc" not in json.dumps(made)
    found = jira.webhooks.registered[made["id"]]
    assert (found.secret, found.filter, found.exclude_body) == ("abc", jql, True)
    assert found.events == ("jira:issue_updated",)
    _, rows = await jira.ask("GET", mine)
    assert [row["name"] for row in rows] == ["t5g", "t5g"]
    assert (await jira.ask("DELETE", f"{mine}/{made['id']}"))[0] == 204
    assert (await jira.ask("GET", f"{mine}/{made['id']}"))[0] == 404
    assert (await jira.ask("POST", other, body))[0] == 404
    assert (await jira.ask("POST", mine, body, headers={}))[0] == 401


async def test_data_center_ignores_a_secret_at_the_top_without_a_word(dc):
    body = {"name": "x", "url": "http://127.0.0.1:1/x", "events": [], "secret": "abc"}
    status, made = await dc.ask("POST", "/rest/jira-webhook/1.0/webhooks", body)
    assert (status, made["isSigned"]) == (201, False)


async def test_bad_registrations_are_refused(cloud):
    path = "/rest/webhooks/1.0/webhook"
    for body in ({"url": "ftp://x"}, {"url": "http://x", "filters": {
            "issue-related-events-section": "nonsense ="}}):  # fmt: skip
        assert (await cloud.ask("POST", path, body))[0] == 400


async def test_silent_worlds_send_nothing(jira):
    issue = jira.state.create_issue("T5G", "x", silent=True)
    jira.state.add_comment(issue.key, None, "x", silent=True)
    jira.state.add_remote_link(issue.key, "https://example.com", "x")
    jira.state.set_property(issue.key, "x", 1)
    await jira.webhooks.settled()
    assert jira.receiver.got == []
