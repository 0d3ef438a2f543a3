"""JIRA's REST API: handlers from a call to an answer, without I/O; a router for each concern."""
