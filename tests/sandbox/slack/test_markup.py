"""mrkdwn as HTML: what becomes markup, and that nothing else does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.page.markup import Names, markdown, mrkdwn, plain
from sandbox.slack.state import SlackState
from sandbox.slack.typed import as_stored, links_of, rich_text

STATE = SlackState()
ANN = STATE.add_user("ann", "Ann", tz="Europe/Berlin")
BOB = STATE.add_user("bob", "Bob")
ROOM = STATE.add_channel("room")
SECRET = STATE.add_channel("secret", kind="private_channel", members=[BOB.id])  # type: ignore[arg-type]
NAMES = Names.of(STATE, ANN.id)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("*bold* _it_ ~gone~", "<b>bold</b> <i>it</i> <s>gone</s>"),
        ("*bold _both_*", "<b>bold <i>both</i></b>"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name"),
        ("a * b * c", "a * b * c"),
        ("`*code*`", "<code>*code*</code>"),
        ("```\n<b> &amp;\n```", "<pre>&lt;b&gt; &amp;</pre>"),
        ("a &lt;b&gt; &amp;amp; <c", "a &lt;b&gt; &amp;amp; &lt;c"),
        (":fire: :no_such:", "🔥 :no_such:"),
        ("&gt; one\n&gt; two\nthree", "<blockquote>one<br>two</blockquote>three"),
        ("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;"),
        ("<slack://x|open>", "open"),
        ("<!here> <!danger>", '<span class="mention mine">@here</span> &lt;!danger&gt;'),
        ("<!date^1764000000^{date_num} {time}|then>", "<time>2025-11-24 17:00</time>"),
        ("<!date^1764000000^{unknown}|then>", "<time>then</time>"),
    ],
)
def test_mrkdwn_is_shown_as_slack_shows_it(text: str, shown: str) -> None:
    assert str(mrkdwn(text, NAMES)) == shown


def test_link_opens_elsewhere_and_keeps_its_label() -> None:
    shown = str(mrkdwn("<https://a.example/?x=1&amp;y='2'|A &amp; *B*>", NAMES))
    assert 'href="https://a.example/?x=1&amp;y=&#x27;2&#x27;"' in shown
    assert 'rel="noopener noreferrer"' in shown
    assert shown.endswith(">A &amp; *B*</a>")


def test_names_stand_for_ids_if_their_reader_may_know_them() -> None:
    text = f"<@{ANN.id}> <@{BOB.id}> <#{ROOM.id}> <#{SECRET.id}|> <@U404>"
    shown = re.sub(r"<[^>]+>", "", str(mrkdwn(text, NAMES)))
    assert shown == "@ann @bob #room #private-channel @U404"
    assert "mention mine" in str(mrkdwn(f"<@{ANN.id}>", NAMES))


@given(st.text(alphabet="<>&\"'`*_~|@#!:/ \nahtps.\ue000\ue0010", max_size=40))
def test_only_known_tags_come_out(text: str) -> None:
    shown = str(mrkdwn(text, NAMES)) + str(plain(text))
    for tag in re.findall(r"<(.*?)>", shown, re.DOTALL):
        assert re.fullmatch(
            r"/?(b|i|s|br|code|pre|blockquote|time|span|a)|span class=\"mention( mine)?\"|"
            r"a href=\"[^\"<>]*\" target=\"_blank\" rel=\"noopener noreferrer\"",
            tag,
        ), tag


def test_markdown_has_no_html() -> None:
    shown = str(markdown("**b** <img src=x> [x](javascript:y)"))
    assert "<strong>b</strong>" in shown
    assert "<img" not in shown
    assert "<a" not in shown


def test_longer_names_and_full_names_are_mentions_too() -> None:
    state = SlackState()
    ann, marie = state.add_user("ann", "Ann Müller"), state.add_user("ann marie", "A <M>")
    stored = as_stored(state, "@Ann Müller, @ann marie @ANN @anna @a <m> mail a@ann")
    assert stored == (f"<@{ann.id}>, <@{marie.id}> <@{ann.id}> @anna <@{marie.id}> mail a@ann")


def test_typed_text_becomes_slacks_own() -> None:
    stored = as_stored(STATE, "see (https://x.example/a?b=1&c=2), @ann! R&D #room @here")
    assert stored == (
        f"see (<https://x.example/a?b=1&amp;c=2>), <@{ANN.id}>! R&amp;D <#{ROOM.id}|room> <!here>"
    )
    assert links_of(stored) == ["https://x.example/a?b=1&amp;c=2"]
    kinds = [one["type"] for one in rich_text(stored)[0]["elements"][0]["elements"]]
    assert kinds == ["text", "link", "text", "user", "text", "channel", "text", "broadcast"]
