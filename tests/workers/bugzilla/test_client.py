"""What the exceptions of python-bugzilla mean, and how its odd values are read."""

import xmlrpc.client
from datetime import UTC, datetime

import pytest
import requests
from bugzilla.exceptions import BugzillaError

from t5g.errors import UpstreamError
from workers.bugzilla.client import bug_of, bug_url, judge
from workers.calls import Transient


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
    internal = {"id": 1, "whiteboard": "a", "internal_whiteboard": "b"}
    assert bug_of(internal, "x").whiteboard == "b"


def test_links_for_people():
    assert bug_url("https://b.example", 7) == "https://b.example/show_bug.cgi?id=7"
    assert bug_url("https://b.example/rest", 7) == "https://b.example/show_bug.cgi?id=7"
