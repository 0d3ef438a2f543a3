"""The page where a person is someone of the workspace: reads, types, clicks.

Rendered on the server; a small script fetches fragments anew when the event stream says so.
"""
