"""An identity provider for tests: signs real assertions, and answers logouts.

`python -m tests.webhooks.saml.identity PORT` runs it as a process of its own, with a login page on
which one is whom one likes; its metadata is at `/metadata`.
"""

import argparse
import base64
import secrets
import textwrap
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import xmlsec
from aiohttp import ClientSession, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from tests import wall_clock

ENTITY = "https://idp.test/metadata"
NAMESPACES = (
    'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
    'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
)
ANN: Mapping[str, Sequence[str]] = {
    "mail": ["ann@example.com"],
    "displayName": ["Ann Müller"],
    "memberOf": ["everybody", "t5g-engineers"],
}


def make_key() -> tuple[str, str]:
    """Make a private key and its certificate, both as PEM."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.test")])
    now = wall_clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def bare(pem: str) -> str:
    """The certificate as it stands in XML."""
    return "".join(pem.strip().splitlines()[1:-1])


def moment(shift: float = 0) -> str:
    """The moment so many seconds from now, as SAML writes it."""
    return (wall_clock.now() + timedelta(seconds=shift)).strftime("%Y-%m-%dT%H:%M:%SZ")


def encoded(xml: str) -> str:
    """A response as it is posted."""
    return base64.b64encode(xml.encode()).decode()


def read_request(url: str) -> tuple[Any, str]:
    """Read where a browser was sent: the AuthnRequest (or LogoutRequest) and the RelayState."""
    query = parse_qs(urlsplit(url).query)
    raw = (query.get("SAMLRequest") or query["SAMLResponse"])[0]
    xml = zlib.decompress(base64.b64decode(raw), -15)
    return etree.fromstring(xml), query.get("RelayState", [""])[0]


@dataclass
class Claim:
    """What an assertion says. Defaults are good; tests break one thing each."""

    request: str
    acs: str
    audience: str | None
    person: str = "ann"
    destination: str | None = ""
    recipient: str = ""
    response_request: str | None = ""
    issuer: str = ENTITY
    attributes: Mapping[str, Sequence[str]] = field(default_factory=lambda: dict(ANN))
    not_before: float = -5
    until: float | None = 300
    confirmed_until: float | None = 300
    session_until: float | None = None
    status: str = Names.STATUS_SUCCESS
    name_id: str = ""
    index: str = "_login-1"
    id: str = ""
    name_attributes: str = ""
    certificate: str = ""


@dataclass
class Logout:
    """What the request of a logout says. Defaults are good; tests break one thing each."""

    sp: str
    person: str = "ann"
    index: str = ""
    issuer: str | None = ENTITY
    destination: str | None = ""
    made: float = 0
    until: float | None = 300
    id: str = ""
    name: str = ""

    def xml(self) -> str:
        """The request, without a signature."""
        destination = self.sp if self.destination == "" else self.destination
        return (
            f'<samlp:LogoutRequest {NAMESPACES} ID="{self.id or new_id()}" Version="2.0" '
            f'IssueInstant="{moment(self.made)}"'
            + (f' Destination="{destination}"' if destination is not None else "")
            + (f' NotOnOrAfter="{moment(self.until)}"' if self.until is not None else "")
            + ">"
            + (f"<saml:Issuer>{self.issuer}</saml:Issuer>" if self.issuer is not None else "")
            + (self.name or f"<saml:NameID>{self.person}</saml:NameID>")
            + (f"<samlp:SessionIndex>{self.index}</samlp:SessionIndex>" if self.index else "")
            + "</samlp:LogoutRequest>"
        )


@dataclass
class Encryption:
    """How something is encrypted. Defaults are good; tests break one thing each."""

    certificate: str
    cipher: str = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
    transport: str = "http://www.w3.org/2009/xmlenc11#rsa-oaep"
    digest: str = "http://www.w3.org/2001/04/xmlenc#sha256"
    mask: str = "http://www.w3.org/2009/xmlenc11#mgf1sha256"
    key_bytes: int = 32

    def of(self, text: str) -> str:
        """The EncryptedData of a text, with its key inside."""
        key = secrets.token_bytes(self.key_bytes)
        if self.cipher.endswith("cbc"):
            start = secrets.token_bytes(16)
            short = 16 - len(text.encode()) % 16
            padded = text.encode() + bytes(short - 1) + bytes([short])
            encryptor = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
            sealed = start + encryptor.update(padded) + encryptor.finalize()
        else:
            start = secrets.token_bytes(12)
            sealed = start + AESGCM(key).encrypt(start, text.encode(), None)
        public = x509.load_pem_x509_certificate(self.certificate.encode()).public_key()
        assert isinstance(public, rsa.RSAPublicKey)
        wrapped = public.encrypt(key, self._padding())
        digest = f'<ds:DigestMethod Algorithm="{self.digest}"/>' if self.digest else ""
        mask = f'<xenc11:MGF Algorithm="{self.mask}"/>' if self.mask else ""
        return (
            '<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" '
            'xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" '
            'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" '
            'Type="http://www.w3.org/2001/04/xmlenc#Element">'
            f'<xenc:EncryptionMethod Algorithm="{self.cipher}"/><ds:KeyInfo><xenc:EncryptedKey>'
            f'<xenc:EncryptionMethod Algorithm="{self.transport}">{digest}{mask}'
            f"</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{_base64(wrapped)}"
            "</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>"
            f"<xenc:CipherData><xenc:CipherValue>{_base64(sealed)}</xenc:CipherValue>"
            "</xenc:CipherData></xenc:EncryptedData>"
        )

    def _padding(self) -> padding.AsymmetricPadding:
        if self.transport.endswith("rsa-1_5"):
            return padding.PKCS1v15()
        known = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha512": hashes.SHA512()}
        digest = known.get(self.digest.rpartition("#")[2], hashes.SHA1())
        mask = known.get(self.mask.rpartition("mgf1")[2], hashes.SHA1())
        return padding.OAEP(padding.MGF1(mask), digest, None)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


class IdentityProvider:
    """Signs and forges."""

    def __init__(self, base: str = "https://idp.test") -> None:
        self.key, self.certificate = make_key()
        self.base = base
        self.entity = ENTITY

    def metadata(self, *more: str, sso: bool = True, slo: bool = True) -> str:
        """Its metadata; `more`: further certificates, for a roll-over."""
        keys = "".join(
            '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">'
            f"<X509Data><X509Certificate>{bare(pem)}</X509Certificate></X509Data></KeyInfo>"
            "</KeyDescriptor>"
            for pem in (self.certificate, *more)
        )
        binding = Names.BINDING_HTTP_REDIRECT
        logout = f'<SingleLogoutService Binding="{binding}" Location="{self.base}/slo"/>'
        login = f'<SingleSignOnService Binding="{binding}" Location="{self.base}/sso"/>'
        return (
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" '
            f'entityID="{self.entity}"><IDPSSODescriptor protocolSupportEnumeration='
            f'"urn:oasis:names:tc:SAML:2.0:protocol">{keys}{logout if slo else ""}'
            f"{login if sso else ''}</IDPSSODescriptor></EntityDescriptor>"
        )

    def assertion(self, claim: Claim, identity: str = "") -> str:
        """An assertion without a signature."""
        begin, end = moment(claim.not_before), claim.until
        over = f' NotOnOrAfter="{moment(end)}"' if end is not None else ""
        confirmed = claim.confirmed_until
        confirmed_over = f' NotOnOrAfter="{moment(confirmed)}"' if confirmed is not None else ""
        audience = (
            f"<saml:AudienceRestriction><saml:Audience>{claim.audience}</saml:Audience>"
            "</saml:AudienceRestriction>"
            if claim.audience is not None
            else ""
        )
        session = (
            f' SessionNotOnOrAfter="{moment(claim.session_until)}"'
            if claim.session_until is not None
            else ""
        )
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{escape(x)}</saml:AttributeValue>" for x in values)
            + "</saml:Attribute>"
            for name, values in claim.attributes.items()
        )
        return (
            f'<saml:Assertion {NAMESPACES} ID="{identity or claim.id or new_id()}" Version="2.0" '
            f'IssueInstant="{moment()}"><saml:Issuer>{claim.issuer}</saml:Issuer><saml:Subject>'
            f"<saml:NameID{claim.name_attributes}>{claim.name_id or claim.person}</saml:NameID>"
            f'<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData{confirmed_over} InResponseTo="{claim.request}" '
            f'Recipient="{claim.recipient or claim.acs}"/></saml:SubjectConfirmation>'
            "</saml:Subject>"
            f'<saml:Conditions NotBefore="{begin}"{over}>{audience}</saml:Conditions>'
            f'<saml:AuthnStatement AuthnInstant="{moment()}" SessionIndex="{claim.index}"{session}>'
            "<saml:AuthnContext><saml:AuthnContextClassRef>"
            "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
            "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
            + (
                f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>"
                if attributes
                else ""
            )
            + "</saml:Assertion>"
        )

    def envelope(self, claim: Claim, *assertions: str) -> str:
        """A response around assertions."""
        destination = claim.acs if claim.destination == "" else claim.destination
        request = claim.request if claim.response_request == "" else claim.response_request
        return (
            f'<samlp:Response {NAMESPACES} ID="{new_id()}" Version="2.0" '
            f'IssueInstant="{moment()}"'
            + (f' Destination="{destination}"' if destination is not None else "")
            + (f' InResponseTo="{request}"' if request is not None else "")
            + f"><saml:Issuer>{claim.issuer}</saml:Issuer><samlp:Status>"
            f'<samlp:StatusCode Value="{claim.status}"/></samlp:Status>'
            + "".join(assertions)
            + "</samlp:Response>"
        )

    def sign(self, xml: str, *, sha1: bool = False, key: str = "", certificate: str = "") -> str:
        """Sign the root of `xml`."""
        algorithms = (Names.RSA_SHA1, Names.SHA1) if sha1 else (Names.RSA_SHA256, Names.SHA256)
        signed = OneLogin_Saml2_Utils.add_sign(
            xml, key or self.key, certificate or self.certificate, False, *algorithms
        )
        return signed.decode() if isinstance(signed, bytes) else signed

    def response(self, claim: Claim) -> str:
        """A good response: the assertion is signed."""
        return self.envelope(claim, self.sign(self.assertion(claim)))

    def encrypted(self, claim: Claim, **how: Any) -> str:
        """A good response: the assertion is signed, then encrypted for the service provider."""
        sealed = Encryption(claim.certificate, **how).of(self.sign(self.assertion(claim)))
        return self.envelope(claim, f"<saml:EncryptedAssertion>{sealed}</saml:EncryptedAssertion>")

    def logout_url(self, sp: str, person: str, index: str = "", *, signed: bool = True) -> str:
        """Where to send a browser to log out from here, by redirect."""
        asked = Logout(sp, person, index, issuer=self.entity)
        return self.redirect(sp, "SAMLRequest", asked.xml(), signed=signed)

    def logout_answer_url(self, sp: str, request: str) -> str:
        """Where to send a browser back to after a logout that the service provider began."""
        xml = (
            f'<samlp:LogoutResponse {NAMESPACES} ID="{new_id()}" Version="2.0" '
            f'IssueInstant="{moment()}" Destination="{sp}" InResponseTo="{request}">'
            f"<saml:Issuer>{self.entity}</saml:Issuer><samlp:Status>"
            f'<samlp:StatusCode Value="{Names.STATUS_SUCCESS}"/></samlp:Status>'
            "</samlp:LogoutResponse>"
        )
        return self.redirect(sp, "SAMLResponse", xml, signed=True)

    def redirect(
        self, to: str, name: str, xml: str | bytes, *, signed: bool = True, sha1: bool = False
    ) -> str:
        """Where to send a browser with a message."""
        packed = zlib.compress(xml.encode() if isinstance(xml, str) else xml)[2:-4]
        query = {name: base64.b64encode(packed).decode(), "RelayState": "x"}
        if not signed:
            return f"{to}?{urlencode(query)}"
        query["SigAlg"] = Names.RSA_SHA1 if sha1 else Names.RSA_SHA256
        text = urlencode(query)
        algorithm = xmlsec.Transform.RSA_SHA1 if sha1 else xmlsec.Transform.RSA_SHA256
        signature = OneLogin_Saml2_Utils.sign_binary(text, self.key, algorithm)
        query["Signature"] = base64.b64encode(signature).decode()
        return f"{to}?{urlencode(query)}"


def new_id() -> str:
    """An id as XML wants it."""
    return "_" + secrets.token_hex(16)


PEOPLE: Mapping[str, Mapping[str, Sequence[str]]] = {
    "ann": ANN,
    "boss": {"mail": ["boss@example.com"], "displayName": ["The Boss"]},
    "eve": {"mail": ["eve@example.com"], "displayName": ["Eve"], "memberOf": ["everybody"]},
}


def make_server(base: str) -> web.Application:
    """Serve a login page on which one is whom one likes, and logout both ways.

    `/sso?…&forge=NAME` answers at once with that forgery of Ann's login.
    """
    from tests.webhooks.saml.forging import FORGERIES

    idp = IdentityProvider(base)

    async def metadata(_: web.Request) -> web.Response:
        return web.Response(text=idp.metadata(), content_type="application/samlmetadata+xml")

    async def sso(request: web.Request) -> web.Response:
        asked, relay = read_request(str(request.url))
        acs = asked.get("AssertionConsumerServiceURL")
        audience = asked.findtext("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer")
        answers = {}
        for person, attributes in PEOPLE.items():
            claim = Claim(asked.get("ID"), acs, audience, person, attributes=attributes)
            answers[person] = idp.response(claim)
        if name := request.query.get("forge"):
            claim = Claim(asked.get("ID"), acs, audience, certificate=await certificate(audience))
            answers = {"ann": FORGERIES[name](idp, claim)}
        forms = "".join(_form(acs, relay, person, xml) for person, xml in answers.items())
        return _page(f"<h1>Log in</h1>{forms}")

    async def certificate(metadata: str) -> str:
        """The service provider's own, by its metadata."""
        async with ClientSession() as client, client.get(metadata) as response:
            told = etree.fromstring(await response.read())
        bare = told.findtext(".//{http://www.w3.org/2000/09/xmldsig#}X509Certificate")
        lines = "\n".join(textwrap.wrap("".join(bare.split()), 64))
        return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"

    async def slo(request: web.Request) -> web.Response:
        if "SAMLRequest" not in request.query:
            return _page("<h1>Logged out at the provider</h1>")
        asked, _ = read_request(str(request.url))
        issuer = asked.findtext("{urn:oasis:names:tc:SAML:2.0:assertion}Issuer")
        home = issuer.replace("/saml/metadata", "/saml/logout")
        return _redirect(idp.logout_answer_url(home, asked.get("ID")))

    async def end(request: web.Request) -> web.Response:
        return _redirect(idp.logout_url(request.query["sp"], request.query["person"]))

    app = web.Application()
    app.router.add_get("/metadata", metadata)
    app.router.add_get("/sso", sso)
    app.router.add_get("/slo", slo)
    app.router.add_get("/end", end)
    return app


def _redirect(url: str) -> web.Response:
    """Not by aiohttp's exception: it writes addresses anew, and what is signed is their text."""
    return web.Response(status=302, headers={"Location": url})


def _form(acs: str, relay: str, person: str, xml: str) -> str:
    fields = {"SAMLResponse": encoded(xml), "RelayState": relay}
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in fields.items()
    )
    return (
        f'<form method="post" action="{escape(acs)}">{inputs}'
        f"<button>Log in as {person}</button></form>"
    )


def _page(text: str) -> web.Response:
    page = f'<!doctype html><html lang="en"><title>Provider</title>{text}</html>'
    return web.Response(text=page, content_type="text/html")


def main() -> None:
    """Serve on a port of loopback until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    port = parser.parse_args().port
    base = f"http://127.0.0.1:{port}"
    web.run_app(make_server(base), host="127.0.0.1", port=port, print=None)


if __name__ == "__main__":
    main()
