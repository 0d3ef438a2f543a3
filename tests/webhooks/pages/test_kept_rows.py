"""Rows of lists are rendered once for a change and a minute, however often they are shown."""

import pytest

from t5g.derived import Entry
from t5g.model import Comment, Details, Escalation, Person
from tests.making import NOW_SECONDS, ago, card, entry
from webhooks.pages import kept_rows
from webhooks.pages.addresses import Links
from webhooks.pages.environment import page_templates
from webhooks.pages.kept_rows import KeptRows
from webhooks.pages.rendering import MINUTE
from webhooks.pages.views.rows import FLAGS, Row, row

LINKS = Links(case="https://portal.example.com/{number}", jira="https://jira.example.com")
NOW = NOW_SECONDS - NOW_SECONDS % MINUTE


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The numbers of the cases whose row was made."""
    numbers: list[str] = []

    def counted(one: Entry, now: float, links: Links) -> Row:
        numbers.append(one.number)
        return row(one, now, links)

    monkeypatch.setattr(kept_rows, "row", counted)
    return numbers


@pytest.fixture
def rows() -> KeptRows:
    return KeptRows(page_templates(), LINKS)


def test_a_row_is_rendered_once_a_minute(rows: KeptRows, made: list[str]) -> None:
    one = entry("00000001")
    first = rows.of([one], NOW)
    assert first == rows.of([one], NOW + MINUTE - 1)
    assert made == ["00000001"]
    rows.of([one], NOW + MINUTE)
    assert made == ["00000001", "00000001"]


def test_a_changed_case_is_rendered_anew_and_others_are_not(
    rows: KeptRows, made: list[str]
) -> None:
    one, other = entry("00000001"), entry("00000002")
    rows.of([one, other], NOW)
    changed = entry("00000001", portal={"summary": "<b>It is worse</b>"})
    shown = rows.of([other, changed], NOW)
    assert made == ["00000001", "00000002", "00000001"]
    assert "&lt;b&gt;It is worse&lt;/b&gt;" in shown[1]
    assert 'data-number="00000002"' in shown[0]


def largest(text: str) -> Entry:
    """A case with every badge that one case can have, and `text` wherever people write."""
    said = Comment(id="1", author=Person(account="p", name=text), body=text, created=ago(days=20))
    return entry(
        "01234567",
        portal={"summary": text, "account": text[:255], "product": text, "version": text,
                "status": text, "created": ago(days=400), "updated": ago(days=20)},
        card=card("ABCDEFGHIJ-1234567", assignee=Person(account="p", name=text[:255]), status=text,
                  labels=("Daily_Telco_OCP", "Trends"), updated=ago(days=20)),
        comments={"ABCDEFGHIJ-1234567": (said,)},
        escalations=(Escalation(key="ESC-1"),), details=Details(crit_sit=True),
    )  # fmt: skip


@pytest.mark.parametrize(
    "text", ["基站升级后" * 100, "<&>" * 200, "long words, & more " * 50, "🛰️" * 300]
)
def test_no_row_is_large_with_every_badge_in_any_script(rows: KeptRows, text: str) -> None:
    (html,) = rows.of([largest(text)], NOW)
    assert len(html.encode()) <= kept_rows.ROW_BYTES
    for badge in ("escalated", "critsit", "stale", "watchlist", "trend"):
        assert FLAGS[badge].word in html
    assert "Breaching" in html


def test_row_that_is_not_too_large_is_told_whole(rows: KeptRows) -> None:
    name = "日本通信株式会社東京支社第二課"
    one = entry(portal={"account": name, "summary": "基站升级后无法启动" * 8})
    (html,) = rows.of([one], NOW)
    assert f'<a href="/accounts/{name}" dir="auto">{name}</a>' in html
    assert "基站升级后无法启动" * 8 in html


def test_only_so_many_rows_are_kept(
    rows: KeptRows, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [entry(f"{n:08d}") for n in range(kept_rows.MOST_ROWS + 1)]
    rows.of(many, NOW)
    rows.of(many[:1], NOW)
    assert len(made) == kept_rows.MOST_ROWS + 2
