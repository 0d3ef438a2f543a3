"""JIRA's two markups and HTML: wiki text (kept; v2, webhooks), ADF documents (v3), pages."""

from sandbox.jira.markup.documents import is_document, to_document
from sandbox.jira.markup.pages import to_html
from sandbox.jira.markup.wiki import to_wiki

__all__ = ["is_document", "to_document", "to_html", "to_wiki"]
