"""What the page's links ask for: of an account or a person the one that is meant, and no other."""

import pytest

from t5g.query import parse_query
from tests.making import NOW_SECONDS, entry
from webhooks.pages import addresses


@pytest.mark.parametrize(
    "name", ["Verizon", "O’Neill “Mobile” & Sons", 'Say "hi", Ltd', "a:b", "=x"]
)
def test_a_link_to_an_account_finds_it_alone(name: str) -> None:
    names = (name, f"{name} Business", f"The {name}")
    cases = [entry(f"0000000{n}", portal={"account": text}) for n, text in enumerate(names)]
    query = parse_query(addresses.term("account", name))
    assert [one.account for one in query.select(cases, NOW_SECONDS)] == [name]


@pytest.mark.parametrize(("key", "term"), [("assignee", "assignee=Ann"), ("tag", "tag:Ann")])
def test_only_names_are_asked_for_as_a_whole(key: str, term: str) -> None:
    assert addresses.term(key, "Ann") == term
