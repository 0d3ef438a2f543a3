"""Answers of an identity provider forged in the known ways, each a function of a good claim.

Tests post them as they are, and the provider's process answers with one when it is asked to.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names

from tests.webhooks.saml.identity import Claim, Encryption, IdentityProvider, Logout, new_id

ADMIN = {"mail": ["boss@example.com"], "displayName": ["Boss"]}
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
OBJECT = "{http://www.w3.org/2000/09/xmldsig#}Object"
ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}Assertion"
EXTENSIONS = "{urn:oasis:names:tc:SAML:2.0:protocol}Extensions"

Forge = Callable[[IdentityProvider, Claim], str]
FORGERIES: dict[str, Forge] = {}


def forgery(make: Forge) -> Forge:
    """Add a forgery to the table, by the name of its function."""
    FORGERIES[make.__name__] = make
    return make


# What is not signed, or not by whom we trust


@forgery
def unsigned(idp: IdentityProvider, claim: Claim) -> str:
    return idp.envelope(claim, idp.assertion(claim))


@forgery
def only_the_response_signed(idp: IdentityProvider, claim: Claim) -> str:
    return idp.sign(idp.envelope(claim, idp.assertion(claim)))


@forgery
def signature_stripped(idp: IdentityProvider, claim: Claim) -> str:
    tree = etree.fromstring(idp.response(claim))
    signature = tree.find(f".//{SIGNATURE}")
    signature.getparent().remove(signature)
    return etree.tostring(tree).decode()


@forgery
def changed_after_signing(idp: IdentityProvider, claim: Claim) -> str:
    return idp.response(claim).replace("ann@example.com", "boss@example.com")


@forgery
def signed_with_another_key(idp: IdentityProvider, claim: Claim) -> str:
    return IdentityProvider().response(claim)


@forgery
def signed_with_sha1(idp: IdentityProvider, claim: Claim) -> str:
    return idp.envelope(claim, idp.sign(idp.assertion(claim), sha1=True))


@forgery
def unsigned_beside_a_signed_response(idp: IdentityProvider, claim: Claim) -> str:
    return idp.envelope(claim, idp.sign(idp.assertion(claim)), idp.assertion(boss(claim)))


# Signature wrapping (Somorovsky et al., "On Breaking SAML", 2012; tools that try them number them
# XSW1 to XSW8): the signature stays good and is about the old assertion, but a reader that is not
# careful finds another one.


def boss(claim: Claim) -> Claim:
    return Claim(claim.request, claim.acs, claim.audience, person="boss", attributes=ADMIN)


def parts(idp: IdentityProvider, claim: Claim, *, same_id: bool = False) -> tuple[Any, Any, Any]:
    """A response with its signed assertion, and an evil assertion without signature."""
    tree = etree.fromstring(idp.response(claim))
    good = tree.find(ASSERTION)
    evil = etree.fromstring(idp.assertion(boss(claim), good.get("ID") if same_id else new_id()))
    return tree, good, evil


@forgery
def wrapped_evil_before_good(idp: IdentityProvider, claim: Claim) -> str:
    """XSW3."""
    tree, good, evil = parts(idp, claim)
    good.addprevious(evil)
    return etree.tostring(tree).decode()


@forgery
def wrapped_evil_after_good(idp: IdentityProvider, claim: Claim) -> str:
    """XSW3, the other way round."""
    tree, good, evil = parts(idp, claim)
    good.addnext(evil)
    return etree.tostring(tree).decode()


@forgery
def wrapped_good_inside_evil(idp: IdentityProvider, claim: Claim) -> str:
    """XSW4."""
    tree, good, evil = parts(idp, claim)
    tree.replace(good, evil)
    evil.append(good)
    return etree.tostring(tree).decode()


@forgery
def wrapped_signature_moved_to_evil(idp: IdentityProvider, claim: Claim) -> str:
    """XSW5."""
    tree, good, evil = parts(idp, claim)
    evil.insert(1, good.find(SIGNATURE))
    good.addprevious(evil)
    return etree.tostring(tree).decode()


@forgery
def wrapped_good_in_signature_of_evil(idp: IdentityProvider, claim: Claim) -> str:
    """XSW6."""
    tree, good, evil = parts(idp, claim)
    signature = good.find(SIGNATURE)
    tree.replace(good, evil)
    evil.insert(1, signature)
    signature.append(good)
    return etree.tostring(tree).decode()


@forgery
def wrapped_good_in_object_of_signature(idp: IdentityProvider, claim: Claim) -> str:
    """XSW8."""
    tree, good, evil = parts(idp, claim)
    signature = good.find(SIGNATURE)
    tree.replace(good, evil)
    evil.insert(1, signature)
    etree.SubElement(signature, OBJECT).append(good)
    return etree.tostring(tree).decode()


@forgery
def wrapped_evil_in_extensions_with_the_same_id(idp: IdentityProvider, claim: Claim) -> str:
    """XSW7."""
    tree, _, evil = parts(idp, claim, same_id=True)
    extensions = etree.Element(EXTENSIONS)
    extensions.append(evil)
    tree.insert(1, extensions)
    return etree.tostring(tree).decode()


@forgery
def wrapped_good_in_extensions_and_evil_in_its_place(idp: IdentityProvider, claim: Claim) -> str:
    """XSW7, the other way round."""
    tree, good, evil = parts(idp, claim, same_id=True)
    extensions = etree.Element(EXTENSIONS)
    tree.replace(good, evil)
    extensions.append(good)
    tree.insert(1, extensions)
    return etree.tostring(tree).decode()


@forgery
def wrapped_response_in_response(idp: IdentityProvider, claim: Claim) -> str:
    """XSW1."""
    inner = idp.sign(idp.response(claim))
    evil = etree.fromstring(idp.envelope(boss(claim), idp.assertion(boss(claim))))
    good = etree.fromstring(inner)
    signature = good.find(SIGNATURE)
    etree.SubElement(signature, OBJECT).append(etree.fromstring(inner))
    evil.insert(1, signature)
    return etree.tostring(evil).decode()


@forgery
def wrapped_response_before_its_signature(idp: IdentityProvider, claim: Claim) -> str:
    """XSW2."""
    evil = etree.fromstring(idp.envelope(boss(claim), idp.assertion(boss(claim))))
    good = etree.fromstring(idp.sign(idp.response(claim)))
    signature = good.find(SIGNATURE)
    good.remove(signature)
    evil.insert(1, good)
    evil.insert(2, signature)
    return etree.tostring(evil).decode()


# What one reader sees and another does not


@forgery
def comment_put_into_the_name_after_signing(idp: IdentityProvider, claim: Claim) -> str:
    claim.name_id = "boss@example.com.evil.test"
    return idp.response(claim).replace(".evil.test<", "<!-- -->.evil.test<")


@forgery
def comment_inside_the_address(idp: IdentityProvider, claim: Claim) -> str:
    signed = idp.sign(idp.assertion(claim))
    return idp.envelope(claim, signed.replace("ann@", "a<!-- -->nn@"))


@forgery
def processing_instruction(idp: IdentityProvider, claim: Claim) -> str:
    return idp.response(claim).replace("<samlp:Status>", "<?evil?><samlp:Status>")


@forgery
def character_data(idp: IdentityProvider, claim: Claim) -> str:
    return idp.response(claim).replace(">ann<", "><![CDATA[ann]]><")


@forgery
def other_encoding(idp: IdentityProvider, claim: Claim) -> str:
    return '<?xml version="1.0" encoding="UTF-7"?>' + idp.response(claim)


@forgery
def document_type(idp: IdentityProvider, claim: Claim) -> str:
    kind = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    return kind + idp.response(claim)


@forgery
def billion_laughs(idp: IdentityProvider, claim: Claim) -> str:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY e0 "ha">{entities}]>{idp.response(claim)}'


@forgery
def name_is_empty(idp: IdentityProvider, claim: Claim) -> str:
    claim.name_id = " "
    return idp.response(claim)


@forgery
def not_a_success(idp: IdentityProvider, claim: Claim) -> str:
    claim.status = "urn:oasis:names:tc:SAML:2.0:status:Responder"
    return idp.response(claim)


# Encodings: what is checked as one text is another one for a reader that believes the declaration


@forgery
def encoding_behind_a_good_one(idp: IdentityProvider, claim: Claim) -> str:
    return '<?xml version="1.0" standalone="yes" encoding="UTF-7"?>' + idp.response(claim)


@forgery
def encoding_with_a_comment_in_utf_7(idp: IdentityProvider, claim: Claim) -> str:
    hidden = idp.response(claim).replace("ann@", "a+ADwAIQ---- x ----+AD4-nn@")
    return "<?xml version='1.0' encoding = 'UTF-7' ?>" + hidden


@forgery
def encoding_of_one_byte_for_each_letter(idp: IdentityProvider, claim: Claim) -> str:
    return '<?xml version="1.0" encoding="ISO-8859-1"?>' + idp.response(claim)


@forgery
def encoding_of_a_mainframe(idp: IdentityProvider, claim: Claim) -> str:
    return '<?xml version="1.0" encoding="EBCDIC-CP-US"?>' + idp.response(claim)


# Encryption: read before anything is trusted, so nothing of it may lead elsewhere

ZERO = "file:///dev/zero"
VALUE = re.compile(r"<xenc:CipherValue>[^<]*</xenc:CipherValue>")
REFERENCE = f'<xenc:CipherReference URI="{ZERO}"/>'
XENC = "http://www.w3.org/2001/04/xmlenc#"


@forgery
def cipher_elsewhere(idp: IdentityProvider, claim: Claim) -> str:
    *_, last = VALUE.finditer(good := idp.encrypted(claim))
    return good[: last.start()] + REFERENCE + good[last.end() :]


@forgery
def cipher_of_the_key_elsewhere(idp: IdentityProvider, claim: Claim) -> str:
    return VALUE.sub(REFERENCE, idp.encrypted(claim), count=1)


@forgery
def cipher_elsewhere_behind_a_good_one(idp: IdentityProvider, claim: Claim) -> str:
    return VALUE.sub(lambda found: found[0] + REFERENCE, idp.encrypted(claim))


@forgery
def key_of_the_cipher_elsewhere(idp: IdentityProvider, claim: Claim) -> str:
    method = f'<ds:RetrievalMethod Type="{XENC}EncryptedKey" URI="{ZERO}"/>'
    return idp.encrypted(claim).replace("<ds:KeyInfo>", f"<ds:KeyInfo>{method}", 1)


@forgery
def key_of_the_cipher_beside_it(idp: IdentityProvider, claim: Claim) -> str:
    method = f'<ds:RetrievalMethod Type="{XENC}EncryptedKey" URI="#k"/>'
    return idp.encrypted(claim).replace("<ds:KeyInfo>", f"<ds:KeyInfo>{method}", 1)


@forgery
def cipher_without_authentication(idp: IdentityProvider, claim: Claim) -> str:
    return idp.encrypted(claim, cipher=f"{XENC}aes256-cbc")


@forgery
def key_wrapped_by_pkcs_1(idp: IdentityProvider, claim: Claim) -> str:
    return idp.encrypted(claim, transport=f"{XENC}rsa-1_5", digest="", mask="")


@forgery
def key_wrapped_with_md5(idp: IdentityProvider, claim: Claim) -> str:
    return idp.encrypted(claim, digest="http://www.w3.org/2001/04/xmldsig-more#md5")


@forgery
def cipher_of_too_short_a_key(idp: IdentityProvider, claim: Claim) -> str:
    return idp.encrypted(claim, key_bytes=16)


@forgery
def cipher_changed(idp: IdentityProvider, claim: Claim) -> str:
    *_, last = VALUE.finditer(good := idp.encrypted(claim))
    place = (last.start() + last.end()) // 2
    return good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]


@forgery
def cipher_for_another(idp: IdentityProvider, claim: Claim) -> str:
    claim.certificate = idp.certificate
    return idp.encrypted(claim)


@forgery
def many_keys(idp: IdentityProvider, claim: Claim) -> str:
    good = idp.encrypted(claim)
    key = good[good.index("<xenc:EncryptedKey>") : good.index("</ds:KeyInfo>")]
    return good.replace(key, key * 100)


def sealed(idp: IdentityProvider, claim: Claim, *texts: str) -> str:
    """A response with these texts as encrypted assertions."""
    parts = [Encryption(claim.certificate).of(text) for text in texts]
    wrapped = [f"<saml:EncryptedAssertion>{part}</saml:EncryptedAssertion>" for part in parts]
    return idp.envelope(claim, *wrapped)


@forgery
def encrypted_without_a_signature(idp: IdentityProvider, claim: Claim) -> str:
    return sealed(idp, claim, idp.assertion(boss(claim)))


@forgery
def encrypted_without_a_signature_in_a_signed_response(idp: IdentityProvider, claim: Claim) -> str:
    return idp.sign(sealed(idp, claim, idp.assertion(boss(claim))))


@forgery
def encrypted_twice(idp: IdentityProvider, claim: Claim) -> str:
    good = idp.sign(idp.assertion(claim))
    return sealed(idp, claim, good, good)


@forgery
def encrypted_beside_one_in_plain(idp: IdentityProvider, claim: Claim) -> str:
    good = sealed(idp, claim, idp.sign(idp.assertion(claim)))
    return good.replace("</samlp:Response>", idp.assertion(boss(claim)) + "</samlp:Response>")


@forgery
def encrypted_two_in_one(idp: IdentityProvider, claim: Claim) -> str:
    return sealed(idp, claim, idp.sign(idp.assertion(claim)) + idp.assertion(boss(claim)))


@forgery
def encrypted_end_of_the_response(idp: IdentityProvider, claim: Claim) -> str:
    evil = idp.assertion(boss(claim))
    return sealed(idp, claim, f"{idp.sign(idp.assertion(claim))}</around><around>{evil}")


@forgery
def encrypted_text_that_is_no_xml(idp: IdentityProvider, claim: Claim) -> str:
    return sealed(idp, claim, "<saml:Assertion confidential-text-of-the-customer <&")


@forgery
def encrypted_comment_in_the_name(idp: IdentityProvider, claim: Claim) -> str:
    claim.name_id = "boss@example.com.evil.test"
    good = idp.sign(idp.assertion(claim)).replace(".evil.test<", "<!-- -->.evil.test<")
    return sealed(idp, claim, good)


@forgery
def encrypted_inside_what_was_encrypted(idp: IdentityProvider, claim: Claim) -> str:
    again = Encryption(claim.certificate).of(idp.sign(idp.assertion(claim)))
    return sealed(idp, claim, f"<saml:EncryptedAssertion>{again}</saml:EncryptedAssertion>")


def name_elsewhere(certificate: str) -> str:
    """An encrypted name whose text is a file of ours."""
    return (
        "<saml:EncryptedID>"
        + VALUE.sub(REFERENCE, Encryption(certificate).of("<saml:NameID>ann</saml:NameID>"))
        + "</saml:EncryptedID>"
    )


@forgery
def name_encrypted_elsewhere(idp: IdentityProvider, claim: Claim) -> str:
    name = name_elsewhere(claim.certificate)
    assertion = idp.assertion(claim).replace("<saml:NameID>ann</saml:NameID>", name)
    return idp.envelope(claim, idp.sign(assertion))


@forgery
def attribute_encrypted(idp: IdentityProvider, claim: Claim) -> str:
    sealed_one = Encryption(claim.certificate).of("<saml:Attribute Name='mail'/>")
    attribute = f"<saml:EncryptedAttribute>{sealed_one}</saml:EncryptedAttribute>"
    assertion = idp.assertion(claim).replace(
        "<saml:AttributeStatement>", f"<saml:AttributeStatement>{attribute}"
    )
    return idp.envelope(claim, idp.sign(assertion))


# Signatures: their references are followed before it is known whether the signature is good


@forgery
def signature_about_a_file_too(idp: IdentityProvider, claim: Claim) -> str:
    good = idp.response(claim)
    reference = good[good.index("<ds:Reference") : good.index("</ds:SignedInfo>")]
    more = re.sub(r'URI="[^"]*"', f'URI="{ZERO}"', reference)
    more = re.sub(r"<ds:Transforms>.*</ds:Transforms>", "", more, flags=re.DOTALL)
    return good.replace("</ds:SignedInfo>", f"{more}</ds:SignedInfo>")


@forgery
def signature_with_a_manifest(idp: IdentityProvider, claim: Claim) -> str:
    good = idp.response(claim)
    reference = good[good.index("<ds:Reference") : good.index("</ds:SignedInfo>")]
    more = re.sub(r'URI="[^"]*"', f'URI="{ZERO}"', reference)
    manifest = f"<ds:Object><ds:Manifest>{more}</ds:Manifest></ds:Object>"
    return good.replace("</ds:Signature>", f"{manifest}</ds:Signature>")


@forgery
def signature_whose_key_is_elsewhere(idp: IdentityProvider, claim: Claim) -> str:
    method = f'<ds:RetrievalMethod URI="{ZERO}"/>'
    return idp.response(claim).replace("<ds:X509Data>", f"{method}<ds:X509Data>")


@forgery
def signature_of_a_stylesheet(idp: IdentityProvider, claim: Claim) -> str:
    sheet = (
        '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116">'
        '<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0">'
        f'<x:template match="/"><x:copy-of select="document(\'{ZERO}\')"/></x:template>'
        "</x:stylesheet></ds:Transform>"
    )
    return idp.response(claim).replace("<ds:Transforms>", f"<ds:Transforms>{sheet}")


@forgery
def status_is_empty(idp: IdentityProvider, claim: Claim) -> str:
    claim.status = ""
    return idp.response(claim)


@forgery
def name_of_another_service(idp: IdentityProvider, claim: Claim) -> str:
    claim.name_attributes = ' SPNameQualifier="https://other.test/metadata"'
    return idp.response(claim)


# Logouts: each is where a browser is sent to, and none ends Ann's login

ForgeLogout = Callable[[IdentityProvider, str], str]
LOGOUTS: dict[str, ForgeLogout] = {}


def logout(make: ForgeLogout) -> ForgeLogout:
    """Add a forged logout to the table, by the name of its function."""
    LOGOUTS[make.__name__] = make
    return make


def asked(idp: IdentityProvider, sp: str, **changes: Any) -> str:
    """A signed request with one thing changed."""
    return idp.redirect(sp, "SAMLRequest", Logout(sp, **changes).xml())


def evil(idp: IdentityProvider, sp: str) -> tuple[str, str]:
    """A good logout of eve, and the request of Ann's, which nobody signed."""
    forged = idp.redirect(sp, "SAMLRequest", Logout(sp).xml(), signed=False)
    request = forged.partition("SAMLRequest=")[2].partition("&")[0]
    return idp.logout_url(sp, "eve"), request


