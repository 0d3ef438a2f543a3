"""JQL as JIRA reads it: what is found, in which order, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.jira.jql import Cursor, Searcher, matches
from sandbox.jira.jql.syntax import Both, Clause, Either, Not, Operand, read
from sandbox.jira.model import Refusal
from sandbox.jira.state import JiraState

NOW = datetime(2026, 11, 24, 12, 30, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def state() -> JiraState:
    made = JiraState(clock=lambda: NOW)
    made.add_project("T5G", "Field support")
    made.add_project("OCPBUGS", "Defects")
    board = made.add_board("B", "T5G")
    old, new = made.add_sprint(board, "Sprint 11", "closed"), made.add_sprint(board, "Sprint 12")
    anna = made.add_user("Anna Beispiel", "anna@example.com", "712020:anna")

    def add(project, summary, minutes, **facts):
        at = NOW - timedelta(minutes=minutes)
        made.create_issue(project, summary, silent=True, created=at, **facts)

    add("T5G", "01234567: Node not ready", 500, labels=("field-support",), sprint=new,
        status="Open", assignee=anna, priority="Major")  # fmt: skip
    add("T5G", "01234568: etcd is slow", 400, labels=("field-support", "Trends"), sprint=old,
        status="Done", priority="Critical")  # fmt: skip
    add("T5G", "a chore", 300, assignee=made.bot, priority="Minor")
    add("OCPBUGS", "the node drains", 20, type="Bug", fix_versions=("4.16.z",),
        custom={"customfield_10840": "Urgent", "customfield_10979": "01234567"})  # fmt: skip
    add("OCPBUGS", "hidden", 10, security="Embargoed")
    add("OCPBUGS", "fresh", 0, components=("Networking",), description="about the *kubelet*")
    made.add_comment("T5G-1", anna, "rebooted the worker", silent=True, created=NOW)
    return made


def found(state: JiraState, jql: str) -> list[str]:
    issues = Searcher(state).find(f"{jql} ORDER BY created ASC", state.bot).issues
    return [issue.key for issue in issues]


@pytest.mark.parametrize(
    ("jql", "keys"),
    [
        ("project = T5G", "T5G-1 T5G-2 T5G-3"),
        ("project = 'field support'", "T5G-1 T5G-2 T5G-3"),
        ("project in (T5G, OCPBUGS) AND labels = field-support", "T5G-1 T5G-2"),
        ('labels in ("FIELD-SUPPORT")', "T5G-1 T5G-2"),
        ("project = T5G AND labels != Trends", "T5G-1"),
        ("project = T5G AND labels not in (Trends)", "T5G-1"),
        ("project = T5G AND (labels not in (Trends) OR labels is EMPTY)", "T5G-1 T5G-3"),
        ("project = T5G AND labels is EMPTY", "T5G-3"),
        ("project = T5G AND labels = EMPTY", "T5G-3"),
        ("labels is not EMPTY", "T5G-1 T5G-2"),
        ("sprint = 'Sprint 12'", "T5G-1"),
        ("sprint in (100, 101)", "T5G-1 T5G-2"),
        ("sprint in openSprints()", "T5G-1"),
        ("sprint in closedSprints()", "T5G-2"),
        ("project = T5G AND sprint not in openSprints()", "T5G-2"),
        ("status = open", "T5G-1"),
        ("statusCategory = Done", "T5G-2"),
        ("project = T5G AND statusCategory != Done", "T5G-1 T5G-3"),
        ("statusCategory = new AND project = T5G", "T5G-3"),
        ("key in (T5G-2, ocpbugs-1)", "T5G-2 OCPBUGS-1"),
        ("issuekey = T5G-2 OR id = 10001", "T5G-1 T5G-2"),
        ("project = T5G AND key > T5G-1", "T5G-2 T5G-3"),
        ("assignee = 712020:anna", "T5G-1"),
        ('assignee = "anna@example.com"', "T5G-1"),
        ("assignee = currentUser()", "T5G-3"),
        ("project = T5G AND assignee is EMPTY", "T5G-2"),
        ("project = T5G AND assignee != currentUser()", "T5G-1"),
        ("summary ~ node", "T5G-1 OCPBUGS-1"),
        ('summary ~ "node ready"', "T5G-1"),
        ('summary ~ "\\"not ready\\""', "T5G-1"),
        ('summary ~ "\\"ready not\\""', ""),
        ("summary ~ 01234567", "T5G-1"),
        ("summary ~ 0123456", ""),
        ('summary ~ "0123456*"', "T5G-1 T5G-2"),
        ("project = T5G AND summary !~ node", "T5G-2 T5G-3"),
        ("text ~ kubelet", "OCPBUGS-3"),
        ("text ~ rebooted", "T5G-1"),
        ("comment ~ worker", "T5G-1"),
        ("issuetype = Bug", "OCPBUGS-1"),
        ("type in (Bug, Epic)", "OCPBUGS-1"),
        ("project = T5G AND resolution = Unresolved", "T5G-1 T5G-3"),
        ("resolution is not EMPTY", "T5G-2"),
        ("resolution != Unresolved", "T5G-2"),
        ("resolution in (Done)", "T5G-2"),
        ("priority in (Critical, Major)", "T5G-1 T5G-2"),
        ("fixVersion = 4.16.z", "OCPBUGS-1"),
        ("component = Networking", "OCPBUGS-3"),
        ("updated >= -15m", "T5G-1 OCPBUGS-3"),
        ("created >= -25m", "OCPBUGS-1 OCPBUGS-3"),
        ('created >= "2026/11/24 12:10"', "OCPBUGS-1 OCPBUGS-3"),
        ('created < "2026-11-24 12:10" AND project = OCPBUGS', ""),
        ("created >= 2026-11-24 AND project = T5G", "T5G-1 T5G-2 T5G-3"),
        ("created < startOfDay()", ""),
        ('created > startOfDay("-1d") AND created <= now() AND project = T5G', "T5G-1 T5G-2 T5G-3"),
        ("resolved is not EMPTY", "T5G-2"),
        ("cf[10840] = Urgent", "OCPBUGS-1"),
        ('"SFDC Cases Links" ~ 01234567', "OCPBUGS-1"),
        ("NOT project = T5G", "OCPBUGS-1 OCPBUGS-3"),
        ("not (project = T5G or type = Bug)", "OCPBUGS-3"),
        ("project = T5G && (status = Done || status = Open)", "T5G-1 T5G-2"),
        ("project = T5G AND NOT labels in (Trends)", "T5G-1 T5G-3"),
    ],
)
def test_finds(state, jql, keys):
    assert found(state, jql) == keys.split()


@pytest.mark.parametrize(
    ("jql", "said"),
    [
        ("nonsense = 1", "Field 'nonsense' does not exist"),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("status = Sleeping", "The value 'Sleeping' does not exist for the field 'status'."),
        ("priority = P1", "does not exist for the field 'priority'"),
        ("assignee = stranger", "does not exist for the field 'assignee'"),
        ("sprint = 'Sprint 99'", "Sprint with name 'Sprint 99' does not exist"),
        ("sprint = 999", "Sprint with id '999' does not exist"),
        ("key in (T5G-1, T5G-99)", "An issue with key 'T5G-99' does not exist for field 'key'."),
        ("key = OCPBUGS-2", "An issue with key 'OCPBUGS-2' does not exist for field 'key'."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("project ~ T5G", "The operator '~' is not supported by the 'project' field."),
        ("created in (1)", "The operator 'in' is not supported by the 'created' field."),
        ("created > yesterday", "Date value 'yesterday' for field 'created' is invalid"),
        ("created > 2026/11/24", "The character '/' is a reserved JQL character"),
        ("assignee = a@example.com", "The character '@' is a reserved JQL character"),
        ("labels = order", "'order' is a reserved JQL word"),
        ("labels = 'open", "The quoted string has not been completed"),
        ("project =", "before the end of the query"),
        ("project", "Expecting operator before the end of the query."),
        ("project T5G", "Expecting operator but got 'T5G'. The valid operators are"),
        ("project = T5G labels = x", "Expecting either 'OR' or 'AND' but got 'labels'."),
        ("(project = T5G", "Expecting ')' before the end"),
        ("project in T5G", "Expecting '('"),
        ("project in (T5G", "Expecting either ')' or ','"),
        ("assignee is bob", "Only 'EMPTY' or 'NULL' can be used."),
        ("status was Open", "History searches do not support the 'status' field."),
        ("status changed", "History searches do not support the 'status' field."),
        ("assignee in membersOf(x)", "Unable to find JQL function 'membersOf(x)'."),
        ("summary ~ '*node'", "is not allowed to start with '*' or '?'"),
        ("project = T5G ORDER BY", "a field name before the end"),
        ("project = T5G ORDER BY magic", "Field 'magic' does not exist"),
        ("", "Unbounded JQL queries are not allowed here."),
        ("ORDER BY created", "Unbounded JQL queries are not allowed here."),
        ("project = T5G order by a,b,c,d,e,f,g,h", "At most 7 fields"),
    ],
)
def test_refuses_as_jira_does(state, jql, said):
    with pytest.raises(Refusal) as refused:
        Searcher(state).find(jql, state.bot)
    assert refused.value.status == 400
    assert said in refused.value.messages[0]


def test_a_mistake_tells_its_place(state):
    with pytest.raises(Refusal, match=r"\(line 1, character 9\)"):
        read("project T5G")


def test_dates_know_minutes_only():
    """Half a minute after the query's time still counts as that minute, on the safe side."""
    state = JiraState(clock=lambda: NOW)
    state.add_project("T5G", "x")
    state.create_issue("T5G", "x", silent=True, created=NOW - timedelta(minutes=15, seconds=20))
    assert found(state, "updated >= -15m") == ["T5G-1"]
    assert found(state, "updated >= -14m") == []


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        ("key", "OCPBUGS-1 OCPBUGS-3 T5G-1 T5G-2 T5G-3"),
        ("key DESC", "T5G-3 T5G-2 T5G-1 OCPBUGS-3 OCPBUGS-1"),
        ("created DESC", "OCPBUGS-3 OCPBUGS-1 T5G-3 T5G-2 T5G-1"),
        ("priority DESC, key", "T5G-2 T5G-1 OCPBUGS-1 OCPBUGS-3 T5G-3"),
        ("assignee, key", "T5G-1 T5G-3 OCPBUGS-1 OCPBUGS-3 T5G-2"),
        ("project, status DESC, key", "OCPBUGS-1 OCPBUGS-3 T5G-2 T5G-1 T5G-3"),
        ("labels, key", "T5G-1 T5G-2 OCPBUGS-1 OCPBUGS-3 T5G-3"),
    ],
)
def test_orders(state, order, keys):
    issues = Searcher(state).find(f"project is not EMPTY ORDER BY {order}", state.bot).issues
    assert [issue.key for issue in issues] == keys.split()


