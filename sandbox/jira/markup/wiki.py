"""Writes an ADF document as wiki text: what v2 and webhooks show of what came by v3. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Node = Mapping[str, Any]

_MARKS: Final = {"strong": "*", "em": "_", "underline": "+", "strike": "-"}
_LISTS: Final = {"bulletList": "*", "orderedList": "#", "taskList": "*", "decisionList": "*"}


def to_wiki(document: Node) -> str:
    """Write a document as wiki text."""
    return "\n\n".join(_block(node) for node in _children(document))


def _block(node: Node) -> str:
    kind = node.get("type")
    match kind:
        case "heading":
            return f"h{_attrs(node).get('level', 1)}. {_line(node)}"
        case "codeBlock":
            language = _attrs(node).get("language")
            mark = f"{{code:{language}}}" if language else "{code}"
            return f"{mark}\n{_line(node)}\n{{code}}"
        case "blockquote":
            return "{quote}\n" + to_wiki(node) + "\n{quote}"
        case "rule":
            return "----"
        case "table":
            return "\n".join(_row(row) for row in _children(node))
        case "bulletList" | "orderedList" | "taskList" | "decisionList":
            return "\n".join(_items(node, ""))
        case "panel" | "expand" | "mediaSingle" | "mediaGroup":
            return to_wiki(node)
        case _:
            return _line(node)


def _items(node: Node, prefix: str) -> Iterator[str]:
    mark = prefix + _LISTS.get(str(node.get("type")), "*")
    for item in _children(node):
        lines = [child for child in _children(item) if child.get("type") not in _LISTS]
        if any(child.get("type") == "text" for child in lines):
            yield f"{mark} {_line(item)}"
        else:
            yield f"{mark} " + " ".join(_block(child) for child in lines)
        for child in _children(item):
            if child.get("type") in _LISTS:
                yield from _items(child, mark)


def _row(row: Node) -> str:
    cells = _children(row)
    bar = "||" if any(cell.get("type") == "tableHeader" for cell in cells) else "|"
    return bar + bar.join(to_wiki(cell) for cell in cells) + bar


def _line(node: Node) -> str:
    children = _children(node)
    return "".join(_inline(child) for child in children) if children else _inline(node)


def _inline(node: Node) -> str:
    attrs = _attrs(node)
    match node.get("type"):
        case "text":
            return _marked(node)
        case "hardBreak":
            return "\n"
        case "mention":
            return f"[~accountid:{attrs.get('id', '')}]"
        case "emoji":
            return str(attrs.get("text") or attrs.get("shortName") or "")
        case "inlineCard" | "blockCard":
            return str(attrs.get("url") or "")
        case "paragraph" | "listItem" | "tableCell":
            return _line(node) if _children(node) else ""
        case _:
            return str(attrs.get("text") or "")


def _marked(node: Node) -> str:
    text = str(node.get("text") or "")
    for mark in node.get("marks") or ():
        kind = mark.get("type")
        if kind == "code":
            text = f"{{{{{text}}}}}"
        elif kind == "link":
            target = str(_attrs(mark).get("href") or "")
            text = target if target == text else f"[{text}|{target}]"
        elif kind in _MARKS:
            text = f"{_MARKS[kind]}{text}{_MARKS[kind]}"
    return text


def _children(node: Node) -> Sequence[Node]:
    content = node.get("content")
    return content if isinstance(content, list) else ()


def _attrs(node: Node) -> Node:
    attrs = node.get("attrs")
    return attrs if isinstance(attrs, Mapping) else {}
