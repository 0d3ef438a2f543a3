"""The core that every process shares: what a case is, where it is kept, how it is asked for.

It knows nothing of Slack, of HTTP servers or of the upstreams: it imports nothing from bot/,
webhooks/, workers/ or sandbox/ (only the command line in t5g/cli/ may, being the front door).
"""

__version__ = "0.1.0"
