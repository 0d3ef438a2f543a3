"""What the exceptions of python-bugzilla mean, and how its odd values and answers are read."""

import json
import xmlrpc.client
from contextlib import closing
from datetime import UTC, datetime

import pytest
import requests
from bugzilla.exceptions import BugzillaError

from t5g.errors import UpstreamError
from t5g.model import Bug
from tests.workers.upstreams import Upstreams
from workers.bugzilla.client import ALWAYS, bug_of, bug_url, judge, open_bugzilla
from workers.calls import Policy, Traffic, Transient


@pytest.mark.parametrize("code", [300, 306, 307, 410, "306"])
@pytest.mark.parametrize("kind", [BugzillaError, xmlrpc.client.Fault])
def test_a_refused_key_lasts_and_says_what_to_do(kind, code):
    if kind is BugzillaError:
        found = judge(BugzillaError("secret", code=code))
    else:
        found = judge(xmlrpc.client.Fault(code, "secret"))
    assert isinstance(found, UpstreamError)
    assert not found.transient
    assert "T5G_BUGZILLA_API_KEY" in str(found)
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    "problem",
    [
        xmlrpc.client.Fault("Client", "the database is down: secret"),
        xmlrpc.client.Fault(-32000, "secret"),
        xmlrpc.client.ProtocolError("http://secret", 503, "down", {}),
        xmlrpc.client.ResponseError("secret"),
        requests.ReadTimeout("http://x?Bugzilla_api_key=secret"),
        BugzillaError("secret", code=100500),
    ],
)
def test_what_may_pass(problem):
    found = judge(problem)
    assert isinstance(found, Transient)
    assert "secret" not in str(found)


def test_other_errors_last_and_keep_the_servers_text_to_themselves():
    found = judge(BugzillaError("the secret is x", code=51))
    assert isinstance(found, UpstreamError)
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    "moment", ["2026-01-02T03:04:05Z", xmlrpc.client.DateTime("20260102T03:04:05")]
)
def test_times_of_rest_and_of_xmlrpc(moment):
    bug = bug_of({"id": 1, "last_change_time": moment}, "https://bugzilla")
    assert bug.updated == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_lists_and_texts():
    assert bug_of({"id": "1", "target_release": ["---"]}, "x").target_release == ("---",)
    assert bug_of({"id": 1, "target_milestone": "5.0"}, "x").target_release == ("5.0",)
    assert bug_of({"id": 1}, "x").target_release == ()
    internal = {"id": 1, "whiteboard": "a", "cf_internal_whiteboard": "b"}
    assert bug_of(internal, "x").whiteboard == "b"


def test_links_for_people():
    assert bug_url("https://b.example", 7) == "https://b.example/show_bug.cgi?id=7"
    assert bug_url("https://b.example/rest", 7) == "https://b.example/show_bug.cgi?id=7"


@pytest.mark.parametrize("body", ["{}", "[]", '{"bugs": null}', '{"bugs": [7]}', '{"bugs": [{}]}'])
async def test_an_answer_without_bugs_is_an_error_and_no_empty_list(
    upstreams: Upstreams, redis_url: str, body: str
):
    upstreams.bugzilla_faults.add("status", path="/rest/bug", status=200, body=body)
    with pytest.raises(UpstreamError):
        await bugs_of(upstreams, redis_url, [77])


async def test_a_bug_that_can_not_be_read_is_neither_known_nor_restricted(
    upstreams: Upstreams, redis_url: str
):
    rows = [{"id": 77, "summary": "half of it"}, {"id": 78, **dict.fromkeys(ALWAYS - {"id"}, "")}]
    body = json.dumps({"bugs": rows})
    upstreams.bugzilla_faults.add("status", path="/rest/bug", status=200, body=body)
    found = await bugs_of(upstreams, redis_url, [77, 78, 79])
    assert "could not be read" in str(found.pop(77))
    assert {number: bug.restricted for number, bug in found.items()} == {78: False, 79: True}


async def bugs_of(upstreams: Upstreams, redis_url: str, ids: list[int]) -> dict[int, Bug]:
    """What the client says of some bugs."""
    settings = upstreams.settings(redis_url)
    client = open_bugzilla(settings, policy=Policy(attempts=1), traffic=Traffic())
    with closing(client):
        return {number: bug async for found in client.bugs(ids) for number, bug in found.items()}
