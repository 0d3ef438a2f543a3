"""Foreign texts in mrkdwn: shown as they are, and copied as they are."""

from html import unescape

import pytest

from bot.views.words import escape, safe, safe_lines, safe_prose
from sandbox.slack.page.markup import Names, mrkdwn
from sandbox.slack.state import SlackState
from t5g.query.compiling import comparable

NAMES = ("shift_telco5g", "Trends", "_edge_", "a *b* c", "~x~", "`y`", "5 * 3", "T5G-1", "_", "x_")


def shown(text: str) -> str:
    """What Slack shows of it, without the marks of code."""
    html = str(mrkdwn(text, Names(SlackState(), "U1")))
    return unescape(html).replace("<code>", "").replace("</code>", "")


@pytest.mark.parametrize("name", [*NAMES, "Acme\u2060 Corp", "\u200eAcme\ufeff", "a\u200bb_c"])
@pytest.mark.parametrize("how", [escape, lambda text: safe(text, 40)])
def test_a_name_is_printed_so_that_it_can_be_copied(name, how) -> None:
    printed = how(name)
    assert printed.replace("\u200d", "").isprintable()
    assert comparable(shown(printed)) == comparable(name)


@pytest.mark.parametrize("name", ["shift_telco5g", "a_b_c", "2*3*4", "5 * 3"])
def test_a_sign_that_is_no_markup_needs_no_care(name: str) -> None:
    assert safe(name, 40) == escape(name) == name


@pytest.mark.parametrize("text", ["*b* _i_ ~s~ `c`", "- *one*\n- *two*", "a_b and *c*"])
def test_sentences_of_others_have_no_styles(text: str) -> None:
    for made in (safe_prose(text, 200), safe_lines(text, 200)):
        html = str(mrkdwn(made, Names(SlackState(), "U1"))).replace("<br>", "")
        assert "<" not in html
    assert "a_b" in safe_prose("a_b", 20)


@pytest.mark.parametrize("sign", ["*", "_", "~", "`", "&", "<"])
@pytest.mark.parametrize("length", [20, 21, 40])
def test_nothing_is_longer_than_it_may_be(sign: str, length: int) -> None:
    for how in (safe, safe_prose, safe_lines):
        assert len(how(f"x {sign}y" * 50, length)) <= length
