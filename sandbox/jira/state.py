"""What JIRA believes: issues, comments, links; every change is an event.

Times are aware UTC. It knows neither HTTP nor JSON; listeners are told of each change at once.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sandbox.jira.directory import Listener
from sandbox.jira.issues import Issues, Who
from sandbox.jira.model import (
    FINISHED,
    ISSUE_TYPES,
    LINK_TYPES,
    PRIORITIES,
    WORKFLOW,
    Event,
    IssueLink,
    JiraComment,
    JiraIssue,
    JiraUser,
    Refusal,
    RemoteLink,
)
from sandbox.jira.rules import check_text

__all__ = [
    "FINISHED",
    "ISSUE_TYPES",
    "PRIORITIES",
    "WORKFLOW",
    "Event",
    "JiraComment",
    "JiraIssue",
    "JiraState",
    "JiraUser",
    "Listener",
    "Refusal",
]


class JiraState(Issues):
    """All that one JIRA server knows. Issues are changed through its methods only."""

    def __init__(
        self,
        cloud: bool = True,
        base_url: str = "http://127.0.0.1",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        super().__init__(cloud, base_url, clock)
        self.links: dict[str, IssueLink] = {}
        self._links_of: dict[str, dict[str, IssueLink]] = {}

    def delete_issue(self, key: str, actor: Who = None) -> None:
        """Delete an issue, and its links."""
        issue = self.issue(key)
        for link in list(self.links_of(issue)):
            self.unlink(link.id)
        self._links_of.pop(issue.id, None)
        self.index.remove(issue)
        who = self.user(actor) or self.bot
        self.tell(Event("jira:issue_deleted", self._later(issue), issue.snapshot(), who))

    # Comments

    def add_comment(
        self,
        key: str,
        author: Who,
        body: str,
        created: datetime | None = None,
        visibility: str | None = None,
        *,
        public: bool = True,
        silent: bool = False,
    ) -> JiraComment:
        """Comment on an issue, in wiki text."""
        issue, who = self.issue(key), self.person(author, "author") or self.bot
        check_text(body, "comment")
        at = created or self._later(issue)
        comment = JiraComment(self._next_id(), who, body, at, at, visibility, who, public)
        issue.comments.append(comment)
        issue.updated = max(issue.updated, at) if silent else self._later(issue, at)
        self._commented("comment_created", issue, comment, who, silent=silent)
        return comment

    def comment(self, key: str, comment_id: str) -> JiraComment:
        """Find a comment. Raises Refusal 404."""
        for comment in self.issue(key).comments:
            if comment.id == comment_id:
                return comment
        raise Refusal(404, f"Can not find a comment for the id: {comment_id}.")

    def edit_comment(self, key: str, comment_id: str, body: str, actor: Who = None) -> JiraComment:
        """Change the text of a comment."""
        issue, before = self.issue(key), self.comment(key, comment_id)
        who = self.user(actor) or before.author
        issue.updated = self._later(issue)
        check_text(body, "comment")
        comment = replace(before, body=body, updated=issue.updated, editor=who)
        issue.comments[issue.comments.index(before)] = comment
        self._commented("comment_updated", issue, comment, who)
        return comment

    def delete_comment(self, key: str, comment_id: str, actor: Who = None) -> None:
        """Delete a comment."""
        issue, comment = self.issue(key), self.comment(key, comment_id)
        issue.comments.remove(comment)
        issue.updated = self._later(issue)
        who = self.user(actor) or comment.author
        self._commented("comment_deleted", issue, comment, who)

    # Links, properties

    def links_of(self, issue: JiraIssue) -> Iterable[IssueLink]:
        """The links from and to an issue."""
        return self._links_of.get(issue.id, {}).values()

    def link(
        self, source: str, target: str, type: str = "Relates", *, silent: bool = False
    ) -> IssueLink:
        """Link two issues; the source has the outward end (`source blocks target`)."""
        one, other = self.issue(source), self.issue(target)
        kind = next((x for x in LINK_TYPES if x.name.casefold() == type.casefold()), None)
        if kind is None:
            raise Refusal(404, f"No issue link type with name '{type}' found.")
        made = IssueLink(self._next_id(), one.id, other.id, kind.name)
        self.links[made.id] = made
        for end in (one, other):
            self._links_of.setdefault(end.id, {})[made.id] = made
        if not silent:
            one.updated, other.updated = self._later(one), self._later(other)
            at = max(one.updated, other.updated)
            self.tell(Event("issuelink_created", at, link=made))
        return made

    def unlink(self, link_id: str) -> None:
        """Take a link between issues away."""
        gone = self.links.pop(link_id, None)
        if gone is None:
            raise Refusal(404, f"No issue link with id '{link_id}' exists.")
        ends = [self.index.by_id[end] for end in (gone.source, gone.target)]
        for end in ends:
            self._links_of[end.id].pop(link_id, None)
            end.updated = self._later(end)
        at = max(end.updated for end in ends)
        self.tell(Event("issuelink_deleted", at, link=gone))

    def add_remote_link(
        self,
        key: str,
        url: str,
        title: str,
        global_id: str | None = None,
        relationship: str | None = None,
        *,
        summary: str | None = None,
    ) -> tuple[RemoteLink, bool]:
        """Link a page; a known `global_id` replaces its link. Says whether it is new.

        JIRA sends no webhook for it, and the issue does not count as updated.
        """
        issue = self.issue(key)
        for place, link in enumerate(issue.remote_links):
            if global_id and link.global_id == global_id:
                changed = RemoteLink(link.id, url, title, global_id, relationship, summary)
                issue.remote_links[place] = changed
                return changed, False
        made = RemoteLink(int(self._next_id()), url, title, global_id, relationship, summary)
        issue.remote_links.append(made)
        return made, True

    def remove_remote_link(self, key: str, link_id: int) -> None:
        """Take a link to a page away. Raises Refusal 404."""
        links = self.issue(key).remote_links
        gone = next((link for link in links if link.id == link_id), None)
        if gone is None:
            raise Refusal(404, f"No remote link with id '{link_id}' exists.")
        links.remove(gone)

    def set_property(self, key: str, name: str, value: Any) -> None:
        """Set an entity property of an issue. Neither a changelog nor an event tells of it."""
        self.issue(key).properties[name] = value

    # Within

    def _commented(
        self,
        kind: str,
        issue: JiraIssue,
        comment: JiraComment,
        who: JiraUser,
        *,
        silent: bool = False,
    ) -> None:
        if not silent:
            self.tell(Event(kind, issue.updated, issue.snapshot(), who, comment=comment))
