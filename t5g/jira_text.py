"""Turns JIRA's two markups, ADF (REST v3) and wiki text (REST v2, webhooks), into plain text.

The result is text for people and for searching; nothing in it is markup of any kind.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

DEEPEST = 60

#: Each pattern takes linear time: what it repeats can not hold the mark that begins it.
_BLOCK_MARK = re.compile(r"\{(code|noformat)(:[^{}\n]*)?\}")
_WIKI: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\\\\[ \t]*(?=\n|$)|(?<=\s)\\\\(?=\s)"), "\n"),
    (re.compile(r"\[~(?:accountid:)?([^\[\]\s]+)\]"), r"@\1"),
    (
        re.compile(r"\[([^\[\]|\n]+)\|([^\[\]|\n]+)(?:\|[^\[\]\n]*)?\]"),
        lambda m: _link(m[1], m[2]),
    ),
    (re.compile(r"\[((?:https?|mailto):[^\[\]\s]+)\]"), r"\1"),
    (re.compile(r"\{(?:color|panel|quote|anchor|expand)(?::[^{}\n]*)?\}"), ""),
    (re.compile(r"^[^\S\n]*h[1-6]\.[^\S\n]+", re.MULTILINE), ""),
    (re.compile(r"^[^\S\n]*bq\.[^\S\n]+", re.MULTILINE), "> "),
    (re.compile(r"^[^\S\n]*-{4,}[^\S\n]*$", re.MULTILINE), ""),
    (re.compile(r"^[^\S\n]*[*#]+[ \t]+", re.MULTILINE), "- "),
    (re.compile(r"!([^!\s|][^!\n|]*\.\w{2,5})(?:\|[^!\n]*)?!"), r"\1"),
    (re.compile(r"\{\{((?:(?!\{\{|\}\})[^\n])+)\}\}"), r"\1"),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])"), r"\1"),
    (re.compile(r"\|\|"), "|"),
    (re.compile(r"\\([*_{}\[\]!|+~^#\-])"), r"\1"),
)
_BLANK_LINES = re.compile(r"\n{3,}")


def plain_text(body: Any) -> str:
    """Return the text of a JIRA body: an ADF document, wiki text, or None."""
    if body is None:
        return ""
    if isinstance(body, Mapping):
        return adf_text(body)
    return wiki_text(str(body))


def wiki_text(text: str) -> str:
    """Return wiki text without its markup; what stands in code blocks is left as it is."""
    parts: list[str] = []
    end = 0
    text = text.replace("\r\n", "\n")
    for opened, closed in _verbatim(text):
        parts.append(_strip_markup(text[end : opened.start()]))
        parts.append(text[opened.end() : closed.start()].strip("\n"))
        end = closed.end()
    parts.append(_strip_markup(text[end:]))
    return _tidy("".join(parts))


def _verbatim(text: str) -> Iterator[tuple[re.Match[str], re.Match[str]]]:
    """Yield the marks that open and close each code block; what is never closed opens none."""
    marks = list(_BLOCK_MARK.finditer(text))
    last = {mark[1]: at for at, mark in enumerate(marks) if mark[2] is None}
    at = 0
    while at < len(marks):
        opened = marks[at]
        at += 1
        if last.get(opened[1], 0) < at:
            continue
        while marks[at][1] != opened[1] or marks[at][2] is not None:
            at += 1
        yield opened, marks[at]
        at += 1


def adf_text(document: Mapping[str, Any]) -> str:
    """Return the text of an ADF document, a line for each block."""
    return _tidy("\n".join(_blocks(document, 0)))


def links_of(node: Any, depth: int = 0) -> Iterator[str]:
    """Yield every address in an ADF document: link marks and cards."""
    if depth > DEEPEST:
        return
    if isinstance(node, Mapping):
        for name in ("href", "url"):
            if isinstance(node.get(name), str):
                yield node[name]
        for value in node.values():
            yield from links_of(value, depth + 1)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from links_of(value, depth + 1)


def _strip_markup(text: str) -> str:
    for pattern, becomes in _WIKI:
        text = pattern.sub(becomes, text)
    return text


def _link(text: str, address: str) -> str:
    return text if address in text or address.startswith("~") else f"{text} ({address})"


def _tidy(text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip()


_CONTAINERS = frozenset({
    "doc", "bulletList", "orderedList", "taskList", "decisionList", "panel", "expand",
    "nestedExpand", "layoutSection", "layoutColumn", "table", "bodiedExtension", "mediaGroup",
    "mediaSingle",
})  # fmt: skip
_ITEMS = frozenset({"listItem", "taskItem", "decisionItem"})


def _blocks(node: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Yield the lines of a block node."""
    kind = node.get("type")
    children = _children(node)
    if depth > DEEPEST:
        return
    if kind in _CONTAINERS:
        for child in children:
            yield from _blocks(child, depth + 1)
    elif kind in _ITEMS:
        yield from _prefixed("- ", _item_lines(children, depth))
    elif kind == "blockquote":
        for child in children:
            yield from ("> " + line for line in _blocks(child, depth + 1))
    elif kind == "tableRow":
        yield " | ".join(" ".join(_item_lines(_children(cell), depth)) for cell in children)
    else:
        yield from _line(node, children, depth).split("\n")


