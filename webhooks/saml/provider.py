"""The service provider: python3-saml for requests and signatures, and our own rules around it.

What comes is parsed and checked before the library sees it (`webhooks.saml.message`), and what it
says is read after (`webhooks.saml.assertion`, `webhooks.saml.logout`). Calls here block for some
milliseconds of cryptography: run them in a thread.
"""

import base64
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.xml_utils import OneLogin_Saml2_XML

from t5g.checks import Check
from t5g.errors import RefusedError, SettingsError, T5GError
from t5g.logs import logger
from t5g.settings import Settings
from webhooks.saml.assertion import Assertion, Expected, Reading, read_assertion
from webhooks.saml.decryption import decrypt
from webhooks.saml.logout import LogoutAsked, read_logout, read_query, unpack_request
from webhooks.saml.message import check_tree, parse, unpack_base64

log = logger(__name__)

METADATA = "T5G_SAML_IDP_METADATA"


class LoginRefusedError(RefusedError):
    """The identity provider's answer is not accepted; the text is for the log, not for people."""


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
    def origins(self) -> tuple[str, ...]:
        """Scheme and host of where the identity provider logs people in and out."""
        services = (self._config["idp"].get(f"single{x}Service") for x in ("SignOn", "Logout"))
        parts = [urlsplit(service["url"]) for service in services if service]
        return tuple(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))

    def metadata(self) -> bytes:
        """Return our metadata, for the identity provider's operator."""
        raw: bytes | str = self.settings.get_sp_metadata()
        return raw.encode() if isinstance(raw, str) else raw

    def login(self, relay_state: str) -> tuple[str, str]:
        """Return where to send a browser to log in, and the id of the request made for it."""
        auth = self._auth("/saml/acs")
        url = auth.login(return_to=relay_state)
        return str(url), str(auth.get_last_request_id())

    def read_response(self, posted: dict[str, str], request_id: str, now: float) -> Assertion:
        """Return what a response says. Raises RefusedError for anything that is not right."""
        response = parse(unpack_base64(posted.get("SAMLResponse", "")))
        decrypt(response, self.settings.get_sp_key() or "")
        check_tree(response)
        _check_schema(response)
        checked = base64.b64encode(etree.tostring(response)).decode()
        auth = self._auth("/saml/acs", post_data={"SAMLResponse": checked})
        try:
            auth.process_response(request_id=request_id)
        except Exception as error:  # the library raises its own, lxml's and defusedxml's
            raise LoginRefusedError(f"not readable: {type(error).__name__}") from error
        if auth.get_errors() or not auth.is_authenticated():
            raise LoginRefusedError(str(auth.get_last_error_reason() or auth.get_errors()))
        expected = self._expected("/saml/acs", request_id)
        return read_assertion(auth.get_last_response_xml(), expected, self._reading, now)

    def logout(self, person: str, naming: tuple[str, str, str], index: str) -> str:
        """Return where to send a browser to end the login there too; "" if that is not offered."""
        auth = self._auth("/saml/logout")
        if not auth.get_slo_url():
            return ""
        form, qualifier, ours = naming
        # The library puts the index into the XML as it is.
        return str(
            auth.logout(
                return_to=f"{self._base}/saml/logout", name_id=person, name_id_format=form or None,
                nq=qualifier or None, spnq=ours or None, session_index=escape(index) or None,
            )
        )  # fmt: skip

    def read_logout(self, raw_query: str, now: float) -> tuple[LogoutAsked, str]:
        """Read a logout that the identity provider asks for; return where to answer it, too.

        Raises RefusedError.
        """
        query = read_query(raw_query)
        request = unpack_request(query)
        _check_schema(request)
        asked = read_logout(request, self._expected("/saml/logout"), now)
        auth = self._auth("/saml/logout", get_data=query.values, query=query.text)
        try:
            url = auth.process_slo(keep_local_session=True)
        except Exception as error:
            raise LoginRefusedError(f"not readable: {type(error).__name__}") from error
        if auth.get_errors():
            raise LoginRefusedError(str(auth.get_last_error_reason() or auth.get_errors()))
        return asked, str(url)

    def _expected(self, path: str, request: str = "") -> Expected:
        return Expected(
            issuer=self._config["idp"]["entityId"],
            audience=self._config["sp"]["entityId"],
            destination=self._base + path,
            request=request,
            skew=self._skew,
        )

    def _auth(
        self,
        path: str,
        *,
        get_data: dict[str, str] | None = None,
        post_data: dict[str, str] | None = None,
        query: str = "",
    ) -> Any:
        """Make the library's object for one request, with our own address, never the request's."""
        parts = urlsplit(self._base)
        request = {
            "https": "on" if parts.scheme == "https" else "off",
            "http_host": parts.netloc,
            "script_name": parts.path.rstrip("/") + path,
            "get_data": get_data or {},
            "post_data": post_data or {},
            "query_string": query,
            "validate_signature_from_qs": bool(query),
        }
        return OneLogin_Saml2_Auth(request, self.settings)


