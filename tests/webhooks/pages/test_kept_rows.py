"""Rows of lists are rendered once for a change and a minute, however often they are shown."""

import pytest

from t5g.derived import Entry
from tests.making import NOW_SECONDS, entry
from webhooks.pages import kept_rows
from webhooks.pages.addresses import Links
from webhooks.pages.environment import page_templates
from webhooks.pages.kept_rows import KeptRows
from webhooks.pages.rendering import MINUTE
from webhooks.pages.views.rows import Row, row

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


def test_only_so_many_rows_are_kept(
    rows: KeptRows, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [entry(f"{n:08d}") for n in range(kept_rows.MOST_ROWS + 1)]
    rows.of(many, NOW)
    rows.of(many[:1], NOW)
    assert len(made) == kept_rows.MOST_ROWS + 2
