"""The service provider: python3-saml with the settings that make it strict.

The library checks signatures, wrapping and schema; what it lets through although it should not is
checked in `webhooks.saml.assertion`. Calls here block for some milliseconds of cryptography: run
them in a thread.
"""

from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from t5g.errors import RefusedError, SettingsError
from t5g.settings import Settings
from webhooks.saml.assertion import Assertion, Expected, Reading, check_plain, read_assertion

METADATA = "T5G_SAML_IDP_METADATA"


class LoginRefusedError(RefusedError):
    """The identity provider's answer is not accepted; the text is for the log, not for people."""


class LogoutAsked(Struct, frozen=True):
    """The identity provider ends the logins of a person; `answer` is where to send the browser."""

    person: str
    indexes: tuple[str, ...]
    answer: str


class Provider:
    """Speaks SAML for one installation."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.base_url
        self._config = configuration(settings)
        self._reading = Reading(
            email=tuple(settings.saml_email_attributes.split()),
            name=tuple(settings.saml_name_attributes.split()),
            groups=tuple(settings.saml_group_attributes.split()),
        )
        self._skew = settings.saml_skew_seconds
        self.settings = OneLogin_Saml2_Settings(self._config)

    @property
    def provider_origin(self) -> str:
        """Scheme and host of the identity provider's login page."""
        parts = urlsplit(self._config["idp"]["singleSignOnService"]["url"])
        return f"{parts.scheme}://{parts.netloc}"

    def metadata(self) -> bytes:
        """Return our metadata, for the identity provider's operator."""
        raw: bytes | str = self.settings.get_sp_metadata()
        return raw.encode() if isinstance(raw, str) else raw

    def login(self, relay_state: str) -> tuple[str, str]:
        """Return where to send a browser to log in, and the id of the request made for it."""
        auth = self._auth()
        url = auth.login(return_to=relay_state)
        return str(url), str(auth.get_last_request_id())

    def read_response(self, posted: dict[str, str], request_id: str, now: float) -> Assertion:
        """Return what a response says. Raises RefusedError for anything that is not right."""
        given = posted.get("SAMLResponse", "")
        check_plain(given)
        auth = self._auth(post_data={"SAMLResponse": given})
        try:
            auth.process_response(request_id=request_id)
        except Exception as error:  # the library raises its own, lxml's and defusedxml's
            raise LoginRefusedError(f"not readable: {type(error).__name__}") from error
        if auth.get_errors() or not auth.is_authenticated():
            raise LoginRefusedError(str(auth.get_last_error_reason() or auth.get_errors()))
        expected = Expected(
            issuer=self._config["idp"]["entityId"],
            audience=self._config["sp"]["entityId"],
            destination=self._config["sp"]["assertionConsumerService"]["url"],
            request=request_id,
            skew=self._skew,
        )
        return read_assertion(auth.get_last_response_xml(), expected, self._reading, now)

    def logout(self, person: str, index: str) -> str:
        """Return where to send a browser to end the login there too; "" if that is not offered."""
        auth = self._auth()
        if not auth.get_slo_url():
            return ""
        home = f"{self._base}/saml/logout"
        return str(auth.logout(return_to=home, name_id=person, session_index=index or None))

    def read_logout(self, asked: dict[str, str], query: str) -> LogoutAsked:
        """Read a logout that the identity provider began. Raises LoginRefusedError."""
        if not asked.get("Signature"):
            raise LoginRefusedError("the logout request is not signed")
        auth = self._auth(get_data=asked, query=query)
        try:
            url = auth.process_slo(keep_local_session=True)
            request = auth.get_last_request_xml()
            person = OneLogin_Saml2_Logout_Request.get_nameid(request)
            indexes = OneLogin_Saml2_Logout_Request.get_session_indexes(request)
        except Exception as error:
            reason = auth.get_last_error_reason() or f"not readable: {type(error).__name__}"
            raise LoginRefusedError(str(reason)) from error
        if auth.get_errors():
            raise LoginRefusedError(str(auth.get_last_error_reason() or auth.get_errors()))
        return LogoutAsked(str(person), tuple(map(str, indexes)), str(url))

    def _auth(
        self,
        *,
        get_data: dict[str, str] | None = None,
        post_data: dict[str, str] | None = None,
        query: str = "",
    ) -> Any:
        """Make the library's object for one request, with our own address, never the request's."""
        parts = urlsplit(self._base)
        script = "/saml/logout" if get_data else "/saml/acs"
        request = {
            "https": "on" if parts.scheme == "https" else "off",
            "http_host": parts.netloc,
            "script_name": parts.path.rstrip("/") + script,
            "get_data": get_data or {},
            "post_data": post_data or {},
            "query_string": query,
            "validate_signature_from_qs": bool(query),
        }
        return OneLogin_Saml2_Auth(request, self.settings)


def configuration(settings: Settings) -> dict[str, Any]:
    """Return the library's configuration. Raises SettingsError if the metadata is not usable."""
    base, key = settings.base_url, settings.saml_key.get_secret_value()
    return {
        "strict": True,
        "debug": False,
        "sp": {
            "entityId": settings.saml_entity_id or f"{base}/saml/metadata",
            "assertionConsumerService": {
                "url": f"{base}/saml/acs",
                "binding": Names.BINDING_HTTP_POST,
            },
            "singleLogoutService": {
                "url": f"{base}/saml/logout",
                "binding": Names.BINDING_HTTP_REDIRECT,
            },
            "NameIDFormat": Names.NAMEID_UNSPECIFIED,
            "x509cert": settings.saml_certificate,
            "x509certNew": settings.saml_next_certificate,
            "privateKey": key,
        },
        "idp": identity_provider(settings.saml_idp_metadata),
        "security": {
            "authnRequestsSigned": bool(key),
            "logoutRequestSigned": bool(key),
            "logoutResponseSigned": bool(key),
            "wantAssertionsSigned": True,
            "wantNameId": True,
            "requestedAuthnContext": False,
            "rejectDeprecatedAlgorithm": True,
            "allowRepeatAttributeName": True,
            "wantAttributeStatement": False,
            "signatureAlgorithm": Names.RSA_SHA256,
            "digestAlgorithm": Names.SHA256,
            # By default it ends after two days, and so would the logins of who imported a file.
            "metadataValidUntil": "",
            "metadataCacheDuration": "",
        },
    }


def identity_provider(metadata: str) -> dict[str, Any]:
    """Read the identity provider's metadata: who it is, where it is, what it signs with."""
    try:
        found: dict[str, Any] = OneLogin_Saml2_IdPMetadataParser.parse(metadata.encode())["idp"]
    except Exception as error:
        line = f"{METADATA}: not readable as SAML metadata ({type(error).__name__})"
        raise SettingsError([line]) from error
    for name, what in (("entityId", "entityID"), ("singleSignOnService", "SingleSignOnService")):
        if not found.get(name):
            raise SettingsError([f"{METADATA}: has no {what}"])
    if not found.get("x509cert") and not found.get("x509certMulti"):
        raise SettingsError([f"{METADATA}: has no signing certificate"])
    return found
