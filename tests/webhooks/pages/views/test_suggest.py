"""Suggestions: what is offered can be typed, understood and found."""

import pytest

from t5g.query import parse_query
from tests.making import entry
from webhooks.pages.views.suggest import suggest, vocabulary

ENTRIES = [
    entry("01234567", portal={"account": "Acme Corp", "tags": ("edge",)}),
    entry("01234568", portal={"account": 'Say "hi", Ltd', "owner": "Ada"}),
    entry("07654321", portal={"account": "Nørrebro", "product": "RHEL"}),
]
WORDS = vocabulary(ENTRIES)
NUMBERS = [one.number for one in ENTRIES]


def texts(text: str) -> list[str]:
    return [one.text for one in suggest(text, WORDS, NUMBERS)]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("sev", "severity:"),
        ("-sev", "-severity:"),
        ("severity:ur", "severity:urgent "),
        ("severity:high,ur", "severity:high,urgent "),
        ("stale:yes acc", "stale:yes account:"),
        ("account:acm", 'account:"Acme Corp" '),
        ('account:"Acm', 'account:"Acme Corp" '),
        ("acme", 'account="Acme Corp" '),
        ("account=acm", 'account="Acme Corp" '),
        ("tag:", "tag:edge "),
        ("sort:a", "sort:age "),
        ("age", "age>"),
        ("0123", "01234567"),
    ],
)
def test_word_goes_on(typed: str, offered: str) -> None:
    assert offered in texts(typed)


@pytest.mark.parametrize("typed", ["severity:", "account:", "status:", "internal:", "bug:", "tag:"])
def test_offered_values_are_understood(typed: str) -> None:
    for text in texts(typed):
        parse_query(text, lambda key: WORDS.get(key, ()))


def test_empty_box_offers_keys_with_their_meaning() -> None:
    found = suggest("", WORDS, NUMBERS)
    assert found
    assert all(one.text and one.hint for one in found)


@pytest.mark.parametrize(
    "typed", ['"', "account:", ":::", "-", "a" * 5000, '"open quote acc', "💥:"]
)
def test_odd_text_is_no_error(typed: str) -> None:
    assert len(texts(typed)) <= 10
