"""The Web API: every method the bot calls, at `/api/METHOD`, with Slack's answers and errors.

`call.py` is what a method sees, `door.py` checks token, scope and rate, the rest are the methods.
"""

from sandbox.slack.web_api.chat import chat
from sandbox.slack.web_api.conversations import conversations
from sandbox.slack.web_api.door import web_api_handler
from sandbox.slack.web_api.files import files
from sandbox.slack.web_api.people import people
from sandbox.slack.web_api.views import views

METHODS = chat + views + people + conversations + files

__all__ = ["METHODS", "web_api_handler"]
