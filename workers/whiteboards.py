"""Words on whiteboards of bugs and issues: texts that people write by hand, each in their own way.

Words stand between blanks, commas, semicolons, or in brackets (`[ptp][ran]`). What stands there
stays as it is, to the letter.
"""

import re
from collections.abc import Sequence

_WORD = re.compile(r"\[[^\[\]]*\]|[^\s,;\[\]]+")
_BETWEEN = re.compile(r"[,;] *|(?<=\])(?=\[)")


def lacking(text: str, words: Sequence[str]) -> list[str]:
    """Return those of `words` that a whiteboard does not have."""
    there = {*text.split(), *_WORD.findall(text)}
    # A word with a separator in it is never one between two.
    return [x for x in words if x not in there and (_WORD.fullmatch(x) or x not in text)]


def with_words(text: str, words: Sequence[str]) -> str:
    """Return a whiteboard with `words` behind what it has, separated as that is."""
    if not words or not text:
        return text + " ".join(words)
    found = _BETWEEN.search(text)
    between = found[0] if found else " "
    if not between and not all(word.startswith("[") for word in words):
        between = " "
    return text + ("" if text[-1].isspace() else between) + (between or "").join(words)
