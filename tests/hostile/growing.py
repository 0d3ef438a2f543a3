"""How the time of a reader grows with a text of others: shapes that are dear to read, and a clock.

What is measured is the time of this thread on a processor, for a text and for one four times as
long, so that a busy machine changes little. Time that stays too short to matter is no growth.
"""

import gc
import re
import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from typing import Any

from t5g.errors import T5GError

#: Characters, each four times as many as before. The first finds what grows exponentially.
SIZES = (16, 64, 256, 1_024, 4_096, 16_384)
#: Four times the text may take so many times the time: linear is 4, quadratic 16.
MOST = 9.0
#: Seconds for the longest text that matter to nobody, whatever the growth was.
NOTHING = 0.001
#: So many medians of so many measures must agree before a suspect is believed.
LOOKS = 5

Shape = Callable[[int], str]
Read = Callable[[str], object]


def grows(read: Read, shape: Shape) -> str:
    """Return how fast the time of reading grows beyond all measure, or "" if it does not."""
    before = 0.0
    for size in SIZES:
        took = spent(read, shape(size))
        if took > NOTHING and took > MOST * before:
            looks = [_beyond(read, shape, size) for _ in range(LOOKS)]
            if all(looks):
                return looks[0]
        before = took
    return ""


def spent(read: Read, text: str) -> float:
    """Return the seconds of processor time that reading takes; a refusal is a reading, too."""
    gc.disable()
    try:
        begun = time.thread_time()
        with suppress(T5GError, ValueError):
            read(text)
        return time.thread_time() - begun
    finally:
        gc.enable()


