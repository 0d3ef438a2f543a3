"""No secret reaches a log line, whoever writes it and however it is wrapped."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from t5g.logs import STRUCK, Scrubber, bind, logger, setup_logging
from t5g.settings import load_settings

SECRET = "planted-value-not-secret"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, object]]]]:
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    settings = load_settings(env={"jira_token": SECRET, "log_format": "json", "log_level": "debug"})
    setup_logging(settings, stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before[0]
    root.setLevel(before[1])


def test_secrets_are_struck_from_every_kind_of_line(
    lines: Callable[[], list[dict[str, object]]],
) -> None:
    log = logger("t5g.test")
    log.info("plain", url=f"https://x/?api_key={SECRET}", nested={"a": [SECRET]})
    logging.getLogger("some.library").warning("token %s", SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("failed")
    found = lines()
    assert len(found) == 3
    assert SECRET not in json.dumps(found)
    assert STRUCK in json.dumps(found)


def test_ids_are_on_every_line_within(lines: Callable[[], list[dict[str, object]]]) -> None:
    with bind(request_id="abc", job_id=""):
        logger("t5g.test").info("inside")
    logger("t5g.test").info("outside")
    inside, outside = lines()
    assert inside["request_id"] == "abc"
    assert "job_id" not in inside
    assert "request_id" not in outside


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer eyJhbGciOi.abc.def",
        "Authorization: Basic dXNlcjpwYXNzd29yZA==",
        "GET /rest/bug?Bugzilla_api_key=abcdef123456",
        "refresh_token=abcdef&grant_type=x",
        "posting with xoxb-not-a-token-1234",
        "https://hooks.slack.com/commands/T1/2/abcdefghij",
    ],
)
def test_what_looks_like_a_secret_is_struck_too(text: str) -> None:
    struck = Scrubber()(text)
    assert STRUCK in struck
    for piece in ("eyJhbGciOi", "dXNlcjpw", "abcdef", "1234"):
        assert piece not in struck
