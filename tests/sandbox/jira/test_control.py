"""Steering from tests: what a person does by hand, and the state in plain words."""


async def test_a_person_moves_comments_and_changes_by_hand(jira):
    key = jira.state.create_issue("T5G", "x", silent=True).key
    base = f"/_sandbox/issues/{key}"
    status, shown = await jira.ask("POST", f"{base}/transition", {"status": "Open"}, headers={})
    assert (status, shown["status"]) == (200, "Open")
    await jira.ask("POST", f"{base}/comment", {"body": "hello", "author": "anna"})
    _, shown = await jira.ask(
        "POST", f"{base}/update", {"priority": "Major", "assignee": "anna", "labels": ["a"]}
    )
    assert (shown["priority"], shown["assignee"], shown["labels"]) == (
        "Major", "712020:anna", ["a"],
    )  # fmt: skip
    _, shown = await jira.ask("POST", f"{base}/sprint", {"sprint": jira.sprint})
    assert shown["sprint"] == jira.sprint
    _, everything = await jira.ask("GET", "/_sandbox/state")
    assert set(everything) == {key}
    assert [c["body"] for c in everything[key]["comments"]] == ["hello"]
    who = {entry.author.name for entry in jira.state.issue(key).history}
    assert who == {"Anna Beispiel"}, "by hand is not by the bot"


async def test_mistakes_are_answered(jira):
    key = jira.state.create_issue("T5G", "x", silent=True).key
    base = f"/_sandbox/issues/{key}"
    for path, body in (
        (f"{base}/transition", {"status": "Nirvana"}),
        (f"{base}/transition", {}),
        (f"{base}/transition", []),
        (f"{base}/update", {"poem": "x"}),
        (f"{base}/update", {"assignee": "stranger"}),
        (f"{base}/comment", {"body": "x", "by": "stranger"}),
        ("/_sandbox/issues", {"project": "T5G"}),
    ):
        status, answer = await jira.ask("POST", path, body)
        assert status == 400, answer
        assert answer["errorMessages"] or answer["errors"]
    assert (await jira.ask("GET", "/_sandbox/issues/T5G-99"))[0] == 404


async def test_issues_are_made_moved_and_deleted(jira):
    jira.state.add_project("ESC", "Escalations")
    body = {"project": "T5G", "summary": "x", "labels": ["a"], "by": "anna"}
    status, made = await jira.ask("POST", "/_sandbox/issues", body)
    assert (status, made["key"]) == (201, "T5G-1")
    _, moved = await jira.ask("POST", "/_sandbox/issues/T5G-1/move", {"project": "ESC"})
    assert moved["key"] == "ESC-1"
    assert (await jira.ask("DELETE", "/_sandbox/issues/ESC-1"))[0] == 204
    assert (await jira.ask("GET", "/_sandbox/state"))[1] == {}


async def test_deliveries_are_told_and_may_be_troubled(jira):
    await jira.ask("PUT", "/_sandbox/deliveries/trouble", {"drop_every": 2})
    for n in range(2):
        jira.state.create_issue("T5G", f"{n}")
    await jira.webhooks.settled()
    _, rows = await jira.ask("GET", "/_sandbox/deliveries")
    assert [(row["event"], row["outcome"], row["issue"]) for row in rows] == [
        ("jira:issue_created", "delivered", "T5G-1"),
        ("jira:issue_created", "lost on purpose", "T5G-2"),
    ]
    assert (await jira.ask("PUT", "/_sandbox/deliveries/trouble", {"poem": 1}))[0] == 400
