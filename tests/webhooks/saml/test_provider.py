"""The identity provider's metadata, and what follows from it."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from t5g.checks import run_checks
from t5g.errors import RefusedError, SettingsError
from t5g.settings import Settings, load_settings
from tests import wall_clock
from tests.webhooks.saml.forging import FORGERIES, LOGOUTS
from tests.webhooks.saml.identity import Claim, IdentityProvider, encoded
from webhooks.saml.provider import CurrentProvider, Provider, identity_provider, login_check

ROOT = Path(__file__).resolve().parents[3]

IDP = IdentityProvider()
NAMING = ("", "", "")
BASE = "https://page.test"
#: Reads every forgery; run as a process, to see what libraries print.
READ_ALL = """

from t5g.errors import RefusedError
from t5g.settings import load_settings
from tests import wall_clock
from tests.webhooks.logins import CERTIFICATE, KEY
from tests.webhooks.saml.forging import FORGERIES, LOGOUTS
from tests.webhooks.saml.identity import Claim, IdentityProvider, encoded
from webhooks.saml.provider import Provider

idp, base, refused = IdentityProvider(), "https://page.test", 0
now = wall_clock.seconds()
provider = Provider(load_settings(env={
    "public_url": base, "saml_idp_metadata": idp.metadata(), "saml_key": KEY,
    "saml_certificate": CERTIFICATE,
}))
for forge in FORGERIES.values():
    claim = Claim("_a", f"{base}/saml/acs", f"{base}/saml/metadata", certificate=CERTIFICATE)
    try:
        provider.read_response({"SAMLResponse": encoded(forge(idp, claim))}, "_a", now)
    except RefusedError:
        refused += 1
for forge in LOGOUTS.values():
    try:
        provider.read_logout(forge(idp, f"{base}/saml/logout").partition("?")[2], now)
    except RefusedError:
        refused += 1
print(refused)
"""


def provider(metadata: str) -> Provider:
    env = {"public_url": "https://page.test", "saml_idp_metadata": metadata}
    return Provider(load_settings(env=env))


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ("", "not readable as SAML metadata"),
        ("<a", "not readable as SAML metadata"),
        ("<a/>", "not readable as SAML metadata"),
        (IDP.metadata().replace(f' entityID="{IDP.entity}"', ""), "has no entityID"),
        (IDP.metadata(sso=False), "has no SingleSignOnService"),
        (IDP.metadata().replace("X509Certificate>", "Other>"), "has no signing certificate"),
    ],
)
def test_metadata_that_can_not_be_used_is_told_in_a_line(metadata: str, why: str) -> None:
    with pytest.raises(SettingsError) as raised:
        identity_provider(metadata)
    [line] = raised.value.lines
    assert line.startswith("T5G_SAML_IDP_METADATA: ")
    assert why in line


def test_logout_ends_here_where_the_identity_provider_offers_none() -> None:
    assert provider(IDP.metadata(slo=False)).logout("ann", NAMING, "_login-1") == ""


@pytest.mark.parametrize("index", ["_login-1", ""])
def test_logout_goes_to_the_identity_provider_that_offers_it(index: str) -> None:
    url = provider(IDP.metadata()).logout("ann", NAMING, index)
    assert url.startswith(f"{IDP.base}/slo?SAMLRequest=")


def test_libraries_print_nothing_of_what_was_sent_and_follow_nothing() -> None:
    """`file:///dev/zero` is among what the forgeries name: following it takes all memory."""

    def little_memory() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    done = subprocess.run(
        [sys.executable, "-c", READ_ALL], cwd=ROOT, capture_output=True, text=True, timeout=120,
        preexec_fn=little_memory, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == f"{len(FORGERIES) + len(LOGOUTS)}\n"


# The metadata file changes while a process runs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "idp.xml"
    path.write_text(IDP.metadata())
    return path


@pytest.fixture
def current(path: Path) -> CurrentProvider:
    env = {"public_url": BASE, "saml_idp_metadata": path.read_text()}
    return CurrentProvider(load_settings(env=env), path)


def logs_in(current: CurrentProvider, idp: IdentityProvider) -> bool:
    claim = Claim("_a", f"{BASE}/saml/acs", f"{BASE}/saml/metadata")
    posted = {"SAMLResponse": encoded(idp.response(claim))}
    try:
        current.read().read_response(posted, "_a", wall_clock.seconds())
    except RefusedError:
        return False
    return True


def test_withdrawn_certificate_opens_nothing_from_the_next_login_on(
    current: CurrentProvider, path: Path
) -> None:
    following = IdentityProvider()
    assert (logs_in(current, IDP), logs_in(current, following)) == (True, False)
    path.write_text(IDP.metadata(following.certificate))
    assert (logs_in(current, IDP), logs_in(current, following)) == (True, True)
    new = path.with_suffix(".new")
    new.write_text(following.metadata())
    new.replace(path)
    assert (logs_in(current, IDP), logs_in(current, following)) == (False, True)


@pytest.mark.parametrize("broken", ["", "<a", IDP.metadata()[:500], IDP.metadata(sso=False)])
def test_broken_metadata_keeps_the_last_good_one_and_is_told(
    current: CurrentProvider, path: Path, broken: str
) -> None:
    assert logs_in(current, IDP)
    assert current.trouble() == ""
    path.write_text(broken)
    assert logs_in(current, IDP)
    assert current.trouble().startswith("T5G_SAML_IDP_METADATA: ")
    assert current.trouble().endswith("; the last good one stays in use")
    path.write_text(IDP.metadata() + "\n")
    assert logs_in(current, IDP)
    assert current.trouble() == ""


@pytest.mark.parametrize("how", ["gone", "no text"])
def test_metadata_that_can_not_be_read_keeps_the_last_good_one(
    current: CurrentProvider, path: Path, how: str
) -> None:
    path.unlink() if how == "gone" else path.write_bytes(b"\xff")
    assert logs_in(current, IDP)
    assert current.trouble().startswith("T5G_SAML_IDP_METADATA_FILE: can not be read")


def test_forms_may_lead_to_where_the_provider_is_now(current: CurrentProvider, path: Path) -> None:
    assert current.origins() == (IDP.base,)
    moved = IDP.metadata().replace(f"{IDP.base}/slo", "https://elsewhere.test:8443/slo")
    path.write_text(moved)
    current.read()
    assert current.origins() == (IDP.base, "https://elsewhere.test:8443")
    path.write_text(IDP.metadata(slo=False))
    current.read()
    assert current.origins() == (IDP.base,)


async def test_check_says_whose_login_it_is(path: Path) -> None:
    async def told(settings: Settings) -> tuple[bool, str]:
        [result] = await run_checks([login_check(settings)])
        return result.ok, result.found

    assert await told(load_settings(env={})) == (True, "without a login, for this machine only")
    env = {"auth": "saml", "public_url": BASE, "saml_idp_metadata": IDP.metadata()}
    assert await told(load_settings(env=env)) == (True, f"{IDP.entity}, 1 certificate")
    ok, why = await told(load_settings(env={**env, "saml_idp_metadata": "<a"}))
    assert not ok
    assert "not readable as SAML metadata" in why
