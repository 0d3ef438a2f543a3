"""What a card says: within JIRA's limits, cut between characters, and as it was written."""

import re

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from t5g.settings import load_settings
from tests.making import entry
from workers.cards.text import (
    CUT,
    DESCRIPTION_LIMIT,
    SUMMARY_LIMIT,
    comment_of,
    cut,
    description_of,
    plain,
    priority_of,
    summary_of,
)

SETTINGS = load_settings(env={})
TEXTS = st.text(st.sampled_from("ab ž\u0301😀👩\u200d🚀\ufe0f{}|*\n\t\\[]"), max_size=600)


def units(text: str) -> int:
    """The length as JIRA counts it."""
    return len(text.encode("utf-16-le")) // 2


@examples(max_examples=200)
@given(TEXTS)
def test_a_summary_is_one_line_with_the_number_within_the_limit(text: str) -> None:
    found = summary_of(entry("00000001", portal={"summary": text}))
    assert found.startswith("00000001: ")
    assert units(found) <= SUMMARY_LIMIT
    assert len(found.splitlines()) == 1
    whole = "00000001: " + (" ".join(text.split()) or "no summary")
    assert found == whole or (found.endswith(CUT) and whole.startswith(found[: -len(CUT)]))


@examples(max_examples=200)
@given(TEXTS, st.integers(3, 40))
@example("\u200d 👩", 3)
def test_a_cut_is_between_two_characters_and_no_shorter_than_need_be(text: str, limit: int) -> None:
    found = cut(text, limit)
    assert units(found) <= limit
    if units(text) <= limit:
        assert found == text
        return
    kept = found[: -len(CUT)]
    assert text.startswith(kept)
    assert not kept or not text[len(kept) :].startswith(("\u0301", "\u200d", "\ufe0f"))
    assert not kept.endswith("\u200d")


@pytest.mark.parametrize("smile", ["😀", "e\u0301", "👩\u200d🚀"])
def test_no_half_character_is_left(smile: str) -> None:
    text = "x" * (244 - len(smile)) + smile * 10
    found = summary_of(entry("00000001", portal={"summary": text}))
    assert found.encode("utf-16", "strict")
    assert found.rstrip(CUT).endswith((smile, "x"))


@examples(max_examples=100)
@given(st.text(max_size=300) | TEXTS)
def test_the_text_of_a_case_stays_within_its_frame(text: str) -> None:
    found = description_of(entry("00000001", portal={"description": text}), SETTINGS)
    assert units(found) <= DESCRIPTION_LIMIT
    assert found.count("{noformat}") == (2 if text.strip() else 0)


def test_a_long_text_is_cut_and_its_frame_is_closed() -> None:
    text = "{noformat} 😀" * 20_000
    found = description_of(entry("00000001", portal={"description": text}), SETTINGS)
    assert units(found) <= DESCRIPTION_LIMIT
    assert found.endswith(f"{CUT}\n{{noformat}}")
    assert found.count("{noformat}") == 2


def test_marks_in_names_do_nothing() -> None:
    facts = {"account": "A|B *bold* {color:red}", "owner": "[x|http://evil]"}
    found = description_of(entry("00000001", portal=facts), SETTINGS)
    assert r"*Account:* A\|B \*bold\* \{color:red\}" in found
    assert r"\[x\|http://evil\]" in found
    assert re.search(r"\*Case:\* \[00000001\|https://[^|]+/00000001\]", found)
    assert plain("a\nb  c") == "a b c"


def test_the_comment_says_whose_and_why() -> None:
    assert comment_of("00000001", "Anna *A*", "by account") == (
        r"This card follows case 00000001. It is assigned to Anna \*A\*: by account."
    )
    assert comment_of("00000001", "", "nobody is available") == (
        "This card follows case 00000001. Nobody is available."
    )


@pytest.mark.parametrize(
    ("severity", "priority"),
    [("1 (Urgent)", "Critical"), ("2 (High)", "Major"), ("3 (Normal)", "Normal"),
     ("4 (Low)", "Minor"), ("Odd", ""), ("", "")],
)  # fmt: skip
def test_the_priority_hangs_on_the_severity(severity: str, priority: str) -> None:
    assert priority_of(severity, SETTINGS) == priority
