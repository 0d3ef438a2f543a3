"""JIRA's text search (`~`): whole words, all of them, phrases in quotes, `*` and `?`. Pure."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from sandbox.jira.jql.syntax import wrong

Match = Callable[[str], bool]
_PART: Final = re.compile(r'([+-]?)(?:"([^"]*)"|(\S+))')
_WORD: Final = re.compile(r"\w+")
_WILD: Final = re.compile(r"[\w*?]+")


def text_match(asked: str, field: str) -> Match:
    """Return the test of a text. Raises Refusal 400."""
    tests = [_part(sign, phrase, word, field) for sign, phrase, word in _PART.findall(asked)]
    if not tests:
        raise wrong(f"The field '{field}' does not support searching for an empty string.")
    return lambda text: _all(tests, _WORD.findall(text.casefold()))


def _all(tests: Sequence[Callable[[Sequence[str]], bool]], words: Sequence[str]) -> bool:
    return all(test(words) for test in tests)


def _part(sign: str, phrase: str, word: str, field: str) -> Callable[[Sequence[str]], bool]:
    wanted = _WILD.findall((phrase or word).casefold())
    if any(one[0] in "*?" for one in wanted):
        raise wrong(
            f"The text query '{word}' for field '{field}' is not allowed to start with '*' or '?'."
        )
    patterns = [re.compile(one.replace("*", r"\w*").replace("?", r"\w")) for one in wanted]
    if sign == "-":
        return lambda words: not _runs(patterns, words)
    return lambda words: _runs(patterns, words)


def _runs(patterns: Sequence[re.Pattern[str]], words: Sequence[str]) -> bool:
    """Whether the words stand one after the other."""
    count = len(patterns)
    return any(
        all(pattern.fullmatch(word) for pattern, word in zip(patterns, words[at:], strict=False))
        for at in range(len(words) - count + 1)
    )