def test_reads_precedence_and_escapes():
    query = read('a = 1 OR NOT b in ("x \\"y\\"", now()) AND c is not null order by d desc, e')
    assert query.where == Either((
        Clause("a", "=", (Operand("1"),)),
        Both((
            Not(Clause("b", "in", (Operand('x "y"'), Operand("now", "function")))),
            Clause("c", "is not", (Operand("null", "empty"),)),
        )),
    ))  # fmt: skip
    assert [(o.field, o.descending) for o in query.order] == [("d", True), ("e", False)]


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        read(text)
    except Refusal as refused:
        assert refused.status == 400


def test_pages_go_on_behind_the_last_issue_whatever_happens_between():
    """As JIRA's: neither new nor changed issues make a page repeat or skip what stays in place."""
    state = JiraState(clock=lambda: NOW)
    state.add_project("T5G", "x")
    for n in range(10):
        state.create_issue("T5G", f"{n}", silent=True, created=NOW - timedelta(hours=20 - n))
    search, jql = Searcher(state), "project = T5G ORDER BY created ASC"
    first = search.find(jql, state.bot)
    token = first.cursor(first.issues[3]).token()
    state.delete_issue("T5G-4")
    state.create_issue("T5G", "early", silent=True, created=NOW - timedelta(hours=99))
    state.create_issue("T5G", "late", silent=True)
    rest = search.find(jql, state.bot).after(Cursor.of(token, jql, NOW))
    assert [issue.key for issue in rest] == [f"T5G-{n}" for n in range(5, 11)] + ["T5G-12"]


