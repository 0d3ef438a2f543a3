"""What is parsed at all, and which trees go on to libraries: by the text and the tree alone."""

import base64
import re
from collections.abc import Callable

import pytest
from lxml import etree

from tests.webhooks.saml.identity import Claim, IdentityProvider
from webhooks.saml.message import (
    MOST_ELEMENTS,
    MessageRefusedError,
    check_tree,
    parse,
    unpack_base64,
)

IDP = IdentityProvider()
GOOD = IDP.sign(IDP.response(Claim("_asked", "https://page.test/saml/acs", "x", id="_one")))


@pytest.mark.parametrize(
    "before",
    [
        "",
        "\ufeff",
        "\r\n ",
        "<?xml version='1.0'?>",
        '<?xml version="1.0" encoding="utf-8"?>\n',
        "\ufeff<?xml version = '1.0' encoding='UTF-8' standalone=\"no\" ?>",
    ],
)
def test_utf_8_is_read_however_it_is_declared(before: str) -> None:
    assert parse(f"{before}<a>ü</a>".encode()).text == "ü"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "<a",
        "<a/><b/>",
        "<a><!----></a>",
        "<a><![CDATA[x]]></a>",
        "<a><?b?></a>",
        "<!DOCTYPE a><a/>",
        "<a/>\0",
        '<?xml version="1.1"?><a/>',
        '<?xml version="1.0" encoding="UTF-7"?><a/>',
        '<?xml version="1.0" encoding="UTF-8" encoding="UTF-7"?><a/>',
        '<?xml version="1.0" standalone="no" encoding="UTF-7"?><a/>',
        '<?xml version="1.0" encoding="UTF-16"?><a/>',
        '<?xml version="1.0" encoding="utf-8"?><?xml version="1.0" encoding="UTF-7"?><a/>',
        "+ADw-a/+AD4-",
        "<a>" * 300 + "</a>" * 300,
        "<a>" + "<b/>" * MOST_ELEMENTS + "<b/></a>",
    ],
)
def test_what_readers_may_read_differently_is_refused(text: str) -> None:
    with pytest.raises(MessageRefusedError):
        parse(text.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"])
def test_another_encoding_is_refused(encoding: str) -> None:
    with pytest.raises(MessageRefusedError):
        parse("<a>ü</a>".encode(encoding))


def test_a_part_is_read_with_the_namespaces_around_it() -> None:
    assert parse(b"<s:a/>", {"s": "urn:a?b&c"}).tag == "{urn:a?b&c}a"
    assert parse(b"<a/>", {None: "urn:x"}).tag == "{urn:x}a"


@pytest.mark.parametrize("text", ["<a/><b/>", "<a/>x", "</around><around>", "<a/></around><b>"])
def test_a_part_is_one_element(text: str) -> None:
    with pytest.raises(MessageRefusedError):
        parse(text.encode(), {})


def test_base64_may_stand_in_lines_but_holds_nothing_else() -> None:
    assert unpack_base64(" QUJ\r\n\tD\n") == b"ABC"
    for text in ("%%%", "QUJ", "QUJD=QUJD", "QUJD;", "QUJ\x0bD", "QÜJD"):
        with pytest.raises(MessageRefusedError):
            unpack_base64(text)
    assert base64.b64decode("QUJD;") == b"ABC", "the library would take it"


def test_a_signed_response_goes_on() -> None:
    check_tree(parse(GOOD.encode()))


Change = Callable[[str], str]
REFERENCE = re.compile(r"<ds:Reference.*?</ds:Reference>", re.DOTALL)
CHANGES: dict[str, Change] = {
    "a second reference": lambda x: REFERENCE.sub(lambda found: found[0] * 2, x),
    "no reference": lambda x: REFERENCE.sub("", x),
    "a reference to all": lambda x: re.sub(r'<ds:Reference URI="[^"]*"', '<ds:Reference URI=""', x),
    "a reference without a place": lambda x: re.sub(r'(<ds:Reference) URI="[^"]*"', r"\1", x),
    "a file": lambda x: re.sub(r'(<ds:Reference URI=)"[^"]*"', r'\1"file:///dev/zero"', x),
    "an address": lambda x: re.sub(r'(<ds:Reference URI=)"[^"]*"', r'\1"http://127.0.0.1/"', x),
    "a pointer": lambda x: x.replace('URI="#_one"', "URI=\"#xpointer(id('_one'))\""),
    "another transform": lambda x: x.replace(
        '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"',
        '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"'),
    "another digest": lambda x: x.replace("xmlenc#sha256", "xmldsig-more#md5"),
    "a digest of SHA-1": lambda x: x.replace(
        "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"),
    "a signature by a shared key": lambda x: x.replace("more#rsa-sha256", "more#hmac-sha256"),
    "no algorithm": lambda x: re.sub(r'(<ds:SignatureMethod) Algorithm="[^"]*"', r"\1", x),
    "an object": lambda x: x.replace("</ds:Signature>", "<ds:Object/></ds:Signature>"),
    "a key elsewhere": lambda x: x.replace(
        "</ds:KeyInfo>", '<ds:RetrievalMethod URI="#a"/></ds:KeyInfo>'),
    "an id twice": lambda x: x.replace("<saml:Subject>", '<saml:Subject Id="_one">'),
    "something encrypted": lambda x: x.replace(
        "<saml:Subject>", '<saml:Subject><x:A xmlns:x="http://www.w3.org/2001/04/xmlenc#"/>'),
    "a third signature": lambda x: x.replace(
        "</samlp:Response>", '<saml:Assertion ID="_t">' + x[x.index("<ds:Signature") :
        x.index("</ds:Signature>")] + "</ds:Signature></saml:Assertion></samlp:Response>"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_would_be_followed_is_refused(change: Change) -> None:
    changed = change(GOOD)
    assert changed != GOOD
    with pytest.raises(MessageRefusedError):
        check_tree(parse(changed.encode()))


def test_a_signature_stands_alone_nowhere() -> None:
    signature = GOOD[GOOD.index("<ds:Signature") : GOOD.index("</ds:Signature>")]
    with pytest.raises(MessageRefusedError, match="wrong place"):
        check_tree(parse(f"{signature}</ds:Signature>".encode()))
    deep = etree.fromstring(GOOD)
    assertion = deep.find("{*}Assertion")
    etree.SubElement(deep, "x").append(assertion)
    with pytest.raises(MessageRefusedError, match="wrong place"):
        check_tree(deep)
