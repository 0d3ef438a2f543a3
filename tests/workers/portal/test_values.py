"""Words and shapes that both dialects of the Portal have in common."""

import pytest

from workers.portal.values import product_and_version, text_of


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("OpenShift Container Platform 4.16", ("OpenShift Container Platform", "4.16")),
        ("OpenShift  v4.16.3", ("OpenShift", "4.16.3")),
        ("OpenShift\t4", ("OpenShift", "4")),
        ("OpenShift 4.16 (tech preview)", ("OpenShift 4.16 (tech preview)", "")),
        ("4.16", ("4.16", "")),
        ("", ("", "")),
    ],
)
def test_version_is_the_last_word_if_it_begins_with_a_digit(
    name: str, found: tuple[str, str]
) -> None:
    assert product_and_version(name) == found


def test_entity_that_names_no_character_leaves_the_text_as_it_is() -> None:
    assert text_of("a &amp; b") == "a & b"
    beyond = f"a &#{'9' * 5_000}; b"
    assert text_of(beyond) == beyond


def test_lists_in_lists_without_end_are_the_fault_of_their_case() -> None:
    deep: object = "a"
    for _ in range(900):
        deep = [deep]
    assert text_of([["a", ["b"]], None, "c"]) == "a, b, c"
    with pytest.raises(TypeError, match="without end"):
        text_of(deep)
