"""What `t5g check` looks at in Slack."""

from slack_sdk.errors import SlackApiError, SlackClientError

from bot.context import create_client
from bot.refusals import refusal
from t5g.checks import Check
from t5g.errors import UpstreamError
from t5g.settings import Settings


def slack_checks(settings: Settings) -> list[Check]:
    """The bot token works, and names the workspace it is for."""

    async def look() -> str:
        try:
            found = await create_client(settings).auth_test()
        except SlackApiError as error:
            raise UpstreamError("slack", refusal(error).why) from None
        except SlackClientError as error:
            raise UpstreamError("slack", type(error).__name__) from None
        return f"{found.get('user')} in {found.get('team')}"

    hint = "Look at T5G_SLACK_BOT_TOKEN (the app may have to be installed again) and at the proxy."
    return [("slack", look, hint)]
