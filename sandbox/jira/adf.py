"""Plain text to Atlassian Document Format and back, as far as paragraphs and lines go."""

from typing import Any


def to_adf(text: str) -> dict[str, Any]:
    """Write a text as a document: a paragraph for each line."""
    lines = text.split("\n") if text else []
    paragraphs = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
        for line in lines
    ]
    return {"type": "doc", "version": 1, "content": paragraphs}


def to_text(document: Any) -> str:
    """Read the text of a document."""
    blocks = document.get("content") or []
    return "\n".join(_inline(block) for block in blocks)


def is_adf(value: Any) -> bool:
    """Say whether a value is a document."""
    return isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1


def _inline(node: dict[str, Any]) -> str:
    if node.get("type") == "hardBreak":
        return "\n"
    if "text" in node:
        return str(node["text"])
    return "".join(_inline(child) for child in node.get("content") or [])