class CurrentProvider:
    """The service provider by what the identity provider's metadata file says now.

    The file is read again when it changes: a certificate that was taken out of it opens nothing
    any more. A file that is broken is told, and the last good one stays.
    """

    def __init__(self, settings: Settings, path: Path | None = None) -> None:
        self._settings = settings
        self._path = path
        self._stamp = _stamp(path)
        self._provider = Provider(settings)
        self._trouble = ""

    def origins(self) -> tuple[str, ...]:
        """Return where the identity provider logs people in and out, as last read."""
        return self._provider.origins

    def trouble(self) -> str:
        """Return what is wrong with the file as it is now; "": nothing."""
        self.read()
        return self._trouble

    def read(self) -> Provider:
        """Return it. Reads a small file, if anything."""
        stamp = _stamp(self._path)
        if self._path is not None and stamp != self._stamp:
            self._stamp = stamp
            try:
                metadata = self._path.read_text(encoding="utf-8").strip()
                changed = self._settings.model_copy(update={"saml_idp_metadata": metadata})
                self._provider, self._trouble = Provider(changed), ""
                log.info("saml_metadata_read")
            except (OSError, UnicodeDecodeError) as error:
                self._broken(f"{METADATA}_FILE: can not be read ({type(error).__name__})")
            except SettingsError as error:
                self._broken("; ".join(error.lines))
        return self._provider

    def _broken(self, trouble: str) -> None:
        self._trouble = f"{trouble}; the last good one stays in use"
        log.warning("saml_metadata_unusable", reason=trouble)


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None


def login_check(settings: Settings) -> Check:
    """The identity provider's metadata can be used; as the file says now."""

    async def look() -> str:
        if settings.auth != "saml":
            return "without a login, for this machine only"
        try:
            found = identity_provider(settings.saml_idp_metadata)
        except SettingsError as error:
            raise T5GError("; ".join(error.lines)) from error
        count = len(certificates_of(found))
        return f"{found['entityId']}, {count} certificate{'s' if count > 1 else ''}"

    return "login", look, "Mend the file; processes that run go on with the last good one."


def _check_schema(message: Any) -> None:
    """Refuse elements where the schema of SAML has none."""
    if isinstance(OneLogin_Saml2_XML.validate_xml(message, "saml-schema-protocol-2.0.xsd"), str):
        raise LoginRefusedError("it does not match the schema of SAML")


def configuration(settings: Settings) -> dict[str, Any]:
    """Return the library's configuration. Raises SettingsError if the metadata is not usable."""
    base, key = settings.base_url, settings.saml_key.get_secret_value()
    return {
        # Strict rules of the library measure time by a clock without our skew; they stand, all of
        # them, in `webhooks.saml.assertion`, and are held there by tests without the library.
        "strict": False,
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
    if not certificates_of(found):
        raise SettingsError([f"{METADATA}: has no signing certificate"])
    return found


def certificates_of(provider: dict[str, Any]) -> list[str]:
    """Return the certificates that signatures of an identity provider are verified with."""
    several = provider.get("x509certMulti", {}).get("signing", [])
    return [*several] or [x for x in (provider.get("x509cert"),) if x]
