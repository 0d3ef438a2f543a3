"""The query language against any text: an answer or a sentence, soon, at every door."""

import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5g.errors import QueryError
from t5g.query.fields import FIELDS
from t5g.query.parse import parse_query
from tests.hostile.conftest import Victim
from tests.hostile.nasty import SEEDED, TEXTS
from tests.making import entry

ENTRY = entry()
NOW = 1_795_510_000.0
KEYS = st.sampled_from(sorted(FIELDS)) | TEXTS
SIGNS = st.sampled_from([":", ">", "<", ":>", ":<", "=", "::", ":-", ":,", ':"', "", "- ", " -"])
MANY = settings(SEEDED, max_examples=300)


@st.composite
def queries(draw: st.DrawFn) -> str:
    """Words, fields and values of all kinds, well and badly put together."""
    words = [
        draw(st.sampled_from(["", "-", "--", '"', " "])) + draw(KEYS) + draw(SIGNS) + draw(TEXTS)
        for _ in range(draw(st.integers(0, 4)))
    ]
    return draw(st.sampled_from([" ", ",", "\t", "\u3000", ""])).join(words)


@MANY
@given(text=queries() | st.text())
def test_any_text_is_a_query_or_a_mistake_with_a_sentence(text: str) -> None:
    try:
        query = parse_query(text)
    except QueryError as error:
        assert str(error).strip()
        assert len(str(error)) < 1_000, "the sentence repeats everything that was sent"
        return
    query.matches(ENTRY, NOW)
    again = parse_query(query.text)
    assert again.text == query.text, "what a query says of itself means the same"


LONG = {
    "a hundred thousand words": "a " * 100_000,
    "a hundred thousand commas": "status:" + "," * 100_000,
    "a hundred thousand dashes": "-" * 100_000,
    "an open quote": '"' + "x" * 100_000,
    "a hundred thousand quotes": '"' * 100_001,
    "a hundred thousand colons": "status" + ":" * 100_000,
    "a number of a hundred thousand digits": "age>" + "9" * 100_000 + "d",
    "a date of a hundred thousand digits": "created>" + "2" * 100_000,
    "the same field again and again": "severity:urgent " * 20_000,
    "a long key": "k" * 100_000 + ":x",
    "blanks": " " * 1_000_000,
    "backslashes": "\\" * 100_000,
    "sorts": "sort:" + "age," * 50_000,
}


@pytest.mark.parametrize("name", LONG)
def test_long_texts_are_done_with_soon(name: str) -> None:
    began = time.process_time()
    try:
        parse_query(LONG[name])
    except QueryError as error:
        assert len(str(error)) < 1_000
    assert time.process_time() - began < 2


@SEEDED
@given(text=queries())
def test_every_door_takes_any_query(victim: Victim, text: str) -> None:
    sent = quote(text.encode("utf-8", "surrogatepass"))[:6_000]
    for path in ("/cases", "/api/v1/cases", "/cases.csv", "/updates", "/suggest"):
        assert victim.page(f"{path}?q={sent}") in (200, 302, 303, 400, 404)
