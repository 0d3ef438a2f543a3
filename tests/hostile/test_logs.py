"""Lines of a log are ours: nothing that was sent begins one, colours one or hides one."""

import io
import json
import logging
from contextlib import redirect_stderr, redirect_stdout

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5g.logs import logger, setup_logging
from t5g.settings import load_settings
from tests.hostile.conftest import Victim
from tests.hostile.nasty import NASTY_TEXTS, SEEDED, TEXTS

FORGED = (
    'x\n{"event": "all is well", "level": "info"}\r\n2026-01-01 forged'
    "\x1b[2J\x1b]0;title\x07\u2028y"
)


def written(form: str, text: str) -> str:
    """What the program writes for a line with that text in every place of it."""
    settings = load_settings(env={"log_format": form, "log_level": "info"})
    out, root = io.StringIO(), logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        with redirect_stdout(out), redirect_stderr(out):
            setup_logging(settings)
            logger("hostile").warning("refused", reason=text, **{"key": [text, {"a": text}]})
            logging.getLogger("hostile.package").warning("a package says %s", text)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    return out.getvalue()


@SEEDED
@given(text=TEXTS | st.sampled_from([FORGED, *NASTY_TEXTS]))
def test_what_is_sent_makes_no_line_of_its_own(text: str) -> None:
    lines = written("json", text).splitlines()
    assert len(lines) == 2
    assert [json.loads(line)["level"] for line in lines] == ["warning", "warning"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_terminal_is_steered(form: str) -> None:
    found = written(form, FORGED)
    assert "\x1b[2J" not in found
    assert "\x1b]0;" not in found
    assert not any(
        line.startswith(('{"event": "all is well', "2026-01-01")) for line in found.splitlines()
    )


def test_what_is_refused_leaves_short_lines(
    victim: Victim, caplog: pytest.LogCaptureFixture
) -> None:
    victim.ask("POST", "/webhooks/jira", b"x" * 100_000, Content_Type="application/json")
    victim.ask("POST", "/slack/events", b"x" * 100_000)
    victim.ask("GET", "/" + "x" * 5_000)
    assert all(len(record.getMessage()) < 2_000 for record in caplog.records)