def test_tokens_are_of_one_query_and_do_not_live_for_ever(state):
    search = Searcher(state)
    found_ = search.find("project = T5G", state.bot)
    token = found_.cursor(found_.issues[0]).token()
    assert Cursor.of(token, "project = T5G", NOW)
    for text, jql, now in (
        ("rubbish", "project = T5G", NOW),
        ("", "project = T5G", NOW),
        (token, "project = OCPBUGS", NOW),
        (token, "project = T5G", NOW + timedelta(days=8)),
    ):
        with pytest.raises(Refusal, match="token is invalid or expired"):
            Cursor.of(text, jql, now)


def test_a_search_sees_every_write_at_once():
    state = JiraState(clock=lambda: NOW)
    state.add_project("T5G", "x")
    sprint = state.add_sprint(state.add_board("B", "T5G"), "S", "future")
    search = Searcher(state)

    def keys(jql):
        return [issue.key for issue in search.find(jql, state.bot).issues]

    issue = state.create_issue("T5G", "x", silent=True, sprint=sprint)
    assert keys("sprint in openSprints()") == []
    state.set_sprint_state(sprint, "active")
    assert keys("sprint in openSprints()") == ["T5G-1"]
    issue.security = "behind its back"
    assert keys("sprint in openSprints()") == []


