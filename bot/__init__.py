"""Everything that speaks Slack: commands, views, buttons, digests.

It asks the board and the core; it never talks to Portal, JIRA or Bugzilla.
"""
