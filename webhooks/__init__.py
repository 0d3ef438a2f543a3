"""The aiohttp application: JIRA's events, the read-only pages, the JSON API, health and metrics.

It answers from the store and the board only; it never talks to Portal, JIRA or Bugzilla.
"""
