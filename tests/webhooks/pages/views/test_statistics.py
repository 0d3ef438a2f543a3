"""Charts as values: nothing in them hangs on colour, and their numbers stand in tables."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from t5g.census import Census
from t5g.figures import HEADLINES, Durations
from t5g.statistics import DayRow
from tests.making import ago, entry
from webhooks.pages.views.charts import DASHES, line_chart
from webhooks.pages.views.statistics import BUCKET_NAMES, MOST_LINES, WEEKS, flow, past, took

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()


def rows(count: int) -> list[DayRow]:
    """The rows of as many days before NOW, oldest first."""
    found = []
    for days in range(count, 0, -1):
        at = NOW - days * 86_400
        found.append(
            DayRow(
                day=datetime.fromtimestamp(at, UTC).date().isoformat(), at=at,
                headlines={line.name: days + n for n, line in enumerate(HEADLINES)},
                by_severity={"Urgent": 1, "High": 2, "Normal": 3, "Low": 4},
                by_status={"Waiting on Red Hat": days},
                by_account={f"Account {n}": n for n in range(9)},
                by_engineer={f"Person {n}": n for n in range(9)},
            )
        )  # fmt: skip
    return found


def test_weeks_of_which_nothing_is_known_are_not_weeks_of_nothing() -> None:
    """What closed is known for ninety days: thirteen whole weeks, of which this one still runs."""
    census = Census()
    for days in (1, 80, 100, 170):
        census.add(entry(f"{days:08}", portal={"created": ago(days=days)}))
    shown = flow(census, NOW, NOW - 90 * 86_400)
    known = [row for row in shown.rows if row[1] != "not known"]
    assert len(known) == 13
    assert len(shown.rows) == WEEKS
    assert [row[1] for row in known].count("1") == 2
    assert shown.rows[-1][1:] == ("not known", "not known", "–")
    (gap,) = [bar for bar in shown.chart.bars if bar.kind == "unknown"]
    assert gap.title == "Not known before 31 Aug"
    assert gap.title in shown.chart.summary
    assert ("unknown", "Not known") in shown.chart.kinds
    whole = flow(census, NOW, NOW - 400 * 86_400)
    assert not [bar for bar in whole.chart.bars if bar.kind == "unknown"]
    assert all(row[1] != "not known" for row in whole.rows)
    nothing = flow(Census(), NOW, NOW)
    assert {row[1] for row in nothing.rows} == {"not known"}


def test_every_headline_number_has_a_line_and_a_column_of_the_table() -> None:
    shown = past(rows(10), 90, NOW).headlines
    assert set(shown.head[1:]) == {line.title for line in HEADLINES}
    assert sum(len(chart.lines) for chart in shown.charts) == len(HEADLINES)
    newest = dict(zip(shown.head, shown.rows[0], strict=True))
    ends = {line.last for chart in shown.charts for line in chart.lines}
    assert ends == {newest[line.title] for line in HEADLINES}


def test_lines_of_a_chart_are_told_apart_without_colour() -> None:
    found = past(rows(10), 90, NOW)
    for chart in (*found.headlines.charts, *(fact.charts[0] for fact in found.facts)):
        assert len({line.dash for line in chart.lines}) == len(chart.lines), chart.title
        assert all(line.name and line.last for line in chart.lines), "each is named at its end"
        assert chart.summary.startswith(chart.title)
    assert len(DASHES) >= MOST_LINES


def test_names_at_the_ends_of_lines_do_not_hide_each_other() -> None:
    days = [datetime.fromtimestamp(NOW, UTC).date() - timedelta(days=n) for n in (2, 1, 0)]
    chart = line_chart("Close", days, {f"Line {n}": [n, n, 5.0] for n in range(4)})
    places = sorted(line.label_y for line in chart.lines)
    assert all(below - above >= 12 for above, below in pairwise(places))


def test_names_of_lines_that_end_at_nothing_stay_above_the_days() -> None:
    days = [datetime.fromtimestamp(NOW, UTC).date() - timedelta(days=n) for n in (2, 1, 0)]
    chart = line_chart("Low", days, {f"Line {n}": [9, n, 0.0] for n in range(3)})
    places = sorted(line.label_y for line in chart.lines)
    assert places[-1] <= chart.bottom
    assert all(below - above >= 12 for above, below in pairwise(places))


def test_history_of_accounts_and_engineers_shows_those_with_most_cases() -> None:
    accounts = past(rows(10), 90, NOW).facts[2]
    assert accounts.head == ("Day", *(f"Account {n}" for n in (8, 7, 6, 5, 4)))


def test_histogram_has_its_numbers_in_the_table_beneath() -> None:
    days = {"Urgent": [0.2, 0.9, 1.0, 200.0]}
    found = took("Time to relief", days, {"Urgent": Durations(count=4, mean=50.5, median=0.95)})
    (row,) = found.rows
    told = dict(zip(found.head, row, strict=True))
    assert (told["Severity"], told["Cases"], told["Mean"]) == ("Urgent", "4", "50 d")
    buckets = [int(told[name]) for name in BUCKET_NAMES]
    assert buckets == [2, 1, 0, 0, 0, 0, 0, 1]
    drawn = [int(bar.title.split(": ")[1].split()[0]) for bar in found.charts[0].bars]
    assert drawn == [n for n in buckets if n]