@logout
def logout_unsigned(idp: IdentityProvider, sp: str) -> str:
    return idp.logout_url(sp, "ann", signed=False)


@logout
def logout_of_another_provider(idp: IdentityProvider, sp: str) -> str:
    return IdentityProvider().logout_url(sp, "ann")


@logout
def logout_with_an_empty_signature(idp: IdentityProvider, sp: str) -> str:
    return idp.logout_url(sp, "ann").partition("&Signature=")[0] + "&Signature="


@logout
def logout_with_the_old_algorithm(idp: IdentityProvider, sp: str) -> str:
    return idp.redirect(sp, "SAMLRequest", Logout(sp).xml(), sha1=True)


@logout
def logout_without_an_algorithm(idp: IdentityProvider, sp: str) -> str:
    return re.sub("SigAlg=[^&]*&", "", idp.logout_url(sp, "ann"))


@logout
def logout_with_another_state(idp: IdentityProvider, sp: str) -> str:
    return idp.logout_url(sp, "ann").replace("RelayState=x", "RelayState=y")


@logout
def logout_named_in_percent_signs_before(idp: IdentityProvider, sp: str) -> str:
    good, request = evil(idp, sp)
    return good.replace("?", f"?%53AMLRequest={request}&", 1)


@logout
def logout_named_in_percent_signs_behind(idp: IdentityProvider, sp: str) -> str:
    good, request = evil(idp, sp)
    return f"{good}&SAMLReques%74={request}"


