"""The identity provider's metadata, and what follows from it."""

import pytest

from t5g.errors import SettingsError
from t5g.settings import load_settings
from tests.webhooks.saml.identity import IdentityProvider
from webhooks.saml.provider import Provider, identity_provider

IDP = IdentityProvider()


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
    assert provider(IDP.metadata(slo=False)).logout("ann", "_login-1") == ""


@pytest.mark.parametrize("index", ["_login-1", ""])
def test_logout_goes_to_the_identity_provider_that_offers_it(index: str) -> None:
    assert provider(IDP.metadata()).logout("ann", index).startswith(f"{IDP.base}/slo?SAMLRequest=")
