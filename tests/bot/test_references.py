"""One reader of case numbers, keys and links, for what is typed and for what is said."""

import pytest

from bot.references import Reference, named, of_text
from t5g.settings import Settings

CASE = Reference("case", "01234567")
PORTAL = "https://access.redhat.com/support/cases"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(case_url=f"{PORTAL}/#/case/{{number}}")


@pytest.mark.parametrize(
    "typed",
    [
        "01234567", "1234567", "#01234567", "`01234567`", "*01234567*", "_01234567_",
        "01234567:", "01234567.", "(01234567)", "case 01234567", "case #01234567",
        "01234567 01234567", "01234567, 01234567", f"{PORTAL}/#/case/01234567",
        f"{PORTAL}/01234567", f"{PORTAL}/#/case/01234567/discussion?commentId=a",
        f"{PORTAL}/#/case/list?caseNumber=01234567", f"<{PORTAL}/#/case/01234567|the case>",
        f"{PORTAL}/#/case/1234567.",
    ],
)  # fmt: skip
def test_a_case_is_read_in_every_form_that_people_write(typed: str, settings: Settings) -> None:
    assert named(typed, settings) == ([CASE], "")


def test_several_are_read_and_the_text_behind_is_kept_as_it_is(settings: Settings) -> None:
    second = Reference("case", "00000002")
    found = named("01234567, 00000002 and t5g-3  it is\n  the cable", settings)
    assert found == ([CASE, second, Reference("key", "T5G-3")], "it is\n  the cable")
    found = named("01234567:\n2 nodes are down", settings, most=1)
    assert found == ([CASE], "2 nodes are down")


@pytest.mark.parametrize("said", ["see #01234567", "`01234567`:", "_01234567_", "*01234567*"])
def test_a_message_is_read_in_the_same_forms(said: str, settings: Settings) -> None:
    assert of_text(said, settings) == [CASE]
