"""Every setting of the program: one typed class, read from the environment and checked at start.

A setting is added here and nowhere else: name, default, what it is for, and which part needs it.
All mistakes are told at once. Secrets are `SecretStr`, so that they never print.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import time
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AnyHttpUrl,
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import (
    SettingsError as NotParsedError,
)

from t5g.errors import SettingsError
from t5g.setting_sources import PREFIX, FileSource, VaultSource

Part = Literal["portal", "jira", "bugzilla", "slack", "socket", "webhook", "saml"]

#: A channel (C), or a private one or a group of people from before 2020 (G).
CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{6,}", re.ASCII)


class Sla(BaseModel):
    """Days a case may be open before it breaches, by severity."""

    urgent: float = 14
    high: float = 20
    normal: float = 90
    low: float = 180


class CustomFields(BaseModel):
    """Ids of JIRA's custom fields: they differ on each server."""

    contributors: str = "customfield_10466"
    severity: str = "customfield_10840"
    qa_contact: str = "customfield_10470"
    private_keywords: str = "customfield_11087"
    internal_whiteboard: str = "customfield_11004"
    escalated_cases: str = "customfield_10979"
    sprint: str = "customfield_10020"


INTERNAL_STATUS = {
    "New": "New",
    "To Do": "Backlog",
    "Open": "Debugging",
    "In Progress": "Eng Working",
    "Code Review": "Backport",
    "QE Review": "Ready To Close",
    "Blocked": "Blocked",
    "Won't Fix / Obsolete": "Done",
    "Done": "Done",
    "Closed": "Done",
}

PRIORITY = {"Urgent": "Critical", "High": "Major", "Normal": "Normal", "Low": "Minor"}


def need(part: Part, why: str, **kwargs: Any) -> Any:
    """Declare a setting without which `part` can not work; `why` is shown to the operator."""
    return Field(description=why, json_schema_extra={"part": part}, **kwargs)


