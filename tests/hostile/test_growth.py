"""No text of others takes more than linear time: not in any reader, not in any expression.

A reader of foreign text that is new has its line in `READERS`; a regular expression needs none,
all of the program are found.
"""

import importlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import asking, references, typed
from bot.plans import parse_days, parse_time, parse_zone
from bot.views import words as mrkdwn
from bot.views.blocks.alerts import pieces
from t5g import jira_payloads, jira_text, team
from t5g.assignment import Candidate, owners_of
from t5g.cli.terminal import plain as for_terminal
from t5g.derived import severity_rank
from t5g.jira_door import check_type, networks_of, same_secret, source_address
from t5g.jira_events import Event, EventReader, delivery_of, family
from t5g.logs import Scrubber, _calm
from t5g.model import is_case_number, number_of_summary
from t5g.query.lexer import quoted, visible
from t5g.query.moments import parse_moment
from t5g.query.parse import parse_query
from t5g.settings import Settings
from t5g.spreadsheet import cell, seen
from t5g.timestamps import asked_time
from t5g.timestamps import parse_time as moment_of
from tests.hostile.growing import SHAPES, Read, Shape, grows, own_shapes
from tests.making import entry
from webhooks.access.guard import BEARER
from webhooks.api.cursors import read_cursor
from webhooks.pages import addresses
from webhooks.pages.views import words as page_words
from webhooks.pages.views.suggest import suggest
from webhooks.saml.pending import local_path
from workers.bugzilla.client import bug_of
from workers.cards import text as card_text
from workers.jira import hooks, jql
from workers.portal import hydra, values

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("t5g", "bot", "webhooks", "workers")
SETTINGS = Settings()
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WORDS = {"account": ["Acme", "Zenith"], "tag": ["a"]}
QUERY = parse_query("severity:urgent sort:age")
EVENTS = EventReader(jira_payloads.fields_read(SETTINGS))
STRUCK = Scrubber(["planted-value-not-secret", 'with blank & quote" \\ not-secret'])


def adf(text: str) -> dict[str, object]:
    """A document with the text in each kind of place."""
    mark = {"type": "link", "attrs": {"href": text}}
    inline = [
        {"type": "text", "text": text}, {"type": "text", "text": "here", "marks": [mark]},
        {"type": "mention", "attrs": {"text": text}},
        {"type": "date", "attrs": {"timestamp": text}},
    ]  # fmt: skip
    items = [{"type": "listItem", "content": inline}]
    blocks = [{"type": "paragraph", "content": inline}, {"type": "bulletList", "content": items}]
    return {"type": "doc", "content": [{"type": "blockquote", "content": blocks}]}


def event(text: str) -> object:
    """An event whose every text is this one."""
    fields = {
        "summary": text, "status": {"name": text}, "labels": [text], "updated": text,
        "description": text, "comment": {"comments": [{"id": "1", "body": text}]},
    }  # fmt: skip
    body = {"webhookEvent": "jira:issue_updated", "timestamp": text,
            "issue": {"id": "1", "key": "T5G-1", "fields": fields}}  # fmt: skip
    read = EVENTS.read(json.dumps(body).encode(), {}, received=NOW)
    if isinstance(read, Event) and read.issue is not None:
        return jira_payloads.card_of(read.issue, SETTINGS)
    return read


def sprint(text: str) -> object:
    field = SETTINGS.jira_fields.sprint
    return jira_payloads.card_of({"key": "T5G-1", "fields": {field: [text]}}, SETTINGS)


def hook(text: str) -> object:
    found = hooks.Hook(id="1", name=text, url=text, filter=text)
    return found.shown_url, hooks.faults_of(found, signs=True, projects=["T5G"])


