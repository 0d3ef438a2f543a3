"""One question, one answer: the same for slash commands, mentions, messages and `t5g ask`.

Whatever goes wrong becomes a sentence: the person's mistake as it is, ours with a short id that is
also in the log.
"""

import asyncio
import secrets

import bot.commands  # noqa: F401 (registers all commands)
from bot.answers import Answer, Note
from bot.router import Asker, Context, Request, router
from t5g.errors import T5GError
from t5g.logs import bind, logger

log = logger(__name__)

#: Slack waits three seconds for an answer.
TIME_LIMIT = 2.5


async def answer(text: str, asker: Asker, context: Context, *, page: int = 1) -> Answer:
    """Answer what follows `/t5g`. Never raises; always within the time limit."""
    request_id = secrets.token_hex(4)
    with bind(request_id=request_id, asked=text[:80]):
        try:
            return await asyncio.wait_for(_answer(text, asker, context, page), TIME_LIMIT)
        except T5GError as error:
            if error.status >= 500:
                log.warning("ask.failed", error=str(error))
            return Note(text=str(error), failed=True)
        except TimeoutError:
            log.warning("ask.slow", limit=TIME_LIMIT)
            return Note(
                text="That took too long; the data store is slow right now. Try again in a moment.",
                failed=True,
                id=request_id,
            )
        except Exception:
            log.exception("ask.broken")
            return Note(
                text="Something went wrong on our side; it is in the log.",
                failed=True,
                id=request_id,
            )


async def _answer(text: str, asker: Asker, context: Context, page: int) -> Answer:
    name, _, rest = text.strip().partition(" ")
    command = router.find(name or "help")
    await context.board.refresh()
    request = Request(context=context, asker=asker, text=rest.strip(), page=page)
    return await command.handler(request)
