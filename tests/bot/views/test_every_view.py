"""Every view, at any size and with hostile texts, is taken by Slack and shown as it was meant.

The views are found by looking into `bot.views.blocks`: one that is new must be named in `showing`,
or the first test here fails.
"""

import importlib
import inspect
import io
import json
import pkgutil
from collections.abc import Callable
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
from rich.console import Console

import bot.views.blocks
from bot.answers import Answer, Export
from bot.views.blocks.digest import weekly_text
from bot.views.blocks.parts import Payload
from bot.views.data import data_of
from bot.views.terminal import show
from sandbox.slack.rules import Kind, active_markup, validate_message, validate_view
from tests.bot.views import showing
from tests.bot.views.showing import ANN, ANSWERS, SETTINGS, VIEWS, digests, everything

TEXTS = {
    "empty": "",
    "plain": "Node not ready",
    "blanks": " \n\t\u00a0\u2003 \r\n ",
    "markup": "<!channel> <!here> <@U0EVIL> <#C0EVIL> <http://evil.example|https://good.example> "
    '*b* _i_ ~s~ `c` ```x``` > & &amp; &lt;!channel&gt; {"q": 1} \\ % | \x00\x1b[31m \u202e',
    "escapes": "<" * 4_000,
    "quotes": "&\"'`" * 1_200,
    "emoji": "🔥🧑‍💻é" * 700,
    "word": "a" * 15_000,
    "lines": "x\n" * 1_500,
    "wide": "顧客のノードが落ちる " * 350,
    "date": "<!date^1^{date}^https://evil.example|now> <!subteam^S0EVIL> <!everyone>",
}
SIZES = (0, 1, 10, 10_000)
OURS = {urlsplit(str(x)).hostname for x in (
    SETTINGS.public_url, SETTINGS.case_url, SETTINGS.jira_url, SETTINGS.bugzilla_url,
    "https://b.example.com", "https://j.example.com", "https://b",
)}  # fmt: skip
MADE = (Payload, list[Payload], tuple[Payload, list[Payload]])


def found_views() -> dict[str, Callable[..., Any]]:
    """Every public function that gives what Slack is to show (`parts` has but pieces)."""
    found: dict[str, Callable[..., Any]] = {}
    names = {m.name for m in pkgutil.iter_modules(bot.views.blocks.__path__)} - {"parts"}
    for name in ["", *(f".{name}" for name in sorted(names))]:
        module = importlib.import_module(f"bot.views.blocks{name}")
        for function in vars(module).values():
            if not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            made = inspect.signature(function).return_annotation
            if not function.__name__.startswith("_") and made in MADE:
                found[f"{module.__name__}.{function.__name__}"] = function
    return found


def test_no_view_is_forgotten() -> None:
    missing = [name for name, view in found_views().items() if view not in VIEWS]
    assert missing == [], f"name them in tests/bot/views/showing.py: {missing}"
    assert set(ANSWERS) == set(get_args(Answer))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("count", SIZES)
def test_slack_takes_every_view(count: int, text: str) -> None:
    for name, view in found_views().items():
        for payload in VIEWS[view](count, text):
            check = validate_message if "type" not in payload else validate_view
            assert check(payload) == [], f"{name} at {count}"
            json.dumps(payload).encode()
            strange = [x for x in active_markup(payload) if not expected(x.kind, x.target)]
            assert strange == [], f"{name} at {count}: what Slack would make of a foreign text"


def test_every_view_names_the_command_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SETTINGS.model_copy(update={"slack_command": "/field"})
    monkeypatch.setattr(showing, "SETTINGS", other)
    made = "\n".join(str(VIEWS[view](3, "Acme")) for view in found_views().values())
    assert "/t5g " not in made
    assert "`/field help cases`" in made
    assert "`/field notify`" in made


def expected(kind: Kind, target: str) -> bool:
    """Say whether we write such a thing ourselves."""
    match kind:
        case Kind.USER:
            return target == f"@{ANN}"
        case Kind.LINK:
            return urlsplit(target).hostname in OURS
        case Kind.DATE:
            return "{date_short_pretty} {time}" in target
        case Kind.CHANNEL:
            return target[2:].isdigit()  # the channels of plans
    return False


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_answer_is_also_told_at_a_terminal_and_as_data(text: str) -> None:
    for answer in everything(3, text):
        json.dumps(data_of(answer))
        if isinstance(answer, Export):
            continue  # a file is written as it is
        out = io.StringIO()
        show(answer, Console(file=out, width=100, color_system=None))
        assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("count", SIZES)
def test_the_report_for_an_email_is_plain_text(count: int, text: str) -> None:
    written = weekly_text(digests(count, text)[1])
    assert all(line.isprintable() for line in written.split("\n"))
    assert max(map(len, written.split("\n"))) < 200
    assert len(written) < 20_000
