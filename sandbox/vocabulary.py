"""What people of the generated world write: titles, descriptions, comments, and names.

Everything comes from the random generator that is passed in, so that a seed gives the same world.
"""

import random
from typing import Final

from faker import Faker

_COMPONENTS: Final = (
    "SR-IOV operator", "PTP operator", "ptp4l", "phc2sys", "Node Tuning Operator", "MetalLB",
    "OVN-Kubernetes", "MCO", "ztp policy", "TALM", "siteconfig operator", "kubelet", "CRI-O",
    "etcd", "cluster-version-operator", "image registry", "NMState", "LVMS", "Ironic", "RAN DU pod",
    "real-time kernel", "multus", "performance profile", "bond CNI", "assisted installer",
)  # fmt: skip
_PROBLEMS: Final = (
    "does not start after an upgrade", "loses packets under load", "is stuck in Progressing",
    "leaks memory until it is killed", "reports the wrong VF count", "crashes with SIGSEGV",
    "keeps restarting every few minutes", "ignores the configured MTU", "drops its BGP sessions",
    "takes more than ten minutes to become ready", "logs certificate errors",
    "can not pull images through the proxy", "shows latency spikes above 20 µs",
    "fails to drain the last worker", "loses clock synchronisation", "times out on webhooks",
)  # fmt: skip
_CIRCUMSTANCES: Final = (
    "", "", "", "on single node OpenShift", "after a power cycle of the site",
    "with 64 VFs on an E810", "since 4.16.12", "during an EUS-to-EUS upgrade",
    "behind a disconnected registry", "on 40 of 3,000 sites", "when the hub is unreachable",
    "with secure boot on", "after certificates were rotated",
)  # fmt: skip

#: Titles that break what was written for plain ones.
ODD_TITLES: Final = (
    "<script>alert('case')</script> in the title & \"quotes\"",
    "*bold* _italic_ ~struck~ `code` ```block``` in a title",
    "<!channel> everything is down, <@U12345678> please look",
    "🚨🔥 Production outage 🔥🚨 — all sites ☎️ down",
    "العقدة لا تستجيب بعد الترقية إلى 4.16",
    "הצומת אינו מגיב (node NotReady)",
    "ノードが起動しない：アップグレード後にカーネルパニック",
    "Grüße aus Köln: Überlastung der Knoten führt zu Abstürzen",
    "SELECT * FROM cases; DROP TABLE cases; -- and 100% CPU",
    'project = T5G AND summary ~ "x" OR case_number:* [a TO b] {{template}}',
    "Path C:\\temp\\new\\table & tabs\tinside and %s %d {0}",
    "a" * 180 + " and no blank for a long while",
    "https://example.com/<path>?q=1&r=2|looks like a link",
    "   leading and trailing blanks   ",
    "e\u0301 combining, zero\u200bwidth and \u202eright-to-left override",
)
#: Account names with what tables, queries and markup stumble over.
ODD_ACCOUNTS: Final = (
    "Ünïversal Télécom",
    'O\'Neill "Mobile" & Sons',
    "日本テレコム株式会社",
    "شركة الاتصالات",
    "Škoda Síťové služby, a.s.",
    "Łódź Łączność sp. z o.o.",
    "AT<T> *Networks* Inc.",
)
_CUSTOMER_COMMENTS: Final = (
    "Any news? Our maintenance window is tonight.", "We uploaded a new must-gather.",
    "It happened again at 03:12 UTC on two more sites.", "The workaround helps, thank you.",
    "Please raise the severity, this now affects production.", "When will the fix be released?",
    "We can not reproduce it in the lab.", "Merci, nous testons cela demain matin.",
)  # fmt: skip
_ASSOCIATE_COMMENTS: Final = (
    "Thank you, we are looking into it.", "Could you attach a must-gather and the PTP logs?",
    "Engineering has found the cause; a fix is being backported.", "Is this still happening?",
    "A test build is available, see the attached link.", "We suggest lowering the MTU to 8900.",
    "Handing over to the next region.", "This matches a known defect, we linked it.",
)  # fmt: skip
_CARD_COMMENTS: Final = (
    "Reproduced on my cluster.", "Waiting for the customer's logs.", "Backport is in review.",
    "Discussed in the daily, keep going.", "Asked the SBR for a second pair of eyes.",
    "Customer confirms the workaround.", "Needs a release note.", "Fix verified on 4.16.z nightly.",
    "{code}oc adm must-gather{code} is attached to the case.", "*Next step:* call on Thursday.",
)  # fmt: skip
_DEFECT_PROBLEMS: Final = (
    "panics on a nil profile", "does not retry after a conflict", "races with the daemon",
    "computes the wrong hugepage count", "misses the last netlink event",
    "keeps a stale lease", "does not honour the proxy", "parses firmware versions wrongly",
)  # fmt: skip
_TITLES: Final = ("Engineer", "Architect", "Operations lead", "Network engineer", "")


class Vocabulary:
    """Texts and names. Faker writes the long ones once; later ones are put together from them."""

    def __init__(self, seed: int) -> None:
        plain = Faker("en_US")
        plain.seed_instance(seed)
        people = Faker(["en_US", "de_DE", "fr_FR", "cs_CZ", "ja_JP", "es_ES"])
        people.seed_instance(seed)
        self.companies = [plain.unique.company() for _ in range(24)]
        self.people = [people.name() for _ in range(160)]
        self._paragraphs = [plain.paragraph(nb_sentences=5) for _ in range(120)]

    def summary(self, rng: random.Random) -> str:
        """A title of a case."""
        parts = (rng.choice(_COMPONENTS), rng.choice(_PROBLEMS), rng.choice(_CIRCUMSTANCES))
        return " ".join(part for part in parts if part)

    def description(self, rng: random.Random) -> str:
        """What a customer writes when opening a case."""
        texts = rng.sample(self._paragraphs, rng.randint(1, 3))
        return "\n\n".join(["What problem are you experiencing?", *texts])

    def long_description(self, rng: random.Random) -> str:
        """A description of about 30,000 characters, as when somebody pastes a log."""
        line = 'E1124 03:12:45.123456       1 reconciler.go:312] sync failed: <nil> & "timeout"\n'
        return self.description(rng) + "\n\n" + line * 380

    def defect_title(self, rng: random.Random) -> str:
        """A title of a defect or a bug."""
        return f"{rng.choice(_COMPONENTS)} {rng.choice(_DEFECT_PROBLEMS)}"

    def customer_comment(self, rng: random.Random) -> str:
        """What a customer answers."""
        return rng.choice(_CUSTOMER_COMMENTS)

    def associate_comment(self, rng: random.Random) -> str:
        """What we answer."""
        return rng.choice(_ASSOCIATE_COMMENTS)

    def card_comment(self, rng: random.Random) -> str:
        """What the team writes on a card."""
        return rng.choice(_CARD_COMMENTS)

    def person(self, rng: random.Random) -> str:
        """Somebody's name."""
        return rng.choice(self.people)

    def job_title(self, rng: random.Random) -> str:
        """What somebody at a customer does; may be empty."""
        return rng.choice(_TITLES)
