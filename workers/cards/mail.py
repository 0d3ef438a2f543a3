"""Tells of a new card by e-mail: the message is made purely, sending is thin."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from t5g.derived import Entry
from t5g.errors import SettingsError, UpstreamError
from t5g.settings import Settings
from workers.cards.ledger import Making

SCHEMES = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


def message_of(entry: Entry, record: Making, settings: Settings) -> EmailMessage | None:
    """Make the mail about a new card; None if nobody is to get it.

    Its id hangs on the card, so that a mail that is sent twice is shown once.
    """
    people = [*settings.mail_to.replace(",", " ").split(), record.email]
    if not (to := list(dict.fromkeys(x for x in people if x))):
        return None
    portal = entry.case.portal
    made = EmailMessage()
    made["From"], made["To"] = settings.mail_from, ", ".join(to)
    made["Subject"] = " ".join(f"{record.key}: {entry.number} {portal.summary}".split())[:200]
    made["Message-ID"] = f"<card.{record.key}.{entry.number}@{_domain(settings.mail_from)}>"
    made["Auto-Submitted"] = "auto-generated"
    whose = f"{record.assignee} ({record.reason})" if record.assignee else "nobody"
    made.set_content(
        f"Case {entry.number} has the card {record.key}.\n\n"
        f"Summary:  {portal.summary}\nAccount:  {portal.account}\nSeverity: {portal.severity}\n"
        f"Assignee: {whose}\n\n"
        f"Card: {str(settings.jira_url).rstrip('/')}/browse/{record.key}\n"
        f"Case: {settings.case_url.replace('{number}', entry.number)}\n"
    )
    return made


def send(message: EmailMessage, url: str, *, timeout: float) -> None:
    """Send a mail. Raises SettingsError for a bad address, UpstreamError if it was not taken."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise SettingsError([f"T5G_SMTP_URL: write it like {', '.join(SCHEMES)}://HOST:PORT"])
    where = (parts.hostname, parts.port or SCHEMES[parts.scheme])
    try:
        with _open(parts.scheme, where, timeout) as server:
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except smtplib.SMTPResponseException as error:
        # The server's words may repeat what was sent; its number is enough.
        passing = 400 <= error.smtp_code < 500
        raise UpstreamError("smtp", f"refused ({error.smtp_code})", transient=passing) from None
    except (smtplib.SMTPException, OSError) as error:
        raise UpstreamError("smtp", type(error).__name__) from None


def _open(scheme: str, where: tuple[str, int], timeout: float) -> smtplib.SMTP:
    host, port = where
    if scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=context)
    server = smtplib.SMTP(host, port, timeout=timeout)
    if scheme == "smtp+starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip("> ") or "localhost"
