"""What people type, in the wrappings that Slack puts around it."""

import pytest

from bot.typed import mentioned, mentions, plain, replace_mention, without_mention


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("", ""),
        ("  cases \u00a0 severity:high ", "cases severity:high"),
        ("account:“Acme Corp”", 'account:"Acme Corp"'),
        ("it‘s „here‟", 'it\'s "here"'),
        ("a &lt;b&gt; &amp;amp;", "a <b> &amp;"),
        ("<@U012> and <@U012|ann>", "<@U012> and <@U012>"),
        ("<#C012|general>", "#general"),
        ("<#C012>", "#C012"),
        ("<#C012|a &amp; b>", "#a & b"),
        ("<!here>", "@here"),
        ("<!subteam^S012|@team>", "@team"),
        ("<!subteam^S012>", "@subteam"),
        ("<https://x.example/?a=1&amp;b=2>", "https://x.example/?a=1&b=2"),
        ("<https://x.example|here>", "https://x.example"),
        ("<mailto:ann@example.com|ann@example.com>", "ann@example.com"),
        ("a < b", "a < b"),
    ],
)
def test_what_was_typed_is_read_as_text(sent: str, text: str) -> None:
    assert plain(sent) == text


def test_the_mention_of_the_bot_is_dropped_wherever_it_stands() -> None:
    assert without_mention("<@U0BOT> cases <@U0BOT> mine", "U0BOT") == "cases mine"
    assert without_mention("<@U0BOT> cases", "") == "<@U0BOT> cases"


def test_mentions_of_people_are_found_each_once() -> None:
    assert mentions("<@U012> <@W034> <@U012> <@u5>") == ["U012", "W034"]
    assert (mentioned(" <@U012> "), mentioned("<@U012> x"), mentioned("")) == ("U012", "", "")
    assert replace_mention("assignee:<@U012>", "U012", "ann") == "assignee:ann"


@pytest.mark.parametrize("mark", ["\u2060", "\ufeff", "\u200e", "\u202b", "\u2068", "\u00ad"])
def test_invisible_characters_that_were_copied_along_are_left_out(mark: str) -> None:
    assert plain(f"cases label:a{mark}_{mark}b") == "cases label:a_b"


def test_letters_keep_the_joiners_that_they_are_written_with() -> None:
    assert plain("comment می\u200cخواهم 👩\u200d💻") == "comment می\u200cخواهم 👩\u200d💻"
