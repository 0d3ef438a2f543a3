"""Answers of an identity provider forged in the known ways, each a function of a good claim.

Tests post them as they are, and the provider's process answers with one when it is asked to.
"""

from collections.abc import Callable
from typing import Any

from lxml import etree

from tests.webhooks.saml.identity import Claim, IdentityProvider, new_id

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