def test_index_lag_hides_new_issues_but_not_those_to_reconcile():
    now = NOW
    state = JiraState(clock=lambda: now)
    state.add_project("T5G", "x")
    state.index_lag = timedelta(seconds=5)
    issue = state.create_issue("T5G", "x")
    search = Searcher(state)
    assert search.find("project = T5G", state.bot).issues == []
    assert search.find("project = T5G", state.bot, reconcile=[issue.id]).issues == [issue]
    now += timedelta(seconds=6)
    assert search.find("project = T5G", state.bot).issues == [issue]


def test_nobody_sees_nothing(state):
    assert Searcher(state).find("project = T5G", None).issues == []


def test_a_filter_tests_single_issues(state):
    test = matches(state, "project = T5G AND labels = Trends")
    assert [key for key, issue in state.issues.items() if test(issue)] == ["T5G-2"]


def test_twenty_thousand_issues_are_searched_once_for_all_pages():
    state = JiraState(clock=lambda: NOW)
    state.add_project("T5G", "x")
    state.add_project("OTHER", "x")
    for n in range(20_000):
        labels = ("field-support",) if n % 4 else ()
        state.create_issue("OTHER" if n % 5 else "T5G", f"{n:08}", labels=labels, silent=True)
    search = Searcher(state)
    jql = 'project = "T5G" AND labels = "field-support" ORDER BY created ASC, key ASC'
    first = search.find(jql, state.bot)
    cursor, count = None, 0
    for _ in range(40):
        found_ = search.find(jql, state.bot)
        assert found_ is first
        page = (found_.after(cursor) if cursor else found_.issues)[:100]
        count += len(page)
        if len(page) < 100:
            break
        cursor = found_.cursor(page[-1])
    assert count == 3_000
    state.create_issue("T5G", "one more", labels=("field-support",), silent=True)
    assert len(search.find(jql, state.bot).issues) == 3_001