def _line(node: Mapping[str, Any], children: Sequence[Mapping[str, Any]], depth: int) -> str:
    """Return a paragraph, a heading or a lone inline node as text."""
    return _inlines(children, depth) if children else _inline(node, depth)


def _item_lines(children: Sequence[Mapping[str, Any]], depth: int) -> list[str]:
    """Return the lines of a list item or table cell, whose children may be inline or blocks."""
    if children and all(child.get("type") in _INLINE for child in children):
        return [_inlines(children, depth)]
    return [line for child in children for line in _blocks(child, depth + 1)]


def _prefixed(prefix: str, lines: Sequence[str]) -> Iterator[str]:
    for index, line in enumerate(lines):
        yield (prefix if index == 0 else " " * len(prefix)) + line


def _text(node: Mapping[str, Any]) -> str:
    text = str(node.get("text", ""))
    for mark in node.get("marks") or ():
        if isinstance(mark, Mapping) and mark.get("type") == "link":
            address = str(_attrs(mark).get("href", ""))
            return _link(text, address) if address else text
    return text


def _date(node: Mapping[str, Any]) -> str:
    try:
        return datetime.fromtimestamp(int(_attrs(node)["timestamp"]) / 1000, UTC).date().isoformat()
    except (KeyError, ValueError, TypeError, OverflowError):
        return ""


def _attribute(*names: str) -> Callable[[Mapping[str, Any]], str]:
    def read(node: Mapping[str, Any]) -> str:
        attrs = _attrs(node)
        return next((str(attrs[name]) for name in names if attrs.get(name)), "")

    return read


def _mention(node: Mapping[str, Any]) -> str:
    name = _attribute("text", "id")(node)
    return name if name.startswith("@") else f"@{name}"


_INLINE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "text": _text,
    "hardBreak": lambda _: "\n",
    "mention": _mention,
    "emoji": _attribute("text", "shortName"),
    "inlineCard": _attribute("url"),
    "blockCard": _attribute("url"),
    "embedCard": _attribute("url"),
    "status": _attribute("text"),
    "date": _date,
    "media": _attribute("alt"),
    "placeholder": lambda _: "",
}


def _inline(node: Mapping[str, Any], depth: int) -> str:
    known = _INLINE.get(str(node.get("type")))
    if known is not None:
        return known(node)
    return _inlines(_children(node), depth + 1) or str(node.get("text", ""))


def _inlines(nodes: Sequence[Mapping[str, Any]], depth: int) -> str:
    return "".join(_inline(node, depth) for node in nodes) if depth <= DEEPEST else ""


def _children(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = node.get("content")
    return [x for x in content if isinstance(x, Mapping)] if isinstance(content, list) else []


def _attrs(node: Mapping[str, Any]) -> Mapping[str, Any]:
    attrs = node.get("attrs")
    return attrs if isinstance(attrs, Mapping) else {}
