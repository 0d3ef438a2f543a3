"""Finds issues by key, id, project, label or sprint without looking at all of them."""

from collections import defaultdict
from typing import Final, NamedTuple

from sandbox.jira.model import JiraIssue

Group = dict[str, JiraIssue]

FILED_BY: Final = frozenset({"key", "project", "labels", "sprint", "past_sprints"})


class Filed(NamedTuple):
    """Where an issue was filed last."""

    key: str
    groups: list[Group]


class IssueIndex:
    """All issues of a server; groups are keyed by issue id. It notices when an attribute is set."""

    def __init__(self) -> None:
        #: Counts what was noticed.
        self.revision = 0
        self.by_key: Group = {}
        self.by_id: Group = {}
        self.projects: defaultdict[str, Group] = defaultdict(dict)
        self.labels: defaultdict[str, Group] = defaultdict(dict)
        self.sprints: defaultdict[int, Group] = defaultdict(dict)
        self._filed: dict[str, Filed] = {}

    def put(self, issue: JiraIssue) -> None:
        """File an issue where it belongs by its project, key, labels and sprints."""
        self._unfile(issue)
        groups = [self.projects[issue.project]]
        groups += [self.labels[label.casefold()] for label in issue.labels]
        groups += [self.sprints[number] for number in issue.past_sprints]
        if issue.sprint is not None:
            groups.append(self.sprints[issue.sprint])
        for group in groups:
            group[issue.id] = issue
        self._filed[issue.id] = Filed(issue.key, groups)
        self.by_id[issue.id] = self.by_key[issue.key] = issue
        self.revision += 1
        issue.watched_by(self._noticed)

    def remove(self, issue: JiraIssue) -> None:
        """Forget an issue."""
        self._unfile(issue)
        self.by_id.pop(issue.id, None)
        self.by_key.pop(issue.key, None)
        self.revision += 1

    def _noticed(self, issue: JiraIssue, name: str) -> None:
        self.revision += 1
        if name in FILED_BY and issue.id in self.by_id:
            self.put(issue)

    def _unfile(self, issue: JiraIssue) -> None:
        filed = self._filed.pop(issue.id, None)
        if filed is None:
            return
        for group in filed.groups:
            group.pop(issue.id, None)
        if filed.key != issue.key:
            self.by_key.pop(filed.key, None)