READERS: dict[str, Read] = {
    "JIRA: wiki text": jira_text.wiki_text,
    "JIRA: a document": lambda text: jira_text.adf_text(adf(text)),
    "JIRA: links of a document": lambda text: list(jira_text.links_of(adf(text))),
    "JIRA: case numbers in a field": jira_payloads.numbers_in,
    "JIRA: case numbers in a document": lambda text: jira_payloads.numbers_in(adf(text)),
    "JIRA: a remote link": lambda text: jira_payloads.number_of_remote_links(
        [{"object": {"title": text, "url": text}, "relationship": text}]
    ),
    "JIRA: a comment": lambda text: jira_payloads.comment_of({"id": "1", "body": text}),
    "JIRA: a sprint": sprint,
    "JIRA: an event": event,
    "JIRA: the name of an event": family,
    "JIRA: a delivery": lambda text: delivery_of(text.encode()),
    "JIRA: a webhook": hook,
    "JIRA: keys in an error": jql.keys_in,
    "JIRA: a quoted text": jql.quoted,
    "JIRA: the secret in the address": lambda text: same_secret(text, [b"sandbox-not-secret"]),
    "a moment": moment_of,
    "a number of a summary": number_of_summary,
    "a case number": is_case_number,
    "a severity": severity_rank,
    "Portal: a text": values.text_of,
    "Portal: texts": values.texts_of,
    "Portal: bug numbers": values.ids_of,
    "Portal: a product": values.product_and_version,
    "Portal: a status": values.status_of,
    "Portal: a number": values.number_of,
    "Portal: a tag in Solr": hydra.escaped,
    "Bugzilla: a bug": lambda text: bug_of(
        {"id": 1, "summary": text, "whiteboard": text, "status": text}, "https://bugs.example"
    ),
    "account: whose it is": lambda text: owners_of(
        text, [Candidate(name="Ann", accounts=("acme", "a a"))]
    ),
    "team: a name": team.folded,
    "team: a person in the file": lambda text: team.parse_team(
        f"[[people]]\nname = {json.dumps(text)}"
    ),
    "Slack: what was typed": typed.plain,
    "Slack: without the mention": lambda text: typed.without_mention(text, "U012"),
    "Slack: mentions": typed.mentions,
    "Slack: one mention": typed.mentioned,
    "Slack: which command": asking.routed,
    "Slack: the case meant": asking._case_in,
    "Slack: what a message points at": lambda text: references.of_text(text, SETTINGS),
    "Slack: a link": lambda text: references.of_url(text, SETTINGS),
    "Slack: a link to JIRA": lambda text: references.of_url(f"{SETTINGS.jira_url}{text}", SETTINGS),
    "Slack: one case or defect": lambda text: references.of_word(text, SETTINGS),
    "Slack: cases at the beginning": lambda text: references.named(text, SETTINGS),
    "Slack: without what is not seen": visible,
    "Slack: a mention replaced": lambda text: typed.replace_mention(text, "U012", "Ann"),
    "Slack: a time of day": parse_time,
    "Slack: days of the week": parse_days,
    "Slack: a time zone": lambda text: parse_zone(text * 4),  # too long to guess what it means
    "mrkdwn: escaped": mrkdwn.escape,
    "mrkdwn: on one line": lambda text: mrkdwn.safe(text, 300),
    "mrkdwn: on one line of any length": lambda text: mrkdwn.safe(text, 10**6),
    "mrkdwn: in lines": lambda text: mrkdwn.safe_lines(text, 10**6),
    "mrkdwn: in code": lambda text: mrkdwn.code(text, 10**6),
    "mrkdwn: a sentence": lambda text: mrkdwn.sentence(text, 10**6),
    "mrkdwn: fitting": lambda text: mrkdwn.fitting(text, 10**6),
    "mrkdwn: a plain text": lambda text: mrkdwn.printable(text, 10**6),
    "mrkdwn: a link": lambda text: mrkdwn.link(f"https://a/{text}", "a"),
    "mrkdwn: lines that fit": lambda text: mrkdwn.fit(text.split("\n"), 10**6),
    "mrkdwn: parts of a description": pieces,
    "query": parse_query,
    "query: as a word": lambda text: parse_query(quoted(text[:1_000])),
    "query: on a case": lambda text: parse_query(f'"{text}"'[:1_999]).matches(entry(), 0.0),
    "query: a moment": lambda text: parse_moment("age", ">", text),
    "query: in the search box": lambda text: suggest(text, WORDS, ["01234567"]),
    "query: of the search box with a key": lambda text: suggest("account:" + text, WORDS),
    "query: a cursor": lambda text: read_cursor(text, QUERY, NOW.timestamp()),
    "page: cut": lambda text: page_words.cut(text, 10**6),
    "page: cut to bytes": lambda text: page_words.cut_to(text, 10**6, 100),
    "page: a body": lambda text: page_words.body(text, 10**6),
    "page: a link": addresses.safe,
    "page: an account's address": addresses.account,
    "page: a term": lambda text: addresses.term("account", text),
    "page: a moment": lambda text: asked_time(text, 0.0),
    "login: where to go": local_path,
    "login: a token": BEARER.fullmatch,
    "header: the kind of a body": check_type,
    "header: where it comes from": lambda text: source_address(
        "127.0.0.1", text, networks_of("127.0.0.0/8")
    ),
    "CSV: a cell": cell,
    "CSV: what is seen": seen,
    "card: a line": card_text.plain,
    "card: a text": lambda text: card_text.cut(text, 30_000),
    "card: a short text": lambda text: card_text.cut(text, 255),
    "logs: secrets": STRUCK,
    "logs: secrets after a hint": lambda text: STRUCK(f"token {text}"),
    "logs: what steers a terminal": lambda text: _calm(None, "", {"event": text}),
    "terminal": for_terminal,
}


@pytest.mark.parametrize("name", READERS)
def test_reading_takes_linear_time_whatever_the_text(name: str) -> None:
    slow = {shape: told for shape, make in SHAPES.items() if (told := grows(READERS[name], make))}
    assert not slow


def used() -> Iterator[tuple[str, str, re.Pattern[str]]]:
    """Every regular expression of the program that is made once: where, its use, itself."""
    sources = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for part in PROGRAM
        for path in sorted((ROOT / part).rglob("*.py"))
        if path.name != "__main__.py"
    }
    texts = {name: path.read_text("utf-8") for name, path in sources.items()}
    for module, text in texts.items():
        for name in re.findall(r"^(\w+)[^=\n]*= ?\(?\n? *re\.compile\(", text, re.MULTILINE):
            where = [text] if name.startswith("_") else texts.values()
            found = {m for t in where for m in re.findall(rf"\b{name}\.(\w+)", t)} & USES.keys()
            for use in sorted(found) or ["search"]:
                yield f"{module}:{name}", use, getattr(importlib.import_module(module), name)


USES: dict[str, Callable[[re.Pattern[str]], Read]] = {
    "search": lambda pattern: pattern.search,
    "match": lambda pattern: pattern.match,
    "fullmatch": lambda pattern: pattern.fullmatch,
    "split": lambda pattern: pattern.split,
    "findall": lambda pattern: pattern.findall,
    "finditer": lambda pattern: pattern.findall,
    "sub": lambda pattern: lambda text: pattern.sub("", text),
}
EXPRESSIONS = {f"{where}.{use}": (use, pattern) for where, use, pattern in used()}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression_takes_linear_time_whatever_the_text(name: str) -> None:
    use, pattern = EXPRESSIONS[name]
    shapes: dict[str, Shape] = {**SHAPES, **own_shapes(pattern)}
    slow = {s: told for s, make in shapes.items() if (told := grows(USES[use](pattern), make))}
    assert not slow
