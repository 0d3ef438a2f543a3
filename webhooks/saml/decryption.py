"""Decrypts the assertion of a response, with few algorithms and without following anything.

Not by the library: it follows references to files and addresses before anything is trusted, and its
parser prints on stderr what was decrypted and is not readable.
"""

from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from webhooks.saml.message import NAMES, MessageRefusedError, parse, unpack_base64

MOST_KEYS = 4
#: XML Encryption 1.1, 5.2.4: authenticated ciphers, by the bytes of their key. CBC is none.
CIPHERS = {f"{NAMES['xenc11']}aes{bits}-gcm": bits // 8 for bits in (128, 192, 256)}
#: XML Encryption 1.1, 5.5.2: RSA-OAEP. PKCS#1 v1.5 tells who asks often what is inside.
TRANSPORTS = (f"{NAMES['xenc']}rsa-oaep-mgf1p", f"{NAMES['xenc11']}rsa-oaep")
#: SHA-1 is the default there, and in OAEP no weakness: nothing rests on collisions.
SHA1 = f"{NAMES['ds']}sha1"
DIGESTS: dict[str, hashes.HashAlgorithm] = {
    SHA1: hashes.SHA1(),  # noqa: S303
    f"{NAMES['xenc']}sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
    f"{NAMES['xenc']}sha512": hashes.SHA512(),
}
MGF_SHA1 = f"{NAMES['xenc11']}mgf1sha1"
MASKS: dict[str, hashes.HashAlgorithm] = {
    MGF_SHA1: hashes.SHA1(),  # noqa: S303
    f"{NAMES['xenc11']}mgf1sha256": hashes.SHA256(),
    f"{NAMES['xenc11']}mgf1sha384": hashes.SHA384(),
    f"{NAMES['xenc11']}mgf1sha512": hashes.SHA512(),
}
_PARTS = {
    f"{{{NAMES[prefix]}}}{name}"
    for prefix, names in (
        ("xenc", "EncryptedData EncryptedKey EncryptionMethod CipherData CipherValue"),
        ("xenc11", "MGF"),
        ("ds", "KeyInfo KeyName DigestMethod X509Data X509Certificate X509SubjectName X509SKI "
               "X509IssuerSerial X509IssuerName X509SerialNumber"),
    )
    for name in names.split()
}  # fmt: skip


def decrypt(response: Any, key: str) -> None:
    """Put the assertion in the place of the encrypted one, if there is one. Changes `response`.

    The response's own signature is about the encrypted text and goes: what counts is the signature
    of the assertion. `key`: ours, as PEM. Raises MessageRefusedError.
    """
    encrypted = response.findall("saml:EncryptedAssertion", NAMES)
    if not encrypted:
        return
    if len(encrypted) != 1 or not key:
        raise MessageRefusedError("there is not one encrypted assertion, or no key of ours")
    for element in encrypted[0].iterdescendants():
        if element.tag not in _PARTS:
            raise MessageRefusedError(
                f"an encrypted assertion holds {etree.QName(element).localname}"
            )
    data = _only_child(encrypted[0], "xenc:EncryptedData")
    assertion = parse(_opened(data, _content_key(encrypted[0], data, key)), data.nsmap)
    if assertion.tag != f"{{{NAMES['saml']}}}Assertion":
        raise MessageRefusedError("what was encrypted is no assertion")
    response.replace(encrypted[0], assertion)
    for signature in response.findall("ds:Signature", NAMES):
        response.remove(signature)


def _content_key(encrypted: Any, data: Any, pem: str) -> bytes:
    """Return the first of the keys that ours opens."""
    found = [*data.findall("ds:KeyInfo/xenc:EncryptedKey", NAMES)]
    found += encrypted.findall("xenc:EncryptedKey", NAMES)
    if not 1 <= len(found) <= MOST_KEYS:
        raise MessageRefusedError(f"it is encrypted with {len(found)} keys")
    try:
        private = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MessageRefusedError("our key is not readable") from error
    if not isinstance(private, RSAPrivateKey):
        raise MessageRefusedError("our key is no RSA key")
    for wrapped in found:
        padding, cipher = _padding(wrapped), _cipher_value(wrapped)
        try:
            return private.decrypt(cipher, padding)
        except ValueError:
            continue
    raise MessageRefusedError("it can not be decrypted")


def _padding(wrapped: Any) -> OAEP:
    method = _only_child(wrapped, "xenc:EncryptionMethod")
    digest, mask = method.find("ds:DigestMethod", NAMES), method.find("xenc11:MGF", NAMES)
    names = (
        method.get("Algorithm"),
        digest.get("Algorithm") if digest is not None else SHA1,
        mask.get("Algorithm") if mask is not None else MGF_SHA1,
    )
    if names[0] not in TRANSPORTS or names[1] not in DIGESTS or names[2] not in MASKS:
        raise MessageRefusedError(
            f"a key is not encrypted by RSA-OAEP: {' '.join(map(str, names))}"
        )
    return OAEP(MGF1(MASKS[names[2]]), DIGESTS[names[1]], None)


def _opened(data: Any, key: bytes) -> bytes:
    method = _only_child(data, "xenc:EncryptionMethod").get("Algorithm")
    if method not in CIPHERS:
        raise MessageRefusedError(f"it is not encrypted by AES-GCM: {method}")
    sealed = _cipher_value(data)
    if len(key) != CIPHERS[method]:
        raise MessageRefusedError("it can not be decrypted")
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], None)
    except (ValueError, InvalidTag) as error:
        raise MessageRefusedError("it can not be decrypted") from error


def _cipher_value(element: Any) -> bytes:
    cipher = _only_child(element, "xenc:CipherData")
    return unpack_base64(_only_child(cipher, "xenc:CipherValue").text or "")


def _only_child(element: Any, name: str) -> Any:
    found = element.findall(name, NAMES)
    if len(found) != 1:
        raise MessageRefusedError(f"there is not exactly one {name.partition(':')[2]}")
    return found[0]
