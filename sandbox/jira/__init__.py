"""A stand-in JIRA, Cloud or Data Center: REST v2 and v3, agile, signed webhooks, and a page.

`state.py` is what JIRA believes; everything else only speaks of it in JIRA's words.
"""
