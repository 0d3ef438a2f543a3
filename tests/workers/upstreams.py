"""A small world on the sandbox's own servers, for tests of the workers: real HTTP on loopback.

`Upstreams.start` serves Portal, JIRA and Bugzilla over states that a test fills and breaks.
"""

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.bugzilla.app import SERVER_LIMITS, bugzilla_faults, create_bugzilla_app
from sandbox.bugzilla.state import BugzillaState
from sandbox.faults import Faults
from sandbox.jira.app import DOOR, TOKEN, USER, create_jira_app
from sandbox.jira.state import JiraState
from sandbox.jira.webhooks import Webhooks
from sandbox.portal.app import create_portal_app, portal_faults
from sandbox.portal.state import LinkedBug, LinkedJira, PortalState
from sandbox.sso import OFFLINE_TOKEN, TOKEN_PATH, Sso
from t5g.settings import Settings, load_settings
from tests.wall_clock import ago

CASE_LINK = "https://access.redhat.com/support/cases/#/case/{number}"
LABEL = "field-support"


class Upstreams:
    """Portal, JIRA and Bugzilla as servers."""

    def __init__(self, *, cloud: bool = True) -> None:
        self.sso = Sso()
        self.portal = PortalState()
        self.portal_faults = portal_faults(self.sso)
        self.jira = JiraState(cloud=cloud)
        self.jira_faults = Faults()
        self.bugzilla = BugzillaState()
        self.bugzilla_faults = bugzilla_faults()
        self._servers: list[TestServer] = []
        self._people()

    async def start(self) -> None:
        """Serve all on free ports of loopback."""
        self.webhooks = webhooks = Webhooks(self.jira)
        self.portal_url = await self._serve(
            create_portal_app(self.portal, sso=self.sso, faults=self.portal_faults)
        )
        jira = create_jira_app(self.jira, faults=self.jira_faults, webhooks=webhooks)
        self.jira_door = jira[DOOR]
        self.jira_url = await self._serve(jira)
        self.jira.base_url = self.jira_url
        bugzilla = create_bugzilla_app(self.bugzilla, faults=self.bugzilla_faults)
        # The package takes any address with this name in it for Red Hat's own.
        bugzilla.add_subapp("/bugzilla.redhat.com", create_bugzilla_app(self.bugzilla))
        self.bugzilla_url = await self._serve(bugzilla, **SERVER_LIMITS)

    async def stop(self) -> None:
        """Stop all servers."""
        for server in self._servers:
            await server.close()

    def settings(self, redis_url: str, **more: Any) -> Settings:
        """Settings that lead to these servers; impatient ones."""
        env = {
            "redis_url": redis_url,
            "sso_url": f"{self.portal_url}{TOKEN_PATH}",
            "portal_url": f"{self.portal_url}/graphql",
            "portal_rest_url": f"{self.portal_url}/hydra/rest",
            "portal_offline_token": OFFLINE_TOKEN,
            "jira_url": self.jira_url,
            "jira_user": USER if self.jira.cloud else "",
            "jira_token": TOKEN,
            "bugzilla_url": self.bugzilla_url,
            "bugzilla_api_key": self.bugzilla.api_key,
            "upstream_backoff": 0.01,
            "upstream_timeout": 5,
        }
        return load_settings(env={**env, **more})

    def expire_jira_token(self) -> None:
        """Let JIRA's token be too old: Cloud takes us for nobody, Data Center refuses."""
        self.jira_door.expired.add(TOKEN)

    def requests(self) -> int:
        """Requests that came to all servers."""
        faults = (self.portal_faults, self.jira_faults, self.bugzilla_faults)
        return sum(one.total for one in faults)

    def reset_requests(self) -> None:
        """Count from nought."""
        for one in (self.portal_faults, self.jira_faults, self.bugzilla_faults):
            one.reset_requests()

    def clear_faults(self) -> None:
        """Everything works again."""
        for one in (self.portal_faults, self.jira_faults, self.bugzilla_faults):
            one.clear()

    def add_cases(self, count: int, first: int = 1, **facts: Any) -> list[str]:
        """Open some cases; return their numbers."""
        numbers = [f"{first + index:08d}" for index in range(count)]
        for index, number in enumerate(numbers):
            self.add_case(number, **{"created": ago(days=1 + index % 300), **facts})
        return numbers

    def add_case(self, number: str, **facts: Any) -> None:
        """Open one case of ours."""
        defaults: dict[str, Any] = {
            "account_name": "ACME & Sons",
            "account_number": "1234567",
            "summary": f"Node <worker> of {number} not ready",
            "owner": "Anna",
            "tags": ["shift_telco5g"],
            "version": "4.16",
        }
        self.portal.add_case(number, **{**defaults, **facts})

    def add_card(self, number: str, summary: str | None = None, **facts: Any) -> str:
        """Make a card for a case; return its key."""
        summary = f"{number}: a card" if summary is None else summary
        defaults: dict[str, Any] = {"labels": [LABEL], "status": "Open", "silent": True}
        return self.jira.create_issue("T5G", summary, **{**defaults, **facts}).key

    def add_issue(self, *numbers: str, **facts: Any) -> str:
        """Make a defect and link it to cases; return its key."""
        key = self.jira.create_issue("OCPBUGS", "it breaks", type="Bug", silent=True, **facts).key
        for number in numbers:
            self.portal.cases[number].jiras.append(LinkedJira(key, f"{self.jira_url}/browse/{key}"))
            self.portal.revision += 1
        return key

    def add_bug(self, bug_id: int, *numbers: str, **facts: Any) -> int:
        """Make a bug and link it to cases."""
        self.bugzilla.add_bug(bug_id, **{"summary": f"bug {bug_id}", **facts})
        self.link_bug(bug_id, *numbers)
        return bug_id

    def link_bug(self, bug_id: int, *numbers: str) -> None:
        """Link a bug, there or not, to cases."""
        for number in numbers:
            link = LinkedBug(bug_id, f"{self.bugzilla_url}/show_bug.cgi?id={bug_id}")
            self.portal.cases[number].bugzillas.append(link)
            self.portal.revision += 1

    def add_escalation(self, value: Any, **facts: Any) -> str:
        """File an escalation whose field has `value`; return its key."""
        custom = {"customfield_10979": value}
        defaults: dict[str, Any] = {"labels": ["t5g-escalation"], "silent": True}
        found = self.jira.create_issue("ESC", "please help", custom=custom, **{**defaults, **facts})
        return found.key

    async def _serve(self, app: web.Application, **limits: Any) -> str:
        server = TestServer(app)
        await server.start_server(**limits)
        self._servers.append(server)
        return str(server.make_url("")).rstrip("/")

    def _people(self) -> None:
        self.anna = self.jira.add_user("Anna Příkladová", "anna@example.com")
        self.jira.add_project("T5G", "T5G field support")
        self.jira.add_project("OCPBUGS", "OpenShift bugs")
        self.jira.add_project("ESC", "Escalations")
        board = self.jira.add_board("T5G field support", "T5G")
        self.sprint = self.jira.add_sprint(board, "T5G Sprint 12")
