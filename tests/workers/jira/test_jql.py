"""JQL says what is meant, and whatever comes from settings is quoted."""

from hypothesis import given
from hypothesis import strategies as st

from sandbox.jira.jql import matches
from sandbox.jira.state import JiraState
from t5g.settings import load_settings
from workers.jira import jql


def test_cards_of_the_project_or_of_sprints():
    settings = load_settings()
    assert jql.cards(settings, None) == 'project = "T5G" AND labels = "field-support"'
    assert jql.cards(settings, [4, 7]) == 'sprint in (4, 7) AND labels = "field-support"'
    bare = load_settings(env={"jira_label": ""})
    assert jql.cards(bare, None) == 'project = "T5G"'


def test_escalations_are_open_ones():
    assert jql.escalations(load_settings()) == (
        'project = "ESC" AND labels = "t5g-escalation" AND statusCategory != Done'
    )


def test_changes_are_asked_for_relative_to_the_servers_clock():
    assert jql.updated_within(45) == "updated >= -45m"


def test_quotes_and_backslashes_stay_text():
    assert jql.quoted('a"b\\c') == '"a\\"b\\\\c"'


@given(st.text(min_size=1, max_size=40))
def test_a_hostile_label_is_one_label(text):
    state = JiraState()
    state.add_project("T5G", "x")
    issue = state.create_issue("T5G", "x", labels=["other"], silent=True)
    query = jql.all_of(jql.project("T5G"), jql.label(text))
    assert matches(state, query)(issue) == (text.strip().casefold() == "other")


def test_keys_that_a_message_names():
    said = "An issue with key 'GONE-1' does not exist for field 'key'., and 'X_Y-22' neither"
    assert jql.keys_in(said) == {"GONE-1", "X_Y-22"}
