"""Writes wiki text as HTML, as `renderedFields` and the page have it: everything escaped. Pure."""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from sandbox.jira.markup.documents import to_document

Node = Mapping[str, Any]

_BLOCKS: Final = {
    "paragraph": "p", "bulletList": "ul", "orderedList": "ol", "listItem": "li", "table": "table",
    "blockquote": "blockquote", "tableRow": "tr", "tableHeader": "th", "tableCell": "td",
}  # fmt: skip
_MARKS: Final = {"strong": "b", "em": "em", "underline": "ins", "strike": "del", "code": "tt"}


def to_html(text: str) -> str:
    """Write wiki text as HTML."""
    return "\n".join(_node(node) for node in to_document(text)["content"])


def _node(node: Node) -> str:
    kind = str(node["type"])
    inner = "".join(_node(child) for child in node.get("content") or ())
    match kind:
        case "text":
            return _text(node)
        case "hardBreak":
            return "<br/>\n"
        case "rule":
            return "<hr/>"
        case "mention":
            account = escape(node["attrs"]["id"])
            return f'<a class="user-hover" rel="{account}">{account}</a>'
        case "heading":
            tag = f"h{int(node['attrs']['level'])}"
            return f"<{tag}>{inner}</{tag}>"
        case "codeBlock":
            return f"<pre>{inner}</pre>"
        case _:
            tag = _BLOCKS[kind]
            return f"<{tag}>{inner}</{tag}>"


def _text(node: Node) -> str:
    html = escape(node["text"])
    for mark in node.get("marks") or ():
        if mark["type"] == "link":
            html = _link(str(mark["attrs"]["href"]), html)
        else:
            tag = _MARKS[mark["type"]]
            html = f"<{tag}>{html}</{tag}>"
    return html


def _link(target: str, html: str) -> str:
    """A link if it is one for people; a script's address stays text."""
    if not target.startswith(("https://", "http://", "mailto:")):
        return f"{html} ({escape(target)})"
    return f'<a href="{escape(target)}" class="external-link" rel="nofollow noreferrer">{html}</a>'