class Settings(BaseSettings):
    """The settings of one installation. Environment names are the field names with `T5G_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_nested_delimiter="__",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    # Where state lives
    redis_url: str = Field(
        "", description="Redis >= 6.2 or Valkey; empty: `t5g up` and `t5g demo` start their own"
    )
    redis_prefix: str = Field("t5g:", description="Every key in Redis begins with this")
    data_dir: Path = Field(
        Path("data"), description="Folder of the embedded Redis and of log files"
    )
    secrets_file: Path | None = Field(
        None, description="Encrypted file of `t5g secrets`; what is empty elsewhere is read from it"
    )
    secrets_key: SecretStr = Field(
        SecretStr(""),
        description="Its key (usually as T5G_SECRETS_KEY_FILE); several, separated by blanks, "
        "while rotating",
    )
    feed_length: int = Field(
        100_000, ge=1000, description="Entries kept in the change feed before a board must reload"
    )

    # The web process
    http_host: str = Field("127.0.0.1", description="Address the web process listens on")
    http_port: int = Field(8080, ge=0, le=65535, description="Port of the web process")
    public_url: str = Field(
        "", description="How people reach the page; used in links (default: host and port)"
    )
    auth: Literal["none", "saml"] = Field(
        "none",
        description="Login of the page; `none` is accepted where only this machine reaches it",
    )
    trusted_proxies: str = Field(
        "", description="Networks of our own proxies, whose X-Forwarded-For is believed"
    )
    page_rate: int = Field(
        300, ge=10, description="Requests a minute that one viewer or token may make"
    )
    access_contact: str = Field(
        "the operator of this page", description="Who gives access; told to people without a role"
    )
    session_hours: float = Field(24, gt=0, description="Hours after which everybody logs in again")
    session_idle_hours: float = Field(
        8, gt=0, description="Hours without a request after which a session ends"
    )

    # Login by SAML
    saml_idp_metadata: str = need(
        "saml",
        "Metadata of the identity provider (XML; usually as T5G_SAML_IDP_METADATA_FILE)",
        default="",
    )
    saml_entity_id: str = Field("", description="Our entity id; empty: where our metadata is")
    saml_certificate: str = Field(
        "", description="Our certificate (PEM), for signed requests and logouts"
    )
    saml_next_certificate: str = Field(
        "", description="The certificate that replaces ours soon: both are in our metadata"
    )
    saml_key: SecretStr = Field(SecretStr(""), description="Private key of our certificate (PEM)")
    saml_email_attributes: str = Field(
        "mail email urn:oid:0.9.2342.19200300.100.1.3 urn:mace:dir:attribute-def:mail "
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        description="Names of the attribute with the e-mail address; the first found counts",
    )
    saml_name_attributes: str = Field(
        "displayName cn name urn:oid:2.16.840.1.113730.3.1.241 urn:mace:dir:attribute-def:cn",
        description="Names of the attribute with the person's name; the first found counts",
    )
    saml_group_attributes: str = Field(
        "memberOf groups Role urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
        description="Names of the attributes with the groups; all found count",
    )
    saml_skew_seconds: float = Field(
        60, ge=0, le=300, description="How far the identity provider's clock may be off"
    )
    deadletter_days: float = Field(
        30, gt=0, description="Days an event that could not be applied is kept"
    )
    read_only: bool = Field(True, description="true: nothing is changed in any upstream")

    # Portal
    sso_url: AnyHttpUrl = Field(
        AnyHttpUrl(
            "https://sso.redhat.com/auth/realms/redhat-external/protocol/openid-connect/token"
        ),
        description="Token endpoint that turns the offline token into access tokens",
    )
    sso_client_id: str = Field("rhsm-api", description="OAuth client of the offline token")
    portal_api: Literal["graphql", "hydra"] = Field(
        "graphql", description="Dialect of the Portal: graphql (since September 2026) or hydra"
    )
    portal_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://graphql.redhat.com"), description="Base URL of the Portal's API"
    )
    portal_timezone: str = Field(
        "UTC", description="Time zone of the Portal's times that are written without an offset"
    )
    portal_rest_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://access.redhat.com/hydra/rest"),
        description="Base URL of the Portal's REST calls (`cases/NUMBER/jiras`)",
    )
    portal_offline_token: SecretStr = need(
        "portal", "Offline token of the Portal account that may read the cases", default=""
    )
    portal_query: str = Field(
        "",
        description="Which cases are ours: a Solr query (hydra) or a JSON filter (graphql); "
        "empty: all open cases (graphql), or those with the tag of `T5G_PORTAL_TAG` (hydra), and "
        "at first those that closed in the last 90 days",
    )
    portal_tag: str = Field("shift_telco5g", description="Case tag of the default hydra query")
    closed_days: float = Field(
        365, ge=7, description="Days a closed case is kept; statistics by day stay for ever"
    )
    case_url: str = Field(
        "https://access.redhat.com/support/cases/#/case/{number}",
        description="Link to a case for people",
    )

    # JIRA
    jira_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://redhat.atlassian.net"), description="Base URL of JIRA"
    )
    jira_timezone: str = Field(
        "UTC", description="Time zone of JIRA's times that are written without an offset"
    )
    jira_user: str = Field("", description="E-mail of the Cloud account; empty: Data Center token")
    jira_token: SecretStr = need("jira", "API token (Cloud) or PAT (Data Center)", default="")
    jira_project: str = Field("T5G", description="Project of the team's cards")
    jira_board: str = Field("T5G field support", description="Board whose sprints hold the cards")
    jira_sprint: str = Field("", description="Text in the sprint's name; empty: the active sprint")
    jira_cards: Literal["project", "sprint"] = Field(
        "project",
        description="Where cards are looked for: in the whole project, or in the sprint only",
    )
    jira_label: str = Field("field-support", description="Label that marks the team's cards")
    jira_escalation_project: str = Field("ESC", description="Project of the escalations")
    jira_escalation_label: str = Field(
        "t5g-escalation", description="Label of escalations that concern the team"
    )
    jira_webhook_secret: SecretStr = need(
        "webhook",
        "Secrets that sign JIRA's webhooks; several, separated by blanks, while rotating",
        default="",
    )
    jira_webhook_url_secret: SecretStr = Field(
        SecretStr(""),
        description="Secrets in the address of the webhook, for Data Centers that can not sign; "
        "several, separated by blanks, while rotating",
    )
    jira_webhook_networks: str = Field(
        "", description="Networks that may send events (10.0.0.0/8 …); empty: any"
    )
    jira_fields: CustomFields = CustomFields()
    internal_status: dict[str, str] = Field(
        INTERNAL_STATUS, description="Internal status by JIRA status; anything else shows as itself"
    )
    priority_by_severity: dict[str, str] = Field(
        PRIORITY, description="Priority of a card by the severity of its case"
    )

    # Cards of cases
    card_type: str = Field("Task", description="Issue type of new cards")
    card_component: str = Field("", description="Component of new cards; empty: none")
    card_fields: dict[str, Any] = Field(
        {}, description="More fields of new cards, as JIRA's REST API takes them (a JSON object)"
    )
    card_first_status: str = Field(
        "To Do", description="Status that a new or reopened card is moved to; empty: it stays"
    )
    max_cards_per_run: int = Field(
        10, ge=0, description="With more new cards than this none is made, until a person confirms"
    )
    jira_index_seconds: float = Field(
        60, ge=0, description="Seconds after which JIRA's search surely finds a new card"
    )
    reopen_after_days: float = Field(
        15, ge=0, description="Age from which a case gets its earlier, finished card back"
    )
    close_after_days: float = Field(
        7, ge=0, description="Days after closing a case at which its card is proposed for closing"
    )
    close_cards: bool = Field(False, description="true: such cards are closed, not only proposed")
    card_done_status: str = Field("Done", description="Status of a card that is closed")
    portal_watchers: bool = Field(
        False, description="true: the assignee is told by the Portal of changes (hydra only)"
    )
    tag_keywords: str = Field(
        "Telco Telco:Case", description="Keywords that linked bugs and issues get; empty: none"
    )
    tag_bugzilla_field: Literal["whiteboard", "internal_whiteboard"] = Field(
        "whiteboard", description="Field of Bugzilla that gets the keywords"
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Mail server for announcements: smtp://, smtps:// or smtp+starttls://, with "
        "USER:PASSWORD@HOST:PORT; empty: no mail",
    )
    mail_from: str = Field("t5g@localhost", description="Sender of mail")
    mail_to: str = Field("", description="Addresses that are told of new cards, beside assignees")

    # Bugzilla
    bugzilla_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://bugzilla.redhat.com"), description="Base URL of Bugzilla"
    )
    bugzilla_timezone: str = Field(
        "UTC", description="Time zone of Bugzilla's times without one (it sends UTC)"
    )
    bugzilla_api: Literal["rest", "xmlrpc"] = Field(
        "rest", description="How Bugzilla is asked: rest or xmlrpc"
    )
    bugzilla_api_key: SecretStr = need("bugzilla", "API key of a Bugzilla account", default="")

    # Calls to Portal, JIRA and Bugzilla
    upstream_timeout: float = Field(
        60, gt=0, description="Seconds to wait for a whole answer of an upstream"
    )
    upstream_attempts: int = Field(
        5, ge=1, le=20, description="How often a call that may yet work is made before giving up"
    )
    upstream_backoff: float = Field(
        0.5, ge=0, description="Seconds before the first repetition; doubles with each"
    )

    # Slack
    slack_api_url: AnyHttpUrl = Field(
        AnyHttpUrl("https://slack.com/api/"), description="Base URL of Slack's Web API"
    )
    slack_bot_token: SecretStr = need("slack", "Bot token (xoxb-…) of the Slack app", default="")
    slack_signing_secret: SecretStr = need(
        "slack", "Signing secret of the Slack app: proves that requests come from Slack", default=""
    )
    slack_app_token: SecretStr = need(
        "socket", "App-level token (xapp-…) for Socket Mode", default=""
    )
    slack_command: str = Field(
        "/t5g",
        pattern=r"^/[a-z0-9_-]{1,31}$",
        description="Name of the slash command; another one for each installation in a workspace",
    )
    slack_digest_channel: str = Field("", description="Channel id of the daily digest")
    slack_high_channel: str = Field(
        "", description="Channel id for urgent and high cases: new ones, alarms"
    )
    slack_low_channel: str = Field(
        "", description="Channel id for normal and low cases: new ones, alarms"
    )
    slack_ops_channel: str = Field("", description="Channel id of the operators' alerts")
    slack_restricted_channels: str = Field(
        "", description="Ids of channels in which restricted bugs and issues may be spoken of"
    )
    slack_external_channels: str = Field(
        "",
        description="Ids of channels that are shown cases though people of other companies or "
        "guests are in them, or the bot can not see who is",
    )
    digest_at: time = Field(time(9, 0), description="Time of day of the digest")
    timezone: str = Field("UTC", description="Time zone of the digest, and of people without one")

    # Rules
    sla: Sla = Sla()
    stale_days: float = Field(7, gt=0, description="Days without an update before a case is stale")
    unassigned_hours: float = Field(
        4, ge=0, description="Hours a card has nobody before its channel is told; 0: never"
    )
    team_file: Path | None = Field(None, description="TOML file of the team and of the roles")

    audit_days: float = Field(365, gt=0, description="Days an entry of the audit log is kept")

    # Logs
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lines below this level are not written"
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: readable on a terminal, else one JSON object a line"
    )
    log_levels: str = Field(
        "", description="Levels of single loggers: `workers.calls=debug jira=info`"
    )
    log_file: Path | None = Field(
        None,
        description="File that gets every line too, as JSON, rotated, for its owner only; "
        "processes may share it",
    )
    log_file_bytes: int = Field(
        10_000_000, ge=1_000, description="Size at which the log file is rotated"
    )
    log_file_count: int = Field(5, ge=1, le=100, description="Rotated log files that are kept")

    # Watching it
    metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port on which each process answers /metrics without a login; 0: none",
    )
    metrics_host: str = Field(
        "127.0.0.1",
        description="Address of that port; 0.0.0.0 in a container, whose port is not published",
    )
    sentry_dsn: SecretStr = Field(
        SecretStr(""), description="Where errors are sent as well (Sentry); empty: nowhere"
    )
    sentry_environment: str = Field("production", description="What Sentry calls this installation")

    @field_validator("log_levels")
    @classmethod
    def _readable_levels(cls, value: str) -> str:
        for part in value.replace(",", " ").split():
            name, _, level = part.partition("=")
            if not name or level not in ("debug", "info", "warning", "error"):
                raise ValueError(f"{part!r} is no level of a logger; write it like jira=debug")
        return value

    @field_validator("timezone", "portal_timezone", "jira_timezone", "bugzilla_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(
                f"{value!r} is no time zone; use a name like Europe/Berlin or UTC"
            ) from error
        return value

    @field_validator(
        "slack_digest_channel", "slack_high_channel", "slack_low_channel", "slack_ops_channel"
    )
    @classmethod
    def _channel_id(cls, value: str) -> str:
        """Names work in one call of Slack only: histories, files and threads want the id."""
        found = value.strip()
        if found and not CHANNEL_ID.fullmatch(found):
            raise ValueError(
                f"{found[:40]!r} is no channel's id; it looks like C0123ABCDEF and stands at the "
                "end of the channel's details in Slack"
            )
        return found

    @field_validator("slack_restricted_channels", "slack_external_channels")
    @classmethod
    def _channel_ids(cls, value: str) -> str:
        return " ".join(cls._channel_id(part) for part in value.replace(",", " ").split())

    @field_validator("jira_webhook_networks", "trusted_proxies")
    @classmethod
    def _readable_networks(cls, value: str) -> str:
        for part in value.replace(",", " ").split():
            try:
                ip_network(part, strict=False)
            except ValueError as error:
                raise ValueError(f"{part!r} is no network; write it like 10.0.0.0/8") from error
        return value

    @model_validator(mode="after")
    def _closed_until_their_cards_are(self) -> "Settings":
        if self.closed_days < self.close_after_days:
            raise ValueError(
                f"T5G_CLOSED_DAYS={self.closed_days:g} would forget closed cases before their "
                "cards are proposed for closing "
                f"(T5G_CLOSE_AFTER_DAYS={self.close_after_days:g}): keep them for longer"
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The installation's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def jira_zone(self) -> ZoneInfo:
        """The time zone of what JIRA writes without one."""
        return ZoneInfo(self.jira_timezone)

    @property
    def base_url(self) -> str:
        """How people reach the page, without a trailing slash."""
        host = f"[{self.http_host}]" if ":" in self.http_host else self.http_host
        return (self.public_url or f"http://{host}:{self.http_port}").rstrip("/")

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that a webhook may be signed with; more than one while rotating."""
        return tuple(self.jira_webhook_secret.get_secret_value().split())

    def missing(self, parts: Iterable[Part]) -> list[tuple[str, str]]:
        """List (variable, what it is for) of each setting that `parts` need and that is empty."""
        wanted = set(parts)
        return [
            (PREFIX + name.upper(), info.description or "")
            for name, info in type(self).model_fields.items()
            if isinstance(info.json_schema_extra, dict)
            and info.json_schema_extra.get("part") in wanted
            and not _plain(getattr(self, name))
        ]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read also the files that `T5G_NAME_FILE` names, and the vault for what is empty else."""
        files = FileSource(settings_cls)
        given = (init_settings, files, env_settings, dotenv_settings)
        return init_settings, VaultSource(settings_cls, given), *given[1:]


def is_loopback(host: str) -> bool:
    """Say whether `host` (a name or an address) can be reached from this machine only."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def secret_names() -> tuple[str, ...]:
    """Return the fields that may stand in the vault: every secret, and addresses with passwords."""
    kept = tuple(
        name
        for name, info in Settings.model_fields.items()
        if info.annotation is SecretStr and name != "secrets_key"
    )
    return (*kept, "redis_url")


