"""The generated world as a value: its conventions, its people and customers, its three servers.

Names of projects, fields and labels are the defaults of the program's settings.
"""

import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sandbox.bugzilla.state import BugzillaState
from sandbox.jira.state import JiraState, JiraUser
from sandbox.portal.state import PortalState, SupportCase
from sandbox.vocabulary import Vocabulary

PROJECT: Final = "T5G"
BOARD: Final = "T5G field support"
SPRINT: Final = "T5G Sprint 12"
LAST_SPRINT: Final = "T5G Sprint 11"
LABEL: Final = "field-support"
ESCALATION_PROJECT: Final = "ESC"
ESCALATION_LABEL: Final = "t5g-escalation"
CASE_TAG: Final = "shift_telco5g"

CONTRIBUTORS: Final = "customfield_10466"
SEVERITY: Final = "customfield_10840"
QA_CONTACT: Final = "customfield_10470"
PRIVATE_KEYWORDS: Final = "customfield_11087"
ESCALATED_CASES: Final = "customfield_10979"
CASES_PROPERTY: Final = "sfdc-cases-links"

#: A status that no mapping of the program knows, in the workflow of the cards.
PARKED: Final = "Parked"
OPEN_STATUSES: Final = (
    "New", "To Do", "Open", "In Progress", "Code Review", "QE Review", "Blocked",
)  # fmt: skip
DONE_STATUSES: Final = ("Done", "Closed", "Won't Fix / Obsolete")
DEFECT_STATUSES: Final = ("New", "ASSIGNED", "POST", "MODIFIED", "ON_QA", "Verified", "Closed")
ESCALATION_STATUSES: Final = ("New", "In Progress", "Closed")
PRIORITY: Final = {1: "Critical", 2: "Major", 3: "Normal", 4: "Minor"}
VERSIONS: Final = ("4.12", "4.14", "4.16", "4.18", "4.19", "4.20")
OPENSHIFT: Final = "OpenShift Container Platform"
RHEL: Final = "Red Hat Enterprise Linux"


@dataclass(frozen=True, slots=True)
class Engineer:
    """Somebody of the team, the same person in JIRA and in Slack."""

    name: str
    email: str
    jira: JiraUser
    slack_id: str
    time_zone: str
    accounts: tuple[str, ...] = ()

    @property
    def handle(self) -> str:
        """The name in front of the address."""
        return self.email.partition("@")[0]


@dataclass(frozen=True, slots=True)
class Account:
    """A customer, with the people who open its cases."""

    name: str
    number: str
    contacts: tuple[str, ...]
    group: str = ""


@dataclass(slots=True, kw_only=True)
class World:
    """Everything there is. `cards` by case number; `escalations`: case numbers by issue key."""

    seed: int
    born: datetime
    rng: random.Random
    words: Vocabulary
    portal: PortalState
    jira: JiraState
    bugzilla: BugzillaState
    bugzilla_url: str
    engineers: list[Engineer] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    cards: dict[str, str] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)
    bugs: list[int] = field(default_factory=list)
    escalations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sprint: int = 0
    last_sprint: int = 0
    last_number: int = 0

    @property
    def lead(self) -> Engineer:
        """Who leads the team."""
        return self.engineers[0]

    def open_cases(self) -> list[SupportCase]:
        """All cases that are not closed."""
        return [case for case in self.portal.cases.values() if not case.is_closed]

    def next_number(self) -> str:
        """The number of the next case; numbers grow with time, with gaps."""
        self.last_number += self.rng.randint(1, 40)
        return f"{self.last_number:08d}"


def case_page(number: str) -> str:
    """Where people look at a case."""
    return f"https://access.redhat.com/support/cases/#/case/{number}"
