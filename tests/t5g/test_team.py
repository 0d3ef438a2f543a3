"""The team file: people, roles, and mistakes told all at once."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5g.errors import SettingsError
from t5g.team import Away, Grant, Member, Role, Team, TeamFile, load_team, parse_team, team_text

TEXT = """
[roles.engineer]
slack_groups = ["S0ENG"]
saml_groups = ["t5g-engineers"]

[roles.admin]
people = ["Olu@Example.com"]

[[people]]
name = "Ann Müller"
email = "ann@example.com"
jira = "557058:ann"
slack = "U0ANN"
accounts = ["Acme", "Globex"]
away = [{ from = 2026-12-24, until = 2027-01-02 }]

[[people]]
name = "Bob Ray"
email = "bob@example.com"
slack = "U0BOB"
role = "viewer"

[[people]]
name = "Rob Ray"
active = false
slack = "U0ROB"
"""


@pytest.fixture
def team() -> Team:
    return parse_team(TEXT)


def test_people_are_found_by_each_of_their_ids(team: Team) -> None:
    ann = team.members[0]
    assert team.by_slack("U0ANN") is team.by_email("ANN@example.com") is team.by_jira("557058:ann")
    assert ann.accounts == ("Acme", "Globex")
    assert team.by_slack("") is team.by_email("") is team.by_jira("") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ann", ["Ann Müller"]),
        ("@Müll", ["Ann Müller"]),
        ("bob@example.com", ["Bob Ray"]),
        ("ray", ["Bob Ray", "Rob Ray"]),
        ("Bob Ray", ["Bob Ray"]),
        ("nobody", []),
        ("", []),
    ],
)
def test_any_part_of_a_name_finds_people_and_a_whole_one_wins(
    team: Team, text: str, found: list[str]
) -> None:
    assert [m.name for m in team.find(text)] == found


def test_away_includes_both_days(team: Team) -> None:
    ann = team.members[0]
    days = [date(2026, 12, 23), date(2026, 12, 24), date(2027, 1, 2), date(2027, 1, 3)]
    assert [ann.available(day) for day in days] == [True, False, False, True]
    assert not team.members[2].available(days[0])


def test_the_highest_role_counts_wherever_it_comes_from(team: Team) -> None:
    assert team.role_of(slack="U0ANN") is Role.ENGINEER
    assert team.role_of(slack="U0BOB") is Role.VIEWER
    assert team.role_of(slack="U0BOB", slack_groups=["S0ENG"]) is Role.ENGINEER
    assert team.role_of(slack="U0OLU", email="olu@example.com") is Role.ADMIN
    assert team.role_of(email="x@example.com", saml_groups=["t5g-engineers"]) is Role.ENGINEER


def test_an_address_that_only_folds_to_an_admins_gives_no_role() -> None:
    team = parse_team(
        '[roles.admin]\npeople = ["boss@example.com"]\n'
        '[[people]]\nname = "S"\nemail = "strasse@example.com"\nrole = "admin"\n'
        '[[people]]\nname = "Z"\nemail = "straße@example.com"\nrole = "viewer"'
    )
    assert team.role_of(email="BOSS@example.com") is Role.ADMIN
    assert team.role_of(email="boſs@example.com") is None
    assert team.role_of(email="straße@example.com") is Role.VIEWER
    assert team.by_email("STRASSE@example.com") is team.members[0]


def test_two_people_with_one_address_are_a_mistake() -> None:
    text = "".join(f'[[people]]\nname = "{x}"\nemail = "{x}@example.com"\n' for x in ("a", "A"))
    with pytest.raises(SettingsError, match="same `email`"):
        parse_team(text)


def test_everyone_means_the_workspace_not_whoever_logs_in(team: Team) -> None:
    assert team.role_of(slack="U0STRANGER") is Role.VIEWER
    assert team.role_of(email="stranger@example.com") is None


def test_who_left_has_no_role_of_their_own(team: Team) -> None:
    assert team.role_of(slack="U0ROB") is Role.VIEWER


def test_reading_can_be_kept_to_a_group() -> None:
    team = parse_team('[roles.viewer]\nslack_groups = ["S0READ"]')
    assert team.role_of(slack="U1") is None
    assert team.role_of(slack="U1", slack_groups=["S0READ"]) is Role.VIEWER


def test_all_mistakes_are_told_with_their_place() -> None:
    text = """
nonsense = 1
[roles.enginer]
[roles.admin]
people = "olu"
[[people]]
email = 3
rolle = "x"
[[people]]
name = "A"
slack = "U1"
role = "king"
away = [{ from = 2026-02-01, until = 2026-01-01 }, { from = "soon" }]
[[people]]
name = "B"
slack = "U1"
active = "yes"
"""
    with pytest.raises(SettingsError) as caught:
        parse_team(text, "team.toml")
    told = "\n".join(caught.value.lines)
    for part in (
        "the file: `nonsense`", "did you mean `engineer`?", "roles.admin: `people` must be a list",
        "people[1]: `name` is missing", "people[1]: `email` must be a text",
        "did you mean `role`?", "'king' is none of viewer, engineer, admin",
        "2026-02-01 is after 2026-01-01", "needs `from` and `until`",
        "A and B have the same `slack`", "people[3]: `active` must be true or false",
    ):  # fmt: skip
        assert part in told, told
    assert all(line.startswith("team.toml: ") for line in caught.value.lines)


@pytest.mark.parametrize("text", ["[[people", "people = 3", 'roles = "x"', "people = [1]"])
def test_what_is_no_team_file_is_a_settings_error(text: str) -> None:
    with pytest.raises(SettingsError):
        parse_team(text)


def test_a_missing_file_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can not be read"):
        load_team(tmp_path / "none.toml")
    with pytest.raises(SettingsError):
        TeamFile(tmp_path / "none.toml").read()


def test_a_changed_file_is_read_again_and_a_broken_one_keeps_the_last(tmp_path: Path) -> None:
    path = tmp_path / "team.toml"
    path.write_text('[[people]]\nname = "A"')
    file = TeamFile(path)
    assert [m.name for m in file.read().members] == ["A"]
    path.write_text('[[people]]\nname = "A"\n[[people]]\nname = "B"')
    assert [m.name for m in file.read().members] == ["A", "B"]
    path.write_text("[[people")
    assert [m.name for m in file.read().members] == ["A", "B"]
    path.unlink()
    assert [m.name for m in file.read().members] == ["A", "B"]


def test_without_a_file_everyone_reads_and_nobody_acts() -> None:
    team = TeamFile(None).read()
    assert team.role_of(slack="U1") is Role.VIEWER
    assert team.members == ()


@given(
    st.lists(
        st.builds(
            Member,
            name=st.text(min_size=1).map(str.strip).filter(bool),
            accounts=st.lists(st.text().map(str.strip).filter(bool)).map(tuple),
            active=st.booleans(),
            role=st.sampled_from(Role),
            away=st.lists(st.just(Away(date(2026, 1, 1), date(2026, 2, 1)))).map(tuple),
        )
    )
)
def test_a_written_team_reads_back_the_same(members: list[Member]) -> None:
    grants = {Role.VIEWER: Grant(everyone=True), Role.ADMIN: Grant(saml_groups=frozenset({"a"}))}
    team = Team(members=tuple(members), grants=grants)
    assert parse_team(team_text(team)) == team
