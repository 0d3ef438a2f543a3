"""Wiki text, documents and HTML of the same thing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.jira.markup import is_document, to_document, to_html, to_wiki

WIKI = [
    "one line",
    "two\nlines",
    "one\n\ntwo",
    "h2. A heading\n\ntext",
    "* a\n** b\n* c",
    "# one\n# two",
    "{code:python}\nx = 1 *not bold*\n{code}",
    "{quote}\nquoted *here*\n{quote}",
    "||a||b||\n|1|2|",
    "----",
    "some *bold*, _slanted_, -gone-, +under+ and {{mono}} words",
    "see https://example.com/a?b=1, or [the case|https://access.redhat.com/support/cases/#/case/1]",
    "asking [~accountid:712020:anna] now",
    "2*3*4 and snake_case_name and 10-20-30",
    "",
]


@pytest.mark.parametrize("text", WIKI)
def test_wiki_text_survives_the_way_through_a_document(text):
    document = to_document(text)
    assert is_document(document)
    assert to_wiki(document) == text


@pytest.mark.parametrize(
    "value",
    [
        "plain", None, 5, {}, {"type": "doc"}, {"type": "doc", "version": 2, "content": []},
        {"type": "doc", "version": 1, "content": [{"type": "text", "text": "loose"}]},
        {"type": "doc", "version": 1, "content": [{"type": "poem", "content": []}]},
        {"type": "doc", "version": 1,
         "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]},
    ],
)  # fmt: skip
def test_what_is_no_document_is_refused(value):
    assert not is_document(value)


def test_html_escapes_and_links_only_where_people_may_go():
    html = to_html("<script>x</script> [click|javascript:alert(1)] https://e.example.com/?a=1&b=2")
    assert "<script>" not in html
    assert 'href="javascript' not in html
    assert 'href="https://e.example.com/?a=1&amp;b=2"' in html


@given(st.text(max_size=200))
def test_any_text_becomes_a_sound_document_and_harmless_html(text):
    document = to_document(text)
    assert is_document(document)
    assert isinstance(to_wiki(document), str)
    assert "<script" not in to_html(text.replace("x", "<script>")).casefold()
