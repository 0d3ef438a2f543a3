"""RQ jobs, the clients of Portal, JIRA and Bugzilla, the syncs and the schedule.

Nothing outside this package talks to Portal, JIRA or Bugzilla; nothing in it knows Slack or pages.
"""
