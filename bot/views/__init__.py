"""Answers rendered: Block Kit for Slack, text for terminals. Pure functions of values."""
