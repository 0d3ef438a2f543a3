"""What people typed, as Slack sends it, turned into plain text.

Slack wraps mentions, channels and links in `<…>`, escapes three characters, and keyboards make
quotes round and blanks unbreakable. A mention stays in one form, `<@U012>`; all else becomes text.
Pure.
"""

import re

from t5g.query.lexer import visible

_SEQUENCE = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)>")
_BLANKS = re.compile(r"[ \t\u00a0\u2000-\u200b\u202f\u205f\u3000]+")
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "‟": '"', "«": '"', "»": '"'})
_SINGLE = str.maketrans({"‘": "'", "’": "'"})


def plain(text: str) -> str:
    """Return a typed text with mentions as `<@U…>`, channels as `#name`, links as addresses.

    Invisible characters are left out: they come along when a name or a number is copied.
    """
    text = visible(text)
    parts: list[str] = []
    end = 0
    for found in _SEQUENCE.finditer(text):
        parts += [unescaped(text[end : found.start()]), _word(found)]
        end = found.end()
    parts.append(unescaped(text[end:]))
    joined = "".join(parts).translate(_QUOTES).translate(_SINGLE)
    return _BLANKS.sub(" ", joined).strip()


def _word(found: re.Match[str]) -> str:
    sign, target, label = found.group(1), found.group(2), unescaped(found.group(3) or "")
    match sign:
        case "@":
            return f"<@{target}>"
        case "#":
            return f"#{label or target}"
        case "!":
            return label or f"@{target.partition('^')[0]}"
    return unescaped(target.removeprefix("mailto:"))


def unescaped(text: str) -> str:
    """Turn Slack's three escapes back."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def without_mention(text: str, user_id: str) -> str:
    """Drop the mention of the bot itself, wherever it stands."""
    return _BLANKS.sub(" ", text.replace(f"<@{user_id}>", " ")).strip() if user_id else text


def mentioned(text: str) -> str:
    """Return the user id if the text is one mention, else ""."""
    found = _MENTION.fullmatch(text.strip())
    return found.group(1) if found else ""


def mentions(text: str) -> list[str]:
    """Return the user ids that a text mentions, each once."""
    return list(dict.fromkeys(_MENTION.findall(text)))


def replace_mention(text: str, user_id: str, by: str) -> str:
    """Put a name in place of a mention."""
    return text.replace(f"<@{user_id}>", by)
