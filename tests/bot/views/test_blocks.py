"""What views show, and what they leave out."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from bot.answers import CaseList, CaseView, DigestAnswer, Freshness, Stats, StatsRow
from bot.asking import router
from bot.commands.help import ORDER
from bot.manifest import manifest
from bot.views.blocks import render
from bot.views.blocks.alerts import pieces
from bot.views.blocks.digest import digest_posts
from t5g.census import figures
from t5g.digest import build_digest
from t5g.model import CaseComment, Comment, Details, Issue, Person
from t5g.query import parse_query
from t5g.settings import load_settings
from tests.making import NOW_SECONDS, ago, card, entry

SETTINGS = load_settings()
FRESH = Freshness(synced=NOW_SECONDS, stale=(("bugs", "503"),))


def shown(**parts: Any) -> str:
    """A case as Slack is to show it."""
    view = CaseView(entry=entry(**parts), now=NOW_SECONDS, freshness=FRESH)
    return str(render(view, SETTINGS))


def test_links_are_http_only() -> None:
    message = shown(issues=(Issue(key="B-1", url="javascript:alert(1)", title="Odd"),))
    assert "Odd" in message
    assert "javascript:" not in message


@pytest.mark.parametrize("socket", [False, True])
def test_manifest_satisfies_slack(shared_dir: object, socket: bool) -> None:
    import json

    import jsonschema

    path = shared_dir / "specs" / "slack-app-manifest.v2.schema.json"  # type: ignore[operator]
    env = {"slack_app_token": "xapp-not-secret"} if socket else {}
    made = manifest(load_settings(env={**env, "public_url": "https://t5g.example.com"}))
    jsonschema.validate(made, json.loads(path.read_text()))
    assert made["settings"]["socket_mode_enabled"] is socket


def test_hostile_text_is_shown_in_full_when_short() -> None:
    assert "a < b & c" in shown(portal={"summary": "a < b & c"})  # the header is plain text


def test_last_comments_are_those_of_card_and_case_together() -> None:
    said = [("card", 5), ("case", 4), ("card", 3), ("case", 2), ("card", 1)]
    on_card = tuple(
        Comment(id=str(n), body=f"{where} {n} h ago", created=ago(hours=n))
        for where, n in said
        if where == "card"
    )
    on_case = tuple(
        CaseComment(id=str(n), author="Bob", body=f"{where} {n} h ago", created=ago(hours=n))
        for where, n in said
        if where == "case"
    )
    text = shown(comments={"T5G-1": on_card}, details=Details(comments=on_case))
    order = [text.find(f"{where} {n} h ago") for where, n in said]
    assert order[:2] == [-1, -1]
    assert 0 < order[2] < order[3] < order[4]


def test_what_the_customer_does_not_see_is_not_shared() -> None:
    inside = CaseComment(id="1", body="between us", public=False, created=ago(hours=1))
    found = entry(details=Details(comments=(inside,)))
    view = CaseView(entry=found, now=NOW_SECONDS, freshness=FRESH)
    assert "between us" in str(render(view, SETTINGS))
    shared = msgspec.structs.replace(view, shared=True)
    assert "between us" not in str(render(shared, SETTINGS))


@pytest.mark.parametrize(
    ("by_customer", "words"),
    [(True, "· customer ·"), (False, "· case ·"), (UNSET, "· case, customer or us: unknown ·")],
)
def test_whose_a_comment_is_is_said_as_far_as_it_is_known(
    by_customer: bool | UnsetType, words: str
) -> None:
    said = CaseComment(id="1", body="hello", by_customer=by_customer, created=ago(hours=1))
    assert words in shown(details=Details(comments=(said,)))


def test_tags_that_nobody_told_are_unknown() -> None:
    assert "tags unknown" in shown()
    assert "tags" not in shown(portal={"tags": ()})


def test_whatever_is_known_besides_stands_in_a_small_line() -> None:
    text = shown(
        portal={"owner": "Olga Owner", "tags": ("shift_telco5g",)},
        card=card(contributors=(Person(account="c", name="Cora"),), sprint="Sprint 9"),
        details=Details(group_name="Core", relief_at=ago(days=1)),
    )
    for words in ("case owner Olga Owner", "tags shift", "contributors Cora", "sprint Sprint 9",
                  "group Core", "relief <!date^"):  # fmt: skip
        assert words in text, words


def test_a_quiet_day_owns_up_to_old_data() -> None:
    quiet = DigestAnswer(digest=build_digest([], NOW_SECONDS), freshness=FRESH)
    (post,) = digest_posts(quiet, SETTINGS)
    assert len(post["blocks"]) == 1
    assert "old: bugs (503)" in post["text"]


def test_headline_and_section_count_the_same() -> None:
    entries = [entry("00000001"), entry("00000002", card=None), entry("00000003")]
    made = build_digest(entries, NOW_SECONDS, since=NOW_SECONDS - 86_400)
    for part in made.sections:
        if part.name in made.figures.headlines:
            assert len(part.entries) == made.figures[part.name], part.name


def test_a_table_of_numbers_keeps_its_columns_in_any_script() -> None:
    names = ("Ann Müller-Lüdenscheidt von", "木村 陽一", "شركة الاتصالات", "A & <B> `c`\u202e")
    rows = tuple(
        StatsRow(name=name, open=1200, urgent=7, escalated=1, breaching=1234, stale=0)
        for name in names
    )
    made = figures([], NOW_SECONDS)
    answer = Stats(figures=made, freshness=FRESH, by="engineer", rows=rows, total=9)
    message = render(answer, SETTINGS)
    (table,) = [block for block in message["blocks"] if block["type"] == "table"]
    cells = [[cell["text"] for cell in row] for row in table["rows"]]
    assert cells[0] == ["Engineer", "Open", "Urgent, high", "Escalated", "Breaching", "Stale"]
    assert [row[0] for row in cells[1:]] == [*names[:3], "A & <B> `c`"]
    assert {tuple(row[1:]) for row in cells[1:]} == {("1,200", "7", "1", "1,234", "0")}
    assert len(table["column_settings"]) == len(cells[0])
    assert "5 more" in str(message["blocks"])
    assert "木村 陽一 1,200" in message["text"]


def test_severities_are_told_worst_first() -> None:
    found = [entry(f"0000000{n}", portal={"severity": x}) for n, x in enumerate(
        ("4 (Low)", "4 (Low)", "1 (Urgent)", "3 (Normal)"))]  # fmt: skip
    text = str(render(Stats(figures=figures(found, NOW_SECONDS), freshness=FRESH), SETTINGS))
    assert text.index("🔴 Urgent *1*") < text.index("🟡 Normal *1*") < text.index("🟢 Low *2*")


def test_a_long_description_is_cut_into_parts_at_once_and_never_within_an_escape() -> None:
    parts = pieces("&lt;" * 20_000)
    assert "".join(parts) == "&lt;" * 20_000
    assert all(part.startswith("&lt;") and part.endswith("&lt;") for part in parts)


def test_buttons_that_can_not_carry_the_query_are_left_out() -> None:
    query = parse_query(" ".join(f"🔥{n}" for n in range(60)))
    page = CaseList(title="Cases", query=query, total=40, page=2, entries=(entry(),) * 8,
                    now=NOW_SECONDS, freshness=FRESH)  # fmt: skip
    text = str(render(page, SETTINGS))
    assert "page:next" not in text
    assert "share" not in text


def test_help_is_in_the_order_of_need_and_names_every_command() -> None:
    assert set(ORDER) == set(router.commands)
    assert len(ORDER) == len(set(ORDER))