@logout
def logout_named_twice_before(idp: IdentityProvider, sp: str) -> str:
    good, request = evil(idp, sp)
    return good.replace("?", f"?SAMLRequest={request}&", 1)


@logout
def logout_named_twice_behind(idp: IdentityProvider, sp: str) -> str:
    good, request = evil(idp, sp)
    return f"{good}&SAMLRequest={request}"


@logout
def logout_and_an_answer(idp: IdentityProvider, sp: str) -> str:
    good, request = evil(idp, sp)
    return f"{good}&SAMLResponse={request}"


@logout
def logout_with_a_parameter_that_nobody_signed(idp: IdentityProvider, sp: str) -> str:
    return idp.logout_url(sp, "ann") + "&SAMLEncoding=x"


@logout
def logout_with_a_semicolon(idp: IdentityProvider, sp: str) -> str:
    good, request = evil(idp, sp)
    return f"{good};SAMLRequest={request}"


@logout
def logout_of_another_issuer(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, issuer="https://other.test/metadata")


@logout
def logout_of_no_issuer(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, issuer=None)


@logout
def logout_for_another(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, destination="https://other.test/saml/logout")


@logout
def logout_for_a_longer_address(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, destination=f"{sp}/more")


@logout
def logout_for_nobody(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, destination=None)


