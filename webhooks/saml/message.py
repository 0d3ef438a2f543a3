"""Parses what comes from outside, once, and refuses what libraries would follow or read otherwise.

Signatures and encryption name places to fetch from, keys and algorithms, and libraries act on them
before anything is trusted. So the tree is checked here first, and only what was checked goes on.
"""

import base64
import re
from typing import Any

from lxml import etree

from t5g.errors import RefusedError

NAMES = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
    "xenc11": "http://www.w3.org/2009/xmlenc11#",
}
MOST_ELEMENTS = 10_000
#: One of the response, one of the assertion.
MOST_SIGNATURES = 2

_DECLARATION = re.compile(
    r"""<\?xml\s+version\s*=\s*(["'])1\.0\1(\s+encoding\s*=\s*(["'])utf-8\3)?"""
    r"""(\s+standalone\s*=\s*(["'])(yes|no)\5)?\s*\?>""",
    re.IGNORECASE,
)
_BLANK = " \t\r\n"
_NO_BLANKS = str.maketrans("", "", _BLANK)

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_CANONICAL = {EXCLUSIVE, f"{EXCLUSIVE}WithComments"}
#: SAML core 2.0, 5.4.4: no other transforms than these.
_TRANSFORMS = _CANONICAL | {"http://www.w3.org/2000/09/xmldsig#enveloped-signature"}
_CANONICAL_OF_INFO = _CANONICAL | {"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"}
_DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
}
RSA_SIGNATURES = {
    f"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{bits}" for bits in (256, 384, 512)
}
_SIGNATURES = (
    RSA_SIGNATURES
    | {f"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha{bits}" for bits in (256, 384, 512)}
    | {f"http://www.w3.org/2007/05/xmldsig-more#sha{bits}-rsa-MGF1" for bits in (256, 384, 512)}
)
#: What stands in a signature; no Object, no Manifest, nothing that says where a key could be had.
_PARTS_OF_SIGNATURE = {
    f"{{{NAMES['ds']}}}{name}"
    for name in (
        "Signature", "SignedInfo", "CanonicalizationMethod", "SignatureMethod", "Reference",
        "Transforms", "Transform", "DigestMethod", "DigestValue", "SignatureValue", "KeyInfo",
        "KeyName", "KeyValue", "RSAKeyValue", "Modulus", "Exponent", "X509Data", "X509Certificate",
        "X509SubjectName", "X509IssuerSerial", "X509IssuerName", "X509SerialNumber", "X509SKI",
    )
}  # fmt: skip
_SIGNED = {f"{{{NAMES['samlp']}}}Response", f"{{{NAMES['saml']}}}Assertion"}
_IDS = ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id")


class MessageRefusedError(RefusedError):
    """What was sent is no message that is safe to read."""


def unpack_base64(text: str) -> bytes:
    """Return what `text` holds; it may be broken into lines. Raises MessageRefusedError."""
    try:
        return base64.b64decode(text.translate(_NO_BLANKS), validate=True)
    except ValueError as error:
        raise MessageRefusedError("it is no base64") from error


def parse(raw: bytes, around: dict[str | None, str] | None = None) -> Any:
    """Return the root of a message. Raises MessageRefusedError.

    Refuses comments, CDATA, instructions, document types and any encoding but UTF-8, which readers
    of XML read differently. What declares the encoding is taken away before the parser sees it.
    `around`: namespaces by prefix, for a part that was cut out of a document.
    """
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff").strip(_BLANK)
    except ValueError as error:
        raise MessageRefusedError("it is no UTF-8") from error
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end() :].lstrip(_BLANK)
    if not text.startswith("<") or "<!" in text or "<?" in text or "\0" in text:
        raise MessageRefusedError("it holds comments, instructions or another encoding")
    if around is not None:
        text = f"<around{''.join(map(_declared, around.items()))}>{text}</around>"
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise MessageRefusedError("it is not readable as XML") from error
    if around is not None:
        if len(root) != 1 or (root.text or "").strip() or (root[0].tail or "").strip():
            raise MessageRefusedError("it is not one element")
        root = root[0]
    if root.xpath("count(descendant::*)") > MOST_ELEMENTS:
        raise MessageRefusedError("it has too many elements")
    return root


def _declared(namespace: tuple[str | None, str]) -> str:
    prefix, uri = namespace
    value = uri.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return f' xmlns{f":{prefix}" if prefix else ""}="{value}"'


def check_tree(root: Any) -> None:
    """Refuse what xmlsec would follow, or take for something else. Raises MessageRefusedError.

    Everything encrypted must be decrypted before; a signature may be about its parent only.
    """
    for element in root.iter("{*}*"):
        name = etree.QName(element)
        if name.namespace in (NAMES["xenc"], NAMES["xenc11"]) or (
            name.namespace == NAMES["saml"] and name.localname.startswith("Encrypted")
        ):
            raise MessageRefusedError(f"{name.localname} stands where nothing is encrypted")
        if name.namespace == NAMES["ds"] and element.tag not in _PARTS_OF_SIGNATURE:
            raise MessageRefusedError(f"a signature holds {name.localname}")
    ids = [element.get(name) for element in root.iter() for name in _IDS if element.get(name)]
    if len(ids) != len(set(ids)):
        raise MessageRefusedError("an ID stands there twice")
    signatures = list(root.iter(f"{{{NAMES['ds']}}}Signature"))
    if len(signatures) > MOST_SIGNATURES:
        raise MessageRefusedError("it has too many signatures")
    for signature in signatures:
        _check_signature(signature, root)


def _check_signature(signature: Any, root: Any) -> None:
    signed = signature.getparent()
    if signed is None or signed.tag not in _SIGNED or (signed is not root and signed not in root):
        raise MessageRefusedError("a signature stands at a wrong place")
    references = signature.findall(".//ds:Reference", NAMES)
    if [reference.get("URI") for reference in references] != [f"#{signed.get('ID')}"]:
        raise MessageRefusedError("a signature is not about its parent alone")
    for path, known in (
        (".//ds:Transform", _TRANSFORMS),
        (".//ds:CanonicalizationMethod", _CANONICAL_OF_INFO),
        (".//ds:DigestMethod", _DIGESTS),
        (".//ds:SignatureMethod", _SIGNATURES),
    ):
        for element in signature.findall(path, NAMES):
            if element.get("Algorithm") not in known:
                raise MessageRefusedError(f"an algorithm is not taken: {element.get('Algorithm')}")
