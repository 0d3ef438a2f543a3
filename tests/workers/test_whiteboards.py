"""What words a whiteboard has, and how it is written on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.whiteboards import lacking, with_words


@pytest.mark.parametrize(
    ("text", "words", "after"),
    [
        ("", "a b", "a b"),
        ("x", "a b", "x a b"),
        ("x ", "a", "x a"),
        ("x, y", "a b", "x, y, a, b"),
        ("x;y", "a", "x;y;a"),
        ("[ptp][ran]", "[ptp]", "[ptp][ran]"),
        ("[ptp][ran]", "[a] [b]", "[ptp][ran][a][b]"),
        ("[ptp][ran]", "a b", "[ptp][ran] a b"),
        ("[ptp] [ran]", "[a]", "[ptp] [ran] [a]"),
        ("Telco:Case", "Telco Telco:Case", "Telco:Case Telco"),
        ("Telco,Telco:Case", "Telco Telco:Case", "Telco,Telco:Case"),
        ("[two words]", "[ptp]", "[two words] [ptp]"),
    ],
)
def test_words_are_added_as_the_others_stand(text, words, after):
    assert with_words(text, lacking(text, words.split())) == after


@given(st.text("ab[],; \n"), st.lists(st.sampled_from(["a", "[a]", "b:c", "x,y"]), unique=True))
def test_what_stands_there_stays_and_nothing_is_added_twice(text, words):
    once = with_words(text, lacking(text, words))
    assert once.startswith(text)
    assert not lacking(once, words)
