"""No secret reaches a log line, whoever writes it and however it is wrapped."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import pytest
from pydantic import SecretStr

from t5g.logs import (
    STRUCK,
    Scrubber,
    bind,
    current_ids,
    current_trace,
    logger,
    secrets_of,
    setup_logging,
)
from t5g.settings import Settings, load_settings
from t5g.work import load_rq

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


def test_a_loud_library_says_no_more_than_warnings(
    lines: Callable[[], list[dict[str, object]]],
) -> None:
    load_rq("t5g:")  # which sets the level of its worker's lines, if nobody did
    for name in ("rq.worker", "httpx"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")
    assert [(line["logger"], line["event"]) for line in lines()] == [
        ("rq.worker", "trouble"),
        ("httpx", "trouble"),
    ]


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


# A secret in every setting, and in every place of what libraries and people may log.

SECRET_SETTINGS = [
    name for name, info in Settings.model_fields.items() if info.annotation is SecretStr
]
PLACES = [
    "{s}",
    "https://x.test/path/{s}/more",
    "https://x.test/?api_key={s}&b=1",
    "https://user:{s}@x.test/",
    "redis://:{s}@redis:6379/0",
    "Authorization: Bearer {s}",
    "{{'Authorization': 'Basic {s}', 'X-Slack-Signature': 'v0={s}'}}",
    "Cookie: t5g={s}; other={s}",
    '{{"access_token": "{s}", "n": 1}}',
    "client_secret={s}&grant_type=refresh_token",
    "Traceback:\n  File x\nValueError: {s}",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_of_any_setting_is_struck_in_any_place(place: str) -> None:
    planted = {name: f'planted-{name}/+ü"not-secret' for name in SECRET_SETTINGS}
    assert len(planted) >= 9
    settings = load_settings(env={**planted, "redis_url": "redis://:planted-redis-not-secret@h/0"})
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    setup_logging(settings, stream)
    log = logger("t5g.test")
    try:
        for secret in [*planted.values(), "planted-redis-not-secret"]:
            for form in (secret, quote(secret), quote_plus(secret), json.dumps(secret)):
                text = place.format(s=form)
                log.info(text, text=text, headers={text: [text, {"deep": text}]}, raw=text.encode())
                logging.getLogger("urllib3.connectionpool").error("GET %s", text)
                logging.getLogger("library").error("%r", {"body": text})
                try:
                    raise ConnectionError(text)
                except ConnectionError:
                    log.exception("broke")
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
    said = stream.getvalue()
    assert said.count("\n") >= 40
    assert "planted-" not in said


def test_words_around_a_key_are_left_alone() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nplantedAAAABBBBnot\n-----END PRIVATE KEY-----"
    scrub = Scrubber(secrets_of(load_settings(env={"saml_key": pem})))
    assert scrub("a PRIVATE matter") == "a PRIVATE matter"
    assert "plantedAAAABBBBnot" not in scrub("line plantedAAAABBBBnot of it")


def test_the_id_of_the_request_is_what_goes_on_with_work() -> None:
    with bind(request="web1"):
        assert current_ids() == {"request": "web1"}
        with bind(job="j"):
            assert current_trace() == "web1"
    with bind(job="j"):
        assert current_trace() == "j"
    assert current_trace() == ""
