"""Tables for spreadsheets: every cell is a text, whatever a customer wrote."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5g.spreadsheet import BATCH, FORMULA, LONGEST_CELL, cell, csv_pieces


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_is_a_text(text: str) -> None:
    assert cell(text).startswith("'")


@given(st.text())
def test_no_cell_begins_as_a_formula_and_none_hides_anything(text: str) -> None:
    found = cell(text)
    assert not found.startswith(FORMULA)
    assert "\x00" not in found
    assert "\u202e" not in found
    assert len(found) <= LONGEST_CELL


@given(st.lists(st.lists(st.text(alphabet='ab",;\n= ', max_size=5), min_size=2, max_size=2)))
def test_a_reader_finds_the_same_cells(rows: list[list[str]]) -> None:
    text = "".join(csv_pieces(("one", "two"), rows))
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found == [["one", "two"], *([cell(x) for x in row] for row in rows)]


def test_a_long_table_comes_in_pieces() -> None:
    pieces = list(csv_pieces(("n",), ((n,) for n in range(2 * BATCH + 1))))
    assert len(pieces) == 3
    assert "".join(pieces).count("\r\n") == 2 * BATCH + 2


def test_nothing_is_an_empty_cell() -> None:
    assert cell(None) == ""
