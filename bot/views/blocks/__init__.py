"""Answers as Slack messages in Block Kit, within Slack's limits at any size.

`render` gives a payload `{"text": …, "blocks": […]}`; `text` is for notifications.
Pure functions of values: the same answer gives the same message.
"""

from bot.answers import (
    Answer,
    CaseList,
    CaseView,
    DigestAnswer,
    Export,
    Help,
    Note,
    PlanList,
    Progress,
    Stats,
    SyncStatus,
    WatchList,
)
from bot.views.blocks.case import case_message
from bot.views.blocks.digest import digest_preview
from bot.views.blocks.help import help_message
from bot.views.blocks.lists import list_message
from bot.views.blocks.notes import export_message, note_message
from bot.views.blocks.parts import Payload
from bot.views.blocks.stats import stats_message
from bot.views.blocks.status import progress_message, status_message
from bot.views.blocks.watches import plans_message, watches_message
from t5g.settings import Settings

__all__ = ["Payload", "render"]


def render(answer: Answer, settings: Settings) -> Payload:
    """Render any answer."""
    match answer:
        case CaseList():
            return list_message(answer, settings)
        case CaseView():
            return case_message(answer, settings)
        case Help():
            return help_message(answer, settings)
        case DigestAnswer():
            return digest_preview(answer, settings)
        case SyncStatus():
            return status_message(answer)
        case Stats():
            return stats_message(answer, settings)
        case WatchList():
            return watches_message(answer)
        case PlanList():
            return plans_message(answer)
        case Export():
            return export_message(answer)
        case Progress():
            return progress_message(answer)
        case Note():
            return note_message(answer)
