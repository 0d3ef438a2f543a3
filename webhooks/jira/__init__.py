"""Receives the events of JIRA: `POST /webhooks/jira`."""
