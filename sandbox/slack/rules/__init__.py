"""Slack's rules for messages, modals, home tabs and link previews, as a validator.

The Web API stand-in refuses with it what Slack refuses, and the bot's tests hold every view to it.
It is pure: a payload in, a list of `Violation`s out. `Violation.refused` is False for what Slack
takes but shows wrongly (unescaped `<` and `&`, a text it cuts, options one can not tell apart).

| what | limit |
| --- | --- |
| blocks | message 50, home and modal 100; a message's blocks together 13,200 (measured) |
| section | text 3,000, fields 10 x 2,000 |
| header, context, actions | 150 plain; 10 elements; 25 elements with differing action_ids |
| button | text 75, value 2,000, url http(s) and 3,000 |
| options | text 75, value 150, 100 a menu, 5 an overflow, 10 checkboxes or radio buttons |
| confirm | title 100, text 300, buttons 30 |
| image | url 3,000, alt text 2,000, title 2,000 |
| markdown, table | 12,000 over all; one a message, 100 rows x 20 cells, 10,000 characters |
| ids | 255; block_ids differ within a message or view |
| view | title, submit and close 24, private_metadata 3,000, 250 kB |
"""

from sandbox.slack.rules.blocks import Surface, elements_of
from sandbox.slack.rules.mrkdwn import Kind, Sequence, escape, sequences, slack_length, unescape
from sandbox.slack.rules.surfaces import (
    MESSAGE_CEILING,
    active_markup,
    message_weight,
    validate_message,
    validate_unfurls,
    validate_update,
    validate_view,
)
from sandbox.slack.rules.violation import Violation

__all__ = [
    "MESSAGE_CEILING",
    "Kind",
    "Sequence",
    "Surface",
    "Violation",
    "active_markup",
    "elements_of",
    "escape",
    "message_weight",
    "sequences",
    "slack_length",
    "unescape",
    "validate_message",
    "validate_unfurls",
    "validate_update",
    "validate_view",
]
