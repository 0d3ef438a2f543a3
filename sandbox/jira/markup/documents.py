"""Reads wiki text into an ADF document: blocks first, then what stands in a line. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Node = dict[str, Any]

BLOCKS: Final = frozenset({
    "paragraph", "heading", "bulletList", "orderedList", "codeBlock", "blockquote", "rule", "table",
    "panel", "expand", "mediaSingle", "mediaGroup", "blockCard", "taskList", "decisionList",
})  # fmt: skip
_FENCE: Final = re.compile(r"^\{(code|noformat)(?::([^}]*))?\}\s*$")
_HEADING: Final = re.compile(r"^h([1-6])\.\s+(.*)$")
_ITEM: Final = re.compile(r"^([*#]+|-)\s+(.*)$")
_RULE: Final = re.compile(r"^-{4,}\s*$")
_INLINE: Final = re.compile(
    r"\{\{(?P<code>.+?)\}\}"
    r"|\[~(?:accountid:)?(?P<mention>[^\]\s]+)\]"
    r"|\[(?P<text>[^\]|\n]+)\|(?P<target>[^\]|\s]+)\]"
    r"|\[(?P<link>https?://[^\]\s]+)\]"
    r"|(?P<bare>https?://[^\s\]|)]*[^\s\]|).,;:])"
    r"|(?<![\w*])\*(?P<strong>\S(?:[^*\n]*\S)?)\*(?![\w*])"
    r"|(?<!\w)_(?P<em>\S(?:[^_\n]*\S)?)_(?!\w)"
    r"|(?<![\w+])\+(?P<underline>\S(?:[^+\n]*\S)?)\+(?![\w+])"
    r"|(?<![\w-])-(?P<strike>[^\s-](?:[^-\n]*[^\s-])?)-(?![\w-])"
)
_MARKS: Final = ("code", "strong", "em", "underline", "strike")


def to_document(text: str) -> Node:
    """Read wiki text into a document."""
    return {"type": "doc", "version": 1, "content": list(_blocks(text.replace("\r\n", "\n")))}


def is_document(value: Any) -> bool:
    """Say whether a value is a document that JIRA takes."""
    if not isinstance(value, Mapping) or value.get("type") != "doc" or value.get("version") != 1:
        return False
    content = value.get("content")
    return isinstance(content, list) and all(
        isinstance(node, Mapping) and node.get("type") in BLOCKS and _sound(node)
        for node in content
    )


def _sound(node: Mapping[str, Any]) -> bool:
    """A text node has some text; everything else may hold nodes."""
    if node.get("type") == "text":
        return isinstance(node.get("text"), str) and bool(node["text"])
    content = node.get("content", [])
    return isinstance(content, list) and all(
        isinstance(child, Mapping) and isinstance(child.get("type"), str) and _sound(child)
        for child in content
    )


def _blocks(text: str) -> Iterator[Node]:
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        end = at + 1
        if fence := _FENCE.match(line):
            end = _closing(lines, at, "{" + fence[1] + "}")
            yield _code("\n".join(lines[at + 1 : end - 1]), fence[2])
        elif line.strip() == "{quote}":
            end = _closing(lines, at, "{quote}")
            inner = list(_blocks("\n".join(lines[at + 1 : end - 1])))
            yield {"type": "blockquote", "content": inner}
        elif heading := _HEADING.match(line):
            level = {"level": int(heading[1])}
            yield {"type": "heading", "attrs": level, "content": _inline(heading[2])}
        elif _RULE.match(line):
            yield {"type": "rule"}
        elif line.startswith("bq. "):
            yield {"type": "blockquote", "content": [_paragraph([line[4:]])]}
        elif _ITEM.match(line):
            end = _while(lines, at, lambda one: bool(_ITEM.match(one)))
            yield from _lists([_ITEM.match(one) for one in lines[at:end]])
        elif line.startswith("|"):
            end = _while(lines, at, lambda one: one.startswith("|"))
            yield {"type": "table", "content": [_row(one) for one in lines[at:end]]}
        elif line.strip():
            end = _while(lines, at, _flows)
            yield _paragraph(lines[at:end])
        at = end


def _flows(line: str) -> bool:
    """Whether a line goes on with the paragraph before it."""
    starts = _FENCE.match(line) or _HEADING.match(line) or _ITEM.match(line) or _RULE.match(line)
    return bool(line.strip()) and not starts and not line.startswith(("|", "bq. ", "{quote}"))


def _while(lines: list[str], at: int, test: Any) -> int:
    end = at + 1
    while end < len(lines) and test(lines[end]):
        end += 1
    return end


def _closing(lines: list[str], at: int, mark: str) -> int:
    """The place behind the line that closes a block; without one the block goes to the end."""
    for place in range(at + 1, len(lines)):
        if lines[place].strip() == mark:
            return place + 1
    lines.append(mark)
    return len(lines)


def _code(text: str, language: str | None) -> Node:
    node: Node = {"type": "codeBlock", "attrs": {"language": language} if language else {}}
    node["content"] = [{"type": "text", "text": text}] if text else []
    return node


def _paragraph(lines: list[str]) -> Node:
    content: list[Node] = []
    for number, line in enumerate(lines):
        content += [{"type": "hardBreak"}] if number else []
        content += _inline(line)
    return {"type": "paragraph", "content": content}


def _lists(items: list[Any]) -> Iterator[Node]:
    """Turn lines with `*`, `**`, `#` … into lists within lists."""
    at = 0
    while at < len(items):
        mark = items[at][1]
        kind = "orderedList" if mark[0] == "#" else "bulletList"
        rows: list[Node] = []
        while at < len(items) and items[at][1][0] == mark[0]:
            end = at + 1
            while end < len(items) and len(items[end][1]) > len(mark):
                end += 1
            content = [_paragraph([items[at][2]]), *_lists(items[at + 1 : end])]
            rows.append({"type": "listItem", "content": content})
            at = end
        yield {"type": kind, "content": rows}


def _row(line: str) -> Node:
    head = line.startswith("||")
    parts = line.strip().strip("|").split("||" if head else "|")
    kind = "tableHeader" if head else "tableCell"
    cells = [{"type": kind, "content": [_paragraph([part.strip()])]} for part in parts]
    return {"type": "tableRow", "content": cells}


def _inline(text: str) -> list[Node]:
    nodes: list[Node] = []
    at = 0
    for found in _INLINE.finditer(text):
        nodes += _plain(text[at : found.start()])
        nodes.append(_special(found))
        at = found.end()
    return nodes + _plain(text[at:])


def _plain(text: str) -> list[Node]:
    return [{"type": "text", "text": text}] if text else []


def _special(found: re.Match[str]) -> Node:
    if account := found["mention"]:
        return {"type": "mention", "attrs": {"id": account, "text": f"@{account}"}}
    for mark in _MARKS:
        if found[mark]:
            return {"type": "text", "text": found[mark], "marks": [{"type": mark}]}
    target = found["target"] or found["link"] or found["bare"]
    link = {"type": "link", "attrs": {"href": target}}
    return {"type": "text", "text": found["text"] or target, "marks": [link]}
