"""A stand-in Slack: Web API, signed requests, Socket Mode and a page where people click.

For demos and tests only. It speaks Slack's own protocol over real HTTP on loopback, so that the bot
has no idea. `create_slack_app` of `app.py` builds it; `rules/` is its validator of Slack's limits.
"""
