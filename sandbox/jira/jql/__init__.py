"""A small real JQL: syntax, fields, dates, text search, order and pages; the rest is JIRA's 400."""

from sandbox.jira.jql.search import Cursor, Found, Searcher, matches

__all__ = ["Cursor", "Found", "Searcher", "matches"]