@logout
def logout_of_long_ago(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, made=-3_600, until=None)


@logout
def logout_of_tomorrow(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, made=86_400, until=None)


@logout
def logout_that_is_over(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, until=-90)


@logout
def logout_of_an_encrypted_name(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, name=name_elsewhere(idp.certificate))


@logout
def logout_with_a_comment_in_the_name(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, person="ann<!-- -->")


@logout
def logout_of_two_names(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, name="<saml:NameID>eve</saml:NameID><saml:NameID>ann</saml:NameID>")


@logout
def logout_of_no_name(idp: IdentityProvider, sp: str) -> str:
    return asked(idp, sp, name="<saml:NameID> </saml:NameID>")


@logout
def logout_in_another_encoding(idp: IdentityProvider, sp: str) -> str:
    xml = '<?xml version="1.0" encoding="UTF-7"?>' + Logout(sp).xml()
    return idp.redirect(sp, "SAMLRequest", xml)


@logout
def logout_in_utf_16(idp: IdentityProvider, sp: str) -> str:
    return idp.redirect(sp, "SAMLRequest", Logout(sp).xml().encode("utf-16"))


@logout
def logout_that_is_an_assertion(idp: IdentityProvider, sp: str) -> str:
    return idp.redirect(sp, "SAMLRequest", idp.assertion(Claim("_x", sp, "x")))


@logout
def logout_that_unpacks_to_more_than_it_says(idp: IdentityProvider, sp: str) -> str:
    return idp.redirect(sp, "SAMLRequest", Logout(sp).xml() + " " * 200_000)


@logout
def logout_that_is_garbage(idp: IdentityProvider, sp: str) -> str:
    return f"{sp}?SAMLRequest=garbage&SigAlg={quote_plus(Names.RSA_SHA256)}&Signature=x"
