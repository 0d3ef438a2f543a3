"""GraphQL's `where` and `orderBy` as predicates and sort keys over records.

As in Salesforce: texts compare without regard to case, nothing is greater or less than null, and
`ne` and `nin` let null pass. Pure functions of the coerced arguments.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.portal.nodes import Getter

Predicate = Callable[[Any], bool]
_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def compile_where(where: Mapping[str, Any] | None, values: Mapping[str, Getter]) -> Predicate:
    """A predicate over records whose fields `values` gives. Raises ValueError for a bad time."""
    return _all(_parts(where or {}, values, ""))


def compile_order(
    order: Mapping[str, Any] | None, values: Mapping[str, Getter]
) -> list[tuple[Callable[[Any], Any], bool]]:
    """(key, descending) of each field to sort by, the first one first."""
    return [
        (_sort_key(values[name], clause or {}), (clause or {}).get("order") == "DESC")
        for name, clause in (order or {}).items()
    ]


def named(where: Mapping[str, Any] | None, field: str) -> list[str] | None:
    """The only values of `field` that can match, if the filter says so: for looking them up."""
    if not where:
        return None
    wanted = where.get(field) or {}
    if wanted.get("eq") is not None:
        return [wanted["eq"]]
    if wanted.get("in") is not None:
        return [one for one in wanted["in"] if one is not None]
    found = (named(part, field) for part in where.get("and") or ())
    return next((one for one in found if one is not None), None)


def _parts(where: Mapping[str, Any], values: Mapping[str, Getter], prefix: str) -> list[Predicate]:
    parts: list[Predicate] = []
    for name, wanted in where.items():
        path = f"{prefix}{name}"
        if wanted is None:
            continue
        if name == "and":
            parts.append(_all([compile_where(one, values) for one in wanted]))
        elif name == "or":
            parts.append(_any([compile_where(one, values) for one in wanted]))
        elif name == "not":
            parts.append(_not(compile_where(wanted, values)))
        elif path in values:
            parts += [_test(values[path], op, _plain(value)) for op, value in wanted.items()]
        else:
            parts += _parts(wanted, values, f"{path}.")
    return parts


def _test(getter: Getter, op: str, wanted: Any) -> Predicate:
    if op in ("eq", "ne"):
        equal: Predicate = lambda one: _plain(getter(one)) == wanted  # noqa: E731
        return equal if op == "eq" else _not(equal)
    if op in ("in", "nin"):
        allowed = set(wanted or ())
        within: Predicate = lambda one: _plain(getter(one)) in allowed  # noqa: E731
        return within if op == "in" else _not(within)
    if op == "like":
        pattern = _like(str(wanted))
        return lambda one: pattern.fullmatch(_plain(getter(one)) or "") is not None
    return _compared(getter, _COMPARE[op], wanted)


def _compared(getter: Getter, compare: Callable[[Any, Any], bool], wanted: Any) -> Predicate:
    def holds(one: Any) -> bool:
        value = _plain(getter(one))
        return value is not None and wanted is not None and compare(value, wanted)

    return holds


def _plain(value: Any) -> Any:
    """What is compared: folded texts, moments; `{"value": …}` is unwrapped, lists too."""
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return _moment(value.get("value"))
    return value


def _moment(text: Any) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(str(text))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _like(pattern: str) -> re.Pattern[str]:
    parts = (
        ".*" if mark == "%" else "." if mark == "_" else re.escape(mark)
        for mark in pattern.casefold()
    )
    return re.compile("".join(parts), re.DOTALL)


def _sort_key(getter: Getter, clause: Mapping[str, Any]) -> Callable[[Any], Any]:
    # Reversed with the rest when descending, so that nulls end up where the clause wants them.
    nulls_first = clause.get("nulls", "FIRST") == "FIRST"
    null_rank = 0 if nulls_first != (clause.get("order") == "DESC") else 2

    def key(one: Any) -> tuple[int, Any]:
        value = getter(one)
        return (null_rank, 0) if value is None else (1, value)

    return key


def _all(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    return lambda one: all(part(one) for part in parts)


def _any(parts: Sequence[Predicate]) -> Predicate:
    return lambda one: any(part(one) for part in parts)


def _not(part: Predicate) -> Predicate:
    return lambda one: not part(one)
