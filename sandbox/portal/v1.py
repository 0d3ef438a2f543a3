"""A case and its comments as the v1 REST API shows them. Pure: records in, JSON values out."""

from datetime import datetime
from typing import Any, Final

from sandbox.portal.solr import FIELDS
from sandbox.portal.state import ASSOCIATE, LinkedBug, LinkedJira, PortalComment, SupportCase
from sandbox.portal.words import HYDRA_STATUS, severity_word, solr_time

Json = dict[str, Any]
_CASE_PAGE: Final = "https://access.redhat.com/support/cases/"


def search_doc(case: SupportCase, names: frozenset[str] | None = None) -> Json:
    """A row of the search: empty fields are absent; tags are now and then one joined text."""
    doc: Json = {}
    for name, getter in FIELDS.items():
        if names is None or name in names:
            value = getter(case)
            if isinstance(value, datetime):
                value = solr_time(value)
            if value is not None and value not in ("", []):
                doc[name] = value
    if case.number.endswith("7") and "case_tags" in doc:
        doc["case_tags"] = ";".join(doc["case_tags"])
    return {**doc, **case.odd}


def case_detail(case: SupportCase, base_url: str) -> Json:
    """`v1/cases/NUMBER`. Times of relief and resolution are texts or, for odd numbers, epoch ms."""
    detail: Json = {
        "apiReturnCode": 200,
        "caseNumber": case.number,
        "id": case.id,
        "uri": f"{base_url}/v1/cases/{case.number}",
        "summary": case.summary,
        "description": case.description,
        "status": HYDRA_STATUS.get(case.status, case.status),
        "internalStatus": "Closed" if case.is_closed else "Waiting on Owner",
        "severity": severity_word(case.severity),
        "product": case.product,
        "version": case.version,
        "caseType": case.case_type,
        "accountNumberRef": case.account_number,
        "contactName": case.contact,
        "contactSSOName": case.contact_sso,
        "ownerId": case.owner,
        "critSit": case.crit_sit,
        "customerEscalation": case.crit_sit,
        "groupName": case.group_name or None,
        "createdDate": solr_time(case.created),
        "lastModifiedDate": solr_time(case.modified),
        "isClosed": case.is_closed,
        "apiTags": list(case.tags),
        "entitlementSla": "PREMIUM",
        "sbrGroups": ["Shift Telco"],
        "caseLanguage": "en",
        "comments": [comment(case, one) for one in case.comments],
        "notifiedUsers": [
            {"ssoUsername": one.sso_username, "title": one.title, "type": one.type}
            for one in case.notified_users
        ],
        "bugzillas": [_bugzilla(case, one) for one in case.bugzillas],
        "externalTrackers": [_tracker(case, one) for one in case.jiras],
    }
    return {**detail, **_times(case), **case.odd}


def comment(case: SupportCase, one: PortalComment) -> Json:
    """A comment as `v1/cases/NUMBER/comments` lists it."""
    created = solr_time(one.created)
    return {
        "id": one.id,
        "caseNumber": case.number,
        "commentBody": one.body,
        "contentType": "plaintext",
        "isPublic": one.public,
        "visibility": "Customer" if one.public else "Internal",
        "isDraft": False,
        "createdBy": one.author,
        "createdByType": one.kind or ASSOCIATE,
        "createdDate": created,
        "publishedDate": created,
        "lastModifiedById": one.author,
        "lastModifiedDate": created,
        "doNotChangeStatus": False,
        "doNotChangeSBT": False,
    }


def linked_jira(one: LinkedJira) -> Json:
    """A row of `cases/NUMBER/jiras`."""
    return {
        "resourceKey": one.key,
        "resourceURL": one.url,
        "title": one.title,
        "status": one.status,
        "system": "Jira",
        "lastModifiedDate": solr_time(one.modified),
    }


def _times(case: SupportCase) -> Json:
    moments = {
        "reliefAt": case.relief_at,
        "resolvedAt": case.resolved_at,
        "lastClosedAt": case.closed,
    }
    in_milliseconds = case.number[-1] in "13579"
    return {
        name: int(moment.timestamp() * 1000) if in_milliseconds else solr_time(moment)
        for name, moment in moments.items()
        if moment
    }


def _bugzilla(case: SupportCase, one: LinkedBug) -> Json:
    return {
        "bugzillaNumber": str(one.number),
        "bugzillaLink": one.url,
        "caseNumber": case.number,
        "linkedAt": solr_time(one.linked or case.created),
        "status": one.status,
        "summary": one.summary,
    }


def _tracker(case: SupportCase, one: LinkedJira) -> Json:
    return {
        "caseNumber": case.number,
        "caseURI": f"{_CASE_PAGE}{case.number}",
        "createdAt": solr_time(case.created),
        "resourceKey": one.key,
        "resourceURL": one.url,
        "status": one.status,
        "system": "Jira",
        "title": one.title,
    }