def with_secrets_of(settings: Settings, fresh: Settings) -> Settings:
    """Return the settings with the secrets of others: how a rotation reaches a running process."""
    changed = {
        name: getattr(fresh, name)
        for name in secret_names()
        if name != "redis_url" and getattr(fresh, name) != getattr(settings, name)
    }
    return settings.model_copy(update=changed) if changed else settings


def load_settings(needs: Iterable[Part] = (), *, env: Mapping[str, Any] | None = None) -> Settings:
    """Read and check the settings; `env` gives fields by their own names and wins (for tests).

    Raises `SettingsError` with a line for every mistake and for every missing setting of `needs`.
    """
    try:
        settings = Settings(**(env or {}))
    except ValidationError as error:
        raise SettingsError([_line(item) for item in error.errors()]) from None
    except NotParsedError as error:
        raise SettingsError([_not_parsed(str(error))]) from None
    missing = [f"{name} is missing: {why}" for name, why in settings.missing(needs)]
    if missing:
        raise SettingsError(missing)
    return settings


def _not_parsed(text: str) -> str:
    """Name the setting that should be JSON and is not; the library names it in a text only."""
    found = re.search(r'field "(\w+)"', text)
    name = found[1].upper() if found else "?"
    return f'{PREFIX}{name}: is no JSON object; write it like {{"name": "value"}}'


def _line(item: Any) -> str:
    where = "__".join(str(part) for part in item["loc"])
    message = item["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{where.upper()}: {message}" if where else message


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
