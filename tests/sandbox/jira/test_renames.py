"""Renames as JIRA does them: no issue is updated, one event tells, and old keys still work."""


async def test_a_renamed_project_answers_its_old_key_and_its_issues_theirs(jira):
    key = jira.state.create_issue("T5G", "x", silent=True).key
    updated = jira.state.issue(key).updated
    jira.state.rename_project("T5G", "FLD")
    await jira.webhooks.settled()
    issue = jira.state.issue(key)
    assert (issue.key, issue.updated) == ("FLD-1", updated)
    (body,) = jira.receiver.bodies
    assert body["webhookEvent"] == "project_updated"
    project = jira.state.project("FLD")
    assert (body["project"]["id"], body["project"]["key"]) == (int(project.id), "FLD")
    for asked in ("T5G", "FLD", project.id):
        status, found = await jira.ask("GET", f"/rest/api/2/project/{asked}")
        assert (status, found["id"], found["key"]) == (200, project.id, "FLD")
    status, found = await jira.ask("GET", "/rest/api/2/issue/T5G-1?fields=project")
    assert (status, found["key"], found["fields"]["project"]["key"]) == (200, "FLD-1", "FLD")
    path = "search/jql" if jira.state.cloud else "search"
    for asked in ("T5G", "FLD"):
        body = {"jql": f'project = "{asked}"', "fields": ["project"]}
        status, found = await jira.ask("POST", f"/rest/api/2/{path}", body)
        assert (status, [row["key"] for row in found["issues"]]) == (200, ["FLD-1"])


async def test_nothing_new_is_made_under_the_old_key(jira):
    jira.state.rename_project("T5G", "FLD")
    for project, expected in (({"key": "T5G"}, 400), ({"id": jira.state.project("FLD").id}, 201)):
        fields = {"project": project, "summary": "x", "issuetype": {"name": "Task"}}
        status, _ = await jira.ask("POST", "/rest/api/2/issue", {"fields": fields})
        assert status == expected


async def test_a_renamed_version_keeps_its_id(jira):
    issue = jira.state.create_issue("T5G", "x", fix_versions=["4.16.1"], silent=True)
    updated = issue.updated
    path = f"/rest/api/2/issue/{issue.key}?fields=fixVersions"
    _, before = await jira.ask("GET", path)
    jira.state.rename_version("T5G", "4.16.1", "4.16.2")
    await jira.webhooks.settled()
    _, after = await jira.ask("GET", path)
    (old,), (new,) = before["fields"]["fixVersions"], after["fields"]["fixVersions"]
    assert (old["id"], old["name"], new["name"]) == (new["id"], "4.16.1", "4.16.2")
    (body,) = jira.receiver.bodies
    assert body["webhookEvent"] == "jira:version_updated"
    assert (body["version"]["id"], body["version"]["name"]) == (new["id"], "4.16.2")
    assert issue.updated == updated


async def test_a_renamed_person_is_called_so_everywhere(jira):
    anna = jira.state.add_user("Anna Beispiel", "anna.b@example.com")
    issue = jira.state.create_issue("T5G", "x", assignee=anna, silent=True)
    jira.state.add_comment(issue.key, anna, "hello", silent=True)
    updated = issue.updated
    jira.state.rename_user(anna, name="Anna Muster")
    await jira.webhooks.settled()
    (body,) = jira.receiver.bodies
    assert (body["webhookEvent"], body["user"]["displayName"]) == ("user_updated", "Anna Muster")
    _, found = await jira.ask("GET", f"/rest/api/2/issue/{issue.key}")
    assert found["fields"]["assignee"]["displayName"] == "Anna Muster"
    (comment,) = found["fields"]["comment"]["comments"]
    assert comment["author"]["displayName"] == "Anna Muster"
    assert issue.updated == updated
