"""A small web page of the stand-in JIRA: the board, and cards to move and change by hand."""

from sandbox.jira.page.routes import Pages

__all__ = ["Pages"]
