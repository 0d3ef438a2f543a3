"""Which two texts are the same e-mail address: only A–Z are as good as a–z."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5g.addresses import address_of, same_address


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Boss@Example.COM", "boss@example.com"),
        (" boss@example.com\n", "boss@example.com"),
        ("ann@MÜLLER.example", "ann@müller.example"),
        ("ann@müller.example", "ann@XN--mller-kva.example"),
        ("straße@example.com", "STRAßE@example.com"),
        ("ann@host_1.corp", "Ann@HOST_1.corp"),
    ],
)
def test_the_same_mailbox_is_one_address(one: str, other: str) -> None:
    assert same_address(one, other), (address_of(one), address_of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("boſs@example.com", "boss@example.com"),  # U+017F, folded an s
        ("\u212aim@example.com", "kim@example.com"),  # the sign for kelvin
        ("straße@example.com", "strasse@example.com"),
        ("ﬁona@example.com", "fiona@example.com"),  # a ligature
        ("İo@example.com", "io@example.com"),
        ("änn@example.com", "ÄNN@example.com"),  # may be two mailboxes: not ours to say
        ("ann@straße.example", "ann@strasse.example"),
        ("ann@boſs.example", "ann@boss.example"),
        ("ann@\u212aelvin.example", "ann@kelvin.example"),
        ("ann@ｅxample.com", "ann@example.com"),
        ("ann@example。com", "ann@example.com"),
        ("ann@example.com@evil.example", "ann@example.com"),
        ("ann", "ann@example.com"),
        ("", ""),
        (" ", ""),
    ],
)
def test_what_two_people_may_own_separately_is_never_one_address(one: str, other: str) -> None:
    assert not same_address(one, other), (address_of(one), address_of(other))


@given(st.text())
def test_the_form_of_a_form_is_the_same(text: str) -> None:
    assert address_of(address_of(text)) == address_of(text)


@given(st.text(), st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789.@-"))
def test_no_text_with_other_letters_becomes_one_of_ascii_alone(text: str, plain: str) -> None:
    local = text.strip().rpartition("@")[0]
    if not local.isascii():
        assert address_of(text) != address_of(plain)
