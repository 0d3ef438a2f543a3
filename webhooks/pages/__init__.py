"""The read-only pages: handlers ask the core, views say it in words, templates lay it out.

Nothing here changes a case, and nothing here waits for an upstream.
"""
