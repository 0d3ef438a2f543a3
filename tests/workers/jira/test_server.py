"""What the exceptions of the `jira` package mean, and that none of them tells a secret."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from jira import JIRAError

from t5g.errors import UpstreamError
from t5g.settings import load_settings
from workers.calls import Transient
from workers.jira.server import JqlError, Server, judge


def response(status, **headers):
    made = requests.Response()
    made.status_code = status
    made.headers.update(headers)
    return made


def error(status, text="", **headers):
    return JIRAError(
        text,
        status_code=status,
        url="https://jira/secret-url",
        response=response(status, **headers),
    )


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass(status):
    assert isinstance(judge(error(status)), Transient)


def test_what_the_server_asks_for_is_honoured():
    found = judge(error(429, **{"Retry-After": "7"}))
    assert (found.after, found.throttled) == (7.0, True)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 422])
def test_what_lasts(status):
    found = judge(error(status, "very secret text"))
    assert isinstance(found, UpstreamError)
    assert not found.transient
    assert "secret" not in str(found)


def test_a_refused_query_keeps_its_message():
    found = judge(error(400, "An issue with key 'A-1' does not exist for field 'key'."))
    assert isinstance(found, JqlError)
    assert "A-1" in found.said


@pytest.mark.parametrize(
    "problem",
    [
        requests.ReadTimeout("https://user:secret@jira"),
        requests.ConnectionError("https://user:secret@jira"),
        requests.exceptions.ChunkedEncodingError("secret"),
        ValueError("Expecting value"),
    ],
)
def test_broken_connections_and_answers_may_pass(problem):
    found = judge(problem)
    assert isinstance(found, Transient)
    assert "secret" not in str(found)


class Liar(BaseHTTPRequestHandler):
    """Says 200 and an empty list, whatever is asked."""

    answer = b"[]"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    do_POST = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def lied_to():
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as liar:
        threading.Thread(target=liar.serve_forever, args=(0.01,), daemon=True).start()
        env = {
            "jira_url": f"http://127.0.0.1:{liar.server_port}",
            "jira_user": "",
            "jira_token": "x-not-secret",
        }
        server = Server(load_settings(env=env), connections=1, timeout=5)
        yield server
        server.close()
        liar.shutdown()


@pytest.mark.parametrize(
    "ask",
    [
        lambda jira: jira.search_page("project = T5G", "", {"fields": [], "size": 1}),
        lambda jira: jira.issue_json("T5G-1", {"fields": ["summary"]}),
        lambda jira: jira.comment_page("T5G-1", 0),
        lambda jira: jira.transition_rows("T5G-1"),
        lambda jira: jira.board_page("T5G", 0),
        lambda jira: jira.sprint_page(1, "active", 0),
        lambda jira: jira.who_am_i(),
    ],
)
def test_a_list_where_an_object_belongs_is_asked_for_again(lied_to, ask):
    with pytest.raises(Transient, match="not what was asked for"):
        ask(lied_to)


@pytest.mark.parametrize("answer", [b"{}", b"[[]]", b'["x"]', b"null"])
@pytest.mark.parametrize("name", ["remote_link_rows", "user_rows"])
def test_no_list_where_one_belongs_is_asked_for_again(lied_to, monkeypatch, answer, name):
    monkeypatch.setattr(Liar, "answer", answer)
    with pytest.raises(Transient, match="not what was asked for"):
        getattr(lied_to, name)("T5G-1")


@pytest.mark.parametrize(("user", "cloud"), [("bot@example.com", True), ("", False)])
def test_a_server_is_made_without_asking_it_anything(user, cloud):
    env = {"jira_url": "http://127.0.0.1:9", "jira_user": user, "jira_token": "x-not-secret"}
    server = Server(load_settings(env=env), connections=2, timeout=1)
    assert server.cloud is cloud
    assert server._is_cloud is cloud
    server.close()


@pytest.mark.parametrize(
    "ask",
    [
        lambda jira: jira.search_page("project = T5G", "", {"fields": [], "size": 1}),
        lambda jira: jira.issue_json("T5G-1", {"fields": ["summary"]}),
        lambda jira: jira.comment_page("T5G-1", 0),
        lambda jira: jira.remote_link_rows("T5G-1"),
        lambda jira: jira.user_rows("ann"),
        lambda jira: jira.transition_rows("T5G-1"),
        lambda jira: jira.board_page("T5G", 0),
        lambda jira: jira.sprint_page(1, "active", 0),
        lambda jira: jira.who_am_i(),
    ],
)
@pytest.mark.parametrize("answer", [b"{}", b'{"errorMessages": ["oops"], "errors": {}}', b"null"])
def test_an_answer_without_the_list_that_was_asked_for_says_nothing(
    lied_to, monkeypatch, ask, answer
):
    monkeypatch.setattr(Liar, "answer", answer)
    with pytest.raises(Transient):
        ask(lied_to)