def _beyond(read: Read, shape: Shape, size: int) -> str:
    """Return what four times the text cost in the median, if that is beyond all measure."""
    short, long = (median(spent(read, shape(n)) for _ in range(LOOKS)) for n in (size // 4, size))
    if long <= NOTHING or long <= MOST * short:
        return ""
    return f"{size:,} characters take {long * 1e3:.1f} ms, a quarter {short * 1e3:.1f}"


def _of(piece: str, begin: str = "", end: str = "") -> Shape:
    """The same piece again and again."""
    return lambda size: begin + piece * max(1, (size - len(begin) - len(end)) // len(piece)) + end


def _pair(left: str, right: str, begin: str = "", end: str = "") -> Shape:
    """One piece again and again, then the other as often."""
    return lambda size: (
        begin
        + left * (size // (len(left) + len(right)))
        + right * (size // (len(left) + len(right)))
        + end
    )


def _many(*pieces: str) -> dict[str, Shape]:
    return {repr(piece): _of(piece) for piece in pieces}


SHAPES: dict[str, Shape] = {
    **_many(
        # one mark
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "<",
        ">",
        "*",
        "_",
        "~",
        "`",
        "|",
        "!",
        "\\",
        "/",
        "&",
        "#",
        "@",
        "^",
        "+",
        "-",
        "=",
        ":",
        ";",
        ",",
        ".",
        "?",
        "%",
        "$",
        "'",
        '"',
        "0",
        "9",
        "a",
        "A",
        # blanks of all kinds
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "\v",
        "\x00",
        "\u00a0",
        "\u200b",
        "\u2028",
        "\u3000",
        " \n",
        "\n ",
        "\t\n",
        "a\n",
        "a ",
        " a",
        "\n\n\na",
        # letters that are more than one, or change when they are compared
        "e\u0301",
        "\u0301",
        "\u0301\u0316",
        "\u0315\u0300\u05ae",
        "\ufdfa",
        "\u200d",
        "ß",
        "İ",
        "ſ",
        "ﬃ",
        "\U0001f468\u200d",
        "\ud800",
        "\u202e",
        # marks of wiki text
        "{{",
        "}}",
        "{{a",
        "{code",
        "{code}",
        "{code:",
        "{code:x}",
        "{noformat",
        "{noformat}",
        "{color",
        "{color:",
        "{color:red}",
        "{quote}",
        "{panel:a|b",
        "[~",
        "[a|",
        "[a|b",
        "[a|b|",
        "[~accountid:",
        "[http:",
        "[https://a ",
        "[a|b\n",
        "!a.png",
        "!a",
        "!a|",
        "!a.png|",
        "*a",
        "*a ",
        " *a",
        "_a",
        " _a",
        "-a",
        "h1. ",
        "bq. ",
        "\nh1.",
        "\nbq.",
        "\n----",
        "\n* ",
        "\n*",
        "\n#",
        "||",
        "|a",
        "\\\\",
        "\\\\ ",
        " \\\\",
        "\\*",
        "**",
        "__",
        "a*",
        "a_",
        "*\n",
        # marks of Slack, of addresses, of HTML, of quoted texts
        "<@",
        "<@U1",
        "<#",
        "<!",
        "<a|",
        "<a|b",
        "<http://a|",
        "&amp;",
        "&lt;",
        "&amp",
        "&#",
        "&#x",
        "&#38;",
        "&#9",
        "&#x9",
        "&;",
        "http://",
        "https://",
        "http://a",
        "http://a ",
        "http:/",
        "://",
        "//",
        "a://",
        "/case/",
        "cases/",
        "case/",
        "/browse/",
        "browse/A",
        "/issues/A",
        "A-1",
        "A-",
        "A_",
        "-1",
        "id=",
        "?id=",
        "&id=",
        "?id=1",
        "show_bug.cgi?",
        "show_bug.cgi?&",
        "bug ",
        "caseNumber=",
        "01234567",
        "01234567 ",
        "1 ",
        "1.",
        "1,",
        "12:00",
        "2026-01-01",
        "1d",
        "d1",
        "T",
        "Z",
        "selectedIssue=",
        "a@b",
        "@a",
        "a@",
        "a.b",
        "xn--",
        "%41",
        "%",
        "%2",
        "\\u",
        "\\x",
        "\\\\n",
        # of secrets, cookies, logs
        "bearer ",
        "Bearer a",
        "basic\t",
        "token=",
        "token=a",
        "secret=a&",
        "password",
        "cookie:",
        "set-cookie=",
        "cookie ",
        "xoxb-",
        "xapp-",
        "hooks.slack.com/a/",
        "://a:",
        "://a:b",
        ":a@",
        '"token"',
        '"password": "',
        "'secret'",
        '"api_key"   :',
        "signature=",
        "x-hub-signature ",
        # of queries
        "-",
        "a:",
        "a:b",
        "age>",
        "sort:",
        '"a',
        'a"',
        ',"',
        "status:open ",
        "severity:a,",
        "a,b",
        "HTTP ",
        "HTTP 4",
        "v1",
        " v1",
        " 1",
        "4.16",
        "a1",
        "1a",
        "=id",
        ",id=",
        "[id=",
        ",state=1",
        "[name=a",
        ",name=a,",
        "]$",
        "=,",
        "project in (",
        '\\"',
        "a;",
        "; ",
        "<!date^",
        "<!date^1",
        "|1 UTC>",
        " UTC",
        "[secret]",
        "\x1b[",
        "\x1b[31m",
        "- ",
        "\\",
        "--",
        "-- ",
        "\n- ",
        "> ",
    ),
    "one opened at last": _of("a", end="["),
    "blanks between": _of(" ", begin="a", end="b"),
    "blank lines between": _of("\n", begin="log:", end="end"),
    "blanks before a digit": _of(" ", begin="Platform", end="x"),
    "a version that ends badly": _of("1", begin="Platform ", end="!"),
    "brackets in brackets": _pair("[", "]"),
    "parentheses in parentheses": _pair("(", ")"),
    "braces in braces": _pair("{", "}"),
    "angles in angles": _pair("<", ">"),
    "opened code, closed format": _pair("{code}", "{noformat}"),
    "opened mono, closed": _pair("{{a", "}}"),
    "links opened, then closed": _pair("[a|b", "]"),
    "words, then a mark": _pair("a ", "*"),
    "stars, then words": _pair("*", "a "),
    "lower lines, then words": _pair("_", "a "),
    "blanks, then a digit": _pair(" ", "1"),
    "digits, then dashes": _pair("1", "-"),
    "letters, then dashes": _pair("A", "-"),
    "backslashes, then a quote": _pair("\\", '"'),
    "quotes, then blanks": _pair('"', " "),
    "addresses, then quotes": _pair("http://a", '"'),
    "a host of dots": _of("a.", begin="http://", end="/"),
    "a host of dashes": _of("-", begin="http://a", end="."),
    "a host of brackets": _of("[", begin="http://"),
    "a path of slashes": _of("/", begin="http://a"),
    "a link of ampersands": _of("&amp;", begin="https://a/?"),
    "bug parameters": _of("&a", begin="show_bug.cgi?"),
    "sprint": _of(",a=", begin="Sprint@1[name=", end="]"),
    "a sprint without end": _of(",name=", begin="Sprint@1[id=1"),
    "bearer of blanks": _of(" ", begin="bearer", end="x"),
    "a key of blanks": _of(" ", begin='"token"', end="x"),
    "cookie of blanks": _of(" ", begin="cookie", end="\n"),
    "a password without end": _of("a:", begin="://"),
}


def own_shapes(pattern: re.Pattern[str]) -> dict[str, Shape]:
    """Return texts that a pattern itself invites: each beginning of a match, again and again."""
    parts = re._parser.parse(pattern.pattern, pattern.flags)
    pieces = ["".join(map(_sample, parts[:end])) for end in range(1, len(parts) + 1)]
    found = {f"begun {piece!r}": _of(piece) for piece in dict.fromkeys(pieces) if piece}
    for piece in pieces:
        for more in dict.fromkeys(piece):
            found[f"{piece!r} and more {more!r}"] = _of(more, begin=piece, end="\x01")
    return found


def _sample(part: tuple[Any, Any]) -> str:
    """Return a short text that a part of a parsed pattern matches."""
    kind, value = str(part[0]), part[1]
    match kind:
        case "LITERAL":
            return chr(value)
        case "NOT_LITERAL" | "ANY":
            return "a"
        case "IN":
            return _member(value)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return "".join(map(_sample, value[2])) * max(1, value[0])
        case "SUBPATTERN":
            return "".join(map(_sample, value[3]))
        case "ATOMIC_GROUP":
            return "".join(map(_sample, value))
        case "BRANCH":
            return "".join(map(_sample, value[1][0]))
    return ""


def _member(members: list[tuple[Any, Any]]) -> str:
    """Return a letter of a set."""
    kind, value = str(members[0][0]), members[0][1]
    match kind:
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(value[0])
        case "CATEGORY":
            return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " "}.get(str(value), "a")
    kinds = {str(value) for kind, value in members if str(kind) == "CATEGORY"}
    return " " if "CATEGORY_NOT_SPACE" not in kinds and len(members) == 1 else "a"
