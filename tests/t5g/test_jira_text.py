"""ADF and wiki text become the text that a person would read."""

import pytest

from t5g.jira_text import adf_text, links_of, plain_text, wiki_text


def paragraph(*nodes):
    return {
        "type": "paragraph",
        "content": [{"type": "text", "text": n} if isinstance(n, str) else n for n in nodes],
    }


def doc(*blocks):
    return {"type": "doc", "version": 1, "content": list(blocks)}


def node(kind, *content, **attrs):
    return {"type": kind, "content": list(content), "attrs": attrs}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (doc(paragraph("a"), paragraph("b")), "a\nb"),
        (doc(paragraph("a", {"type": "hardBreak"}, "b")), "a\nb"),
        (doc(paragraph("hi ", node("mention", id="acct-1", text="@Anna"))), "hi @Anna"),
        (doc(paragraph(node("mention", id="acct-1"))), "@acct-1"),
        (doc(paragraph(node("emoji", shortName=":+1:", text="👍"))), "👍"),
        (doc(paragraph(node("inlineCard", url="https://x.example"))), "https://x.example"),
        (doc(paragraph(node("date", timestamp="1767366245000"))), "2026-01-02"),
        (doc(paragraph(node("status", text="DONE"))), "DONE"),
        (
            doc(
                node(
                    "bulletList", node("listItem", paragraph("a")), node("listItem", paragraph("b"))
                )
            ),
            "- a\n- b",
        ),
        (doc(node("codeBlock", {"type": "text", "text": "x = *1*\ny"})), "x = *1*\ny"),
        (doc(node("heading", {"type": "text", "text": "Title"}), paragraph("b")), "Title\nb"),
        (doc(node("blockquote", paragraph("said"))), "> said"),
        (
            doc(
                node(
                    "table",
                    node(
                        "tableRow",
                        node("tableCell", paragraph("a")),
                        node("tableCell", paragraph("b")),
                    ),
                )
            ),
            "a | b",
        ),
        (doc(node("taskList", node("taskItem", {"type": "text", "text": "do"}))), "- do"),
        (doc(node("mediaSingle", node("media", alt="shot.png"))), "shot.png"),
        (doc(node("unheardOf", {"type": "text", "text": "kept"})), "kept"),
        (
            doc(
                paragraph(
                    {
                        "type": "text",
                        "text": "page",
                        "marks": [{"type": "link", "attrs": {"href": "https://x"}}],
                    }
                )
            ),
            "page (https://x)",
        ),
        (doc(), ""),
        ({"type": "doc", "content": None}, ""),
    ],
)
def test_adf(document, text):
    assert adf_text(document) == text


def test_a_document_nested_without_end_is_cut_not_crashed():
    deep = paragraph("x")
    for _ in range(500):
        deep = node("panel", deep)
    assert adf_text(doc(deep)) == ""


@pytest.mark.parametrize(
    ("wiki", "text"),
    [
        ("plain", "plain"),
        (
            "*bold* and _it_ but 2*3*4 and snake_case_name",
            "bold and it but 2*3*4 and snake_case_name",
        ),
        ("h2. Title\nbody", "Title\nbody"),
        ("[~accountid:acct-1] and [~bert]", "@acct-1 and @bert"),
        (
            "[text|https://x.example] [https://y.example]",
            "text (https://x.example) https://y.example",
        ),
        ("{code:python}a = [1|2]\n*x*{code}", "a = [1|2]\n*x*"),
        ("{noformat}*raw*{noformat} *bold*", "*raw* bold"),
        ("{color:red}red{color} {quote}q{quote}", "red q"),
        ("* one\n* two\n# three", "- one\n- two\n- three"),
        ("!image.png|thumbnail!", "image.png"),
        ("a\n----\nb", "a\n\nb"),
        ("{{mono}}", "mono"),
        ("\\[not a link\\]", "[not a link]"),
        ("a\r\nb", "a\nb"),
        ("surprise! and more!", "surprise! and more!"),
        ("{code}a{noformat}b{code}", "a{noformat}b"),
        ("{code:sh}never closed {noformat}*b*{noformat}", "{code:sh}never closed *b*"),
        ("{code}a{code:x}b{code}", "a{code:x}b"),
        ("[see [text|https://x.example]", "[see text (https://x.example)"),
        ("a\n\nh2. Title\n\nb", "a\n\nTitle\n\nb"),
        ("{{a{b}c}} {{d", "a{b}c {{d"),
    ],
)
def test_wiki(wiki, text):
    assert wiki_text(wiki) == text


def test_any_body():
    assert plain_text(None) == ""
    assert plain_text(doc(paragraph("a"))) == "a"
    assert plain_text("*a*") == "a"


def test_a_text_with_a_mark_is_a_link_only_by_its_address():
    def shown(*marks):
        return plain_text(doc(paragraph({"type": "text", "text": "here", "marks": list(marks)})))

    link = {"type": "link", "attrs": {"href": "https://x.example"}}
    assert shown({"type": "strong"}, link) == shown(link) != "here"
    assert shown({"type": "strong"}) == shown({"type": "link"}) == shown("link", None) == "here"


@pytest.mark.parametrize("stamp", [None, "soon", [], 10**30])
def test_a_date_that_is_none_says_nothing(stamp):
    assert plain_text(doc(paragraph("on ", node("date", timestamp=stamp)))) == "on"


def test_what_is_not_known_inside_a_line_shows_its_text():
    new = {"type": "newThing", "content": [{"type": "text", "text": "inner"}]}
    assert plain_text(doc(paragraph("a ", new))) == "a inner"
    assert plain_text(doc(paragraph("a ", {"type": "newThing", "text": "own"}))) == "a own"


def test_inline_nodes_nested_without_end_are_read_so_far_only():
    deep = {"type": "text", "text": "deep"}
    for _ in range(480):
        deep = {"type": "newThing", "content": [deep]}
    assert plain_text(doc(paragraph("a ", deep))) == "a"


def test_links_nested_without_end_are_looked_for_so_far_only():
    deep = {"href": "https://deep.example"}
    for _ in range(5_000):
        deep = {"content": [deep]}
    assert list(links_of({"url": "https://x.example", "content": [deep]})) == ["https://x.example"]
