"""Strategies for values that nobody should send: nested, huge, invisible, half a character."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: The same examples at every run; what is found stays found.
SEEDED = settings(
    max_examples=60,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

NASTY_TEXTS = (
    "", " ", "\x00", "a\x00b", "\u202e\u2066evil", "\ud800", "\udfff\ud800", "\ufeff", "\u2028",
    "x" * 70_000, "\r\nX-Injected: 1", "<script>alert(1)</script>", "{{7*7}}", "%s%n", "../../etc",
    "01234567", "٠١٢٣٤٥٦٧", "9" * 5_000, "-0", "NaN", "=1+1", "<!channel>", "\x1b[2J", "Ⅷ" * 300,
    "2026-13-45T99:99:99Z", "0001-01-01T00:00:00.000+0000", "9999-12-31T23:59:59.999-2300",
)  # fmt: skip
NASTY_NUMBERS = (0, -1, 2**31, 2**63, 2**64, -(2**70), 10**400, 1e308, -1e308, 5e-324)

TEXTS = st.sampled_from(NASTY_TEXTS) | st.text(max_size=20)
LEAVES = (
    st.none()
    | st.booleans()
    | st.sampled_from(NASTY_NUMBERS)
    | TEXTS
    | st.sampled_from([[], {}, [[]], [None], {"": None}, {"id": {}}, {"name": []}])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def mangled(draw: st.DrawFn, good: Sequence[Any]) -> Any:
    """A good body of which one to three parts, at any depth, are replaced or taken away."""
    found = copy.deepcopy(draw(st.sampled_from(list(good))))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(found))
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        if isinstance(holder, dict) and draw(st.integers(0, 4)) == 0:
            del holder[key]
        else:
            holder[key] = draw(JSON)
        if not any(True for _ in _places(found)):
            break
    return found


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        keys = list(value) if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield value, key
            yield from _places(value[key])


def sent(value: Any) -> bytes:
    """JSON in bytes; half characters go as `\\ud800`, which JSON can say and UTF-8 can not."""
    return json.dumps(value, allow_nan=True).encode("ascii")


def bombs() -> dict[str, bytes]:
    """Bodies that are cheap to send and dear to read."""
    return {
        "empty": b"",
        "no JSON": b"\xff\xfe\x00{",
        "cut": b'{"webhookEvent":"jira:issue_upd',
        "invalid UTF-8": b'{"webhookEvent":"\xc3\x28"}',
        "deep lists": b"[" * 100_000 + b"]" * 100_000,
        "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "deep in a field": b'{"webhookEvent":"jira:issue_updated","issue":{"fields":'
        + b'{"description":' * 20_000 + b"1" + b"}" * 20_002,
        "a number of a million digits": b'{"timestamp":' + b"9" * 1_000_000 + b"}",
        "a float beyond all": b'{"timestamp":1e999999999}',
        "many keys": b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(80_000)) + b"}",
        "the same key again and again": b"{" + b",".join([b'"issue":1'] * 80_000) + b"}",
        "a long text": b'{"webhookEvent":"' + b"x" * 900_000 + b'"}',
        "only blanks": b" " * 900_000,
        "NUL": b"\x00" * 10_000,
        "a list of nulls": b"[" + b"null," * 150_000 + b"null]",
    }  # fmt: skip
