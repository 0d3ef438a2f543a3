"""A case and its comments as GraphQL nodes: each field by its name, as JSON and to compare.

Every scalar is wrapped in `{"value": …}`, texts are HTML-escaped, what is empty is null.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sandbox.portal.state import ASSOCIATE, CUSTOMER, PortalComment, SupportCase
from sandbox.portal.words import (
    GRAPHQL_STATUS,
    escaped,
    product_with_version,
    salesforce_time,
    severity_word,
)

Getter = Callable[[Any], Any]


class CommentOfCase(NamedTuple):
    """A comment with the case that it belongs to."""

    case: SupportCase
    comment: PortalComment


def _product_name(case: SupportCase) -> str | None:
    return product_with_version(case.product, case.version) or None


#: What filters and orders compare, by field; nested ones with a dot.
CASE_VALUES: Final[Mapping[str, Getter]] = {
    "Id": lambda case: case.id,
    "CaseNumber__c": lambda case: case.number,
    "Status": lambda case: GRAPHQL_STATUS.get(case.status, case.status),
    "Priority": lambda case: severity_word(case.severity),
    "Type": lambda case: case.case_type or None,
    "Subject": lambda case: case.summary or None,
    "Description": lambda case: case.description or None,
    "CreatedDate": lambda case: case.created,
    "LastModifiedDate": lambda case: case.modified,
    "IsClosed": lambda case: case.is_closed,
    "ClosedDate": lambda case: case.closed,
    "Account_Number__c": lambda case: case.account_number or None,
    "AccessRestrictions__c": lambda case: "None",
    "SBR_Group__c": lambda case: None,
    "RecordType.Name": lambda case: case.record_type,
    "RedHatSupportAccount.Name": lambda case: case.account_name or None,
    "RedHatSupportAccount.AccountNumber": lambda case: case.account_number or None,
    "RedHatSupportContact.Name": lambda case: case.contact or None,
    "RedHatSupportContact.Email": lambda case: None,
    "RedHatSupportContact.SSOUserName__c": lambda case: case.contact_sso or None,
    "Product.Name": _product_name,
    "Product.ParentProduct__r.Name": lambda case: case.product or None,
    "Group__r.Name": lambda case: case.group_name or None,
}

COMMENT_VALUES: Final[Mapping[str, Getter]] = {
    "Id": lambda one: one.comment.id,
    "Case__c": lambda one: one.case.id,
    "Body__c": lambda one: one.comment.body or None,
    "Visibility__c": lambda one: "Public" if one.comment.public else "Private",
    "CreatedDate": lambda one: one.comment.created,
    "LastModifiedDate": lambda one: one.comment.created,
    "LastModifiedByName__c": lambda one: one.comment.author or None,
    "IsAssociate__c": lambda one: one.comment.kind == ASSOCIATE,
    "IsCustomer__c": lambda one: one.comment.kind == CUSTOMER,
}

_COMMENT_OF_CASE: Final[Mapping[str, Getter]] = {
    "Id": lambda one: one.id,
    "CommentBody": lambda one: one.body or None,
    "CreatedDate": lambda one: one.created,
    "LastModifiedDate": lambda one: one.created,
    "IsPublished": lambda one: one.public,
}


def wrapped(value: Any) -> dict[str, Any]:
    """`{"value": …}` as it goes over the wire."""
    if isinstance(value, str):
        value = escaped(value)
    elif isinstance(value, datetime):
        value = salesforce_time(value)
    return {"value": value}


def case_field(case: SupportCase, name: str, arguments: Mapping[str, Any]) -> Any:
    """One field of a case, whole; the caller picks from it what was selected."""
    if name in case.odd:
        return case.odd[name]
    if name == "Id":
        return case.id
    value = CASE_VALUES.get(name)
    return wrapped(value(case)) if value else _OBJECTS[name](case, arguments)


def comment_field(one: CommentOfCase, name: str, arguments: Mapping[str, Any]) -> Any:
    """One field of a comment record."""
    if name == "CreatedBy":
        return {"Name": wrapped(one.comment.author or None)}
    value = COMMENT_VALUES[name](one)
    return value if name == "Id" else wrapped(value)


def connection(items: Sequence[Any], start: int, end: int, cursor: Callable[[int], str]) -> Any:
    """The shell of a connection around `items[start:end]`; edges carry what `items` has."""
    end = min(end, len(items))
    found = items[start:end]
    return {
        "totalCount": len(items),
        "pageResultCount": len(found),
        "pageInfo": {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": cursor(start + 1) if found else None,
            "endCursor": cursor(end) if found else None,
        },
        "edges": [
            {"cursor": cursor(start + place), "node": item}
            for place, item in enumerate(found, start=1)
        ],
    }


def _account(case: SupportCase, _: Mapping[str, Any]) -> Any:
    if not case.account_name:
        return None
    return {
        "Name": wrapped(case.account_name),
        "AccountNumber": wrapped(case.account_number or None),
    }


def _contact(case: SupportCase, _: Mapping[str, Any]) -> Any:
    if not case.contact:
        return None
    sso = wrapped(case.contact_sso or None)
    return {"Name": wrapped(case.contact), "Email": wrapped(None), "SSOUserName__c": sso}


def _product(case: SupportCase, _: Mapping[str, Any]) -> Any:
    if not case.product:
        return None
    parent = {"Name": wrapped(case.product), "ParentProduct__r": None}
    return {"Name": wrapped(_product_name(case)), "ParentProduct__r": parent}


def _group(case: SupportCase, _: Mapping[str, Any]) -> Any:
    return {"Name": wrapped(case.group_name)} if case.group_name else None


def _owner(case: SupportCase, _: Mapping[str, Any]) -> Any:
    if not case.owner:
        return None
    kind = "RedHatSupportGroup" if case.owner_is_group else "RedHatSupportUser"
    return {"__typename": kind, "Name": wrapped(case.owner)}


def _comments(case: SupportCase, arguments: Mapping[str, Any]) -> Any:
    start = int(arguments.get("after") or 0)
    return connection(
        [_comment(one) for one in case.comments],
        start,
        start + arguments.get("first", 10),
        str,
    )


def _comment(one: PortalComment) -> dict[str, Any]:
    node = {name: wrapped(getter(one)) for name, getter in _COMMENT_OF_CASE.items()}
    return {**node, "Id": one.id, "CreatedBy": {"Name": wrapped(one.author or None)}}


_OBJECTS: Final[Mapping[str, Callable[[SupportCase, Mapping[str, Any]], Any]]] = {
    "RecordType": lambda case, _: {"Name": wrapped(case.record_type)},
    "RedHatSupportAccount": _account,
    "RedHatSupportContact": _contact,
    "Product": _product,
    "Group__r": _group,
    "Owner": _owner,
    "CaseComments": _comments,
}
