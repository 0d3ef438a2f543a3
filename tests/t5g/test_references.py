"""Cases are found by what they point at, however many point at the same."""

from hypothesis import given
from hypothesis import strategies as st

from t5g.model import Bug, Escalation, Issue
from t5g.references import KINDS, References, refs
from tests.making import card, entry


def made(number: str, keys: set[int]) -> object:
    return entry(
        number,
        card=card(f"T5G-{number}", id=number),
        issues=tuple(Issue(key=f"OCPBUGS-{k}", id=f"9{k}") for k in keys),
        bugs=tuple(Bug(id=k) for k in keys),
        escalations=tuple(Escalation(key=f"ESC-{k}") for k in keys if k % 2),
    )


cases = st.dictionaries(
    st.sampled_from([f"{n:08d}" for n in range(6)]), st.sets(st.integers(1, 4)), max_size=6
)


@given(cases, cases)
def test_adding_and_removing_end_where_adding_alone_would(first, second) -> None:
    index = References()
    kept = {}
    for number, keys in [*first.items(), *second.items()]:
        if number in kept:
            index.remove(kept[number])
        kept[number] = made(number, keys)
        index.add(kept[number])
    for kind in KINDS:
        named = {name for e in kept.values() for k, name in refs(e) if k == kind}
        for name in named | {"nothing"}:
            wanted = {n for n, e in kept.items() if (kind, name) in set(refs(e))}
            assert index.of(kind, name) == wanted
    for found in kept.values():
        index.remove(found)
    assert all(not known for known in index._known.values())
