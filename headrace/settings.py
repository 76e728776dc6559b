"""Settings: every one is an environment variable `HEADRACE_...`, checked before anything starts. `.env` files are not read."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar, overload

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import EnvSettingsSource

from api.webhooks.sendgrid_key import sendgrid_key
from domain.phones import REGIONS
from headrace.attempt_settings import AttemptOptions, comma_list
from headrace.errors import SettingsError
from schemas.topics import CONTACT_EVENTS, OUR_TOPICS, Topics

PREFIX: Final = "HEADRACE_"
MAX_TIME_SCALE: Final = 1_000_000.0

_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_GO_TOGETHER: Final = (
    ("twilio_account_sid", ("twilio_auth_token",)),
    ("twilio_auth_token", ("twilio_account_sid",)),
    ("twilio_account_sid", ("twilio_from", "twilio_messaging_service_sid")),
    ("sendgrid_api_key", ("sendgrid_from",)),
)


def _check(ok: bool, expected: str) -> None:
    if not ok:
        kind = "headrace_setting"
        raise PydanticCustomError(kind, "expected {expected}", {"expected": expected})


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _host_or_network(value: str) -> str:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        _check(bool(_HOST.fullmatch(value)) and not value.replace(".", "").isdigit(), "host names or networks")
    return value


def _postgres(value: SecretStr) -> SecretStr:
    _check(
        value.get_secret_value().startswith(("postgresql://", "postgres://")), "a URL that starts with postgresql://"
    )
    return value


def _http(value: str) -> str:
    _check(bool(re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value)), "an http:// or https:// URL without a query")
    return value.rstrip("/")


def _webhook_key(value: str) -> str:
    try:
        sendgrid_key(value)
    except ValueError as error:
        _check(ok=False, expected=str(error).removeprefix("expected "))
    return value


def _topic_of_the_crm(value: str) -> str:
    _check(value not in OUR_TOPICS, "a topic that is none of Headrace's own")
    return value


def _region(value: str) -> str:
    _check(value.upper() in REGIONS, "a country's two letters (ISO 3166), as DE or US")
    return value.upper()


HttpUrl = Annotated[str, AfterValidator(_http)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class Settings(AttemptOptions):
    """What can be set about an installation; unset means the default that stands here."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=None,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )

    database_url: Annotated[SecretStr, AfterValidator(_postgres)] | None = Field(
        None,
        description="Postgres for the read side; unset: an embedded Postgres in the data directory.",
        examples=["postgresql://user:password@host:5432/headrace"],
    )
    data_dir: Path = Field(
        Path(".headrace"), description="Where the embedded log, the local state and the embedded Postgres live."
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address that the API and the console listen on.")
    port: Port = Field(8080, description="Port of the API and the console; 0: any free one.")
    providers_port: Port = Field(8090, description="Port of the provider sandbox; 0: any free one.")
    providers_callbacks: bool = Field(
        True, description="Whether the provider sandbox tells by callbacks what becomes of messages."
    )
    public_url: HttpUrl | None = Field(
        None,
        description="Base URL under which providers reach this API; unset: its own address.",
        examples=["https://headrace.example.com"],
    )
    health_port: Port = Field(
        8081, description="Port on which `headrace worker` and `headrace projector` answer /healthz and /readyz."
    )
    kafka_session_timeout: float = Field(
        10.0,
        ge=1,
        le=300,
        description="Seconds after which a worker that is silent loses its partitions to others.",
    )
    http_allow: Annotated[
        tuple[Annotated[str, AfterValidator(_host_or_network)], ...], NoDecode, BeforeValidator(comma_list)
    ] = Field(
        (),
        description="Hosts or networks that `http_request` may reach although they are not public (comma list).",
        examples=["crm.internal,10.0.0.0/8"],
    )

    secrets_file: Path | None = Field(
        None,
        description="File of secrets that requests refer to as `{{ secrets.NAME }}`: lines NAME=value, or a JSON object;"
        " beside it, variables HEADRACE_SECRET_<NAME>.",
        examples=["/run/secrets/headrace"],
    )

    phone_region: Annotated[str, AfterValidator(_region)] | None = Field(
        None,
        description="Country of phone numbers that name none, by its two letters (ISO 3166); unset: such numbers are refused.",
        examples=["DE"],
    )
    twilio_account_sid: str | None = Field(
        None, pattern=r"^AC\w+$", description="Twilio account; unset: the sandbox.", examples=["AC..."]
    )
    twilio_auth_token: SecretStr | None = Field(None, min_length=1, description="Twilio auth token.")
    twilio_from: str | None = Field(
        None, min_length=1, description="Number that messages come from.", examples=["+15550001111"]
    )
    twilio_messaging_service_sid: str | None = Field(
        None, pattern=r"^MG\w+$", description="Messaging service, instead of a number.", examples=["MG..."]
    )
    twilio_base_url: HttpUrl | None = Field(None, description="Another server that speaks Twilio's API.")
    sendgrid_api_key: SecretStr | None = Field(None, min_length=1, description="SendGrid API key; unset: the sandbox.")
    sendgrid_from: str | None = Field(
        None, pattern=r"^\S+@\S+$", description="Address that e-mails come from.", examples=["hello@example.com"]
    )
    sendgrid_webhook_key: Annotated[str, AfterValidator(_webhook_key)] | None = Field(
        None,
        description="Verification key of SendGrid's event webhook, as SendGrid shows it; unset: its events are refused.",
    )
    unknown_senders: Literal["create", "dead_letter"] = Field(
        "create",
        description="What an SMS from a number that no contact has becomes: a new contact's, or a dead letter.",
    )
    sendgrid_base_url: HttpUrl | None = Field(None, description="Another server that speaks SendGrid's API.")

    partitions: int = Field(
        4, ge=1, le=1_024, description="Partitions of the embedded log; chosen once, on first start."
    )
    fsync: bool = Field(True, description="Commits of the embedded log reach the disk before they count.")
    from_start_fires: bool = Field(
        False, description="On the very first start, contact events older than the start fire triggers too."
    )
    contact_events_topic: Annotated[str, AfterValidator(_topic_of_the_crm)] = Field(
        CONTACT_EVENTS, pattern=r"^[A-Za-z0-9._-]{1,249}$", description="Topic that the CRM writes contact events to."
    )
    wait_seconds: float = Field(
        5.0, ge=0, le=300, description="How long a write waits until the read side shows it, before it answers 202."
    )
    verify_every: float = Field(
        3_600.0,
        ge=0,
        le=31_536_000,
        description="Seconds from one verification of the read side and the stores to the next; 0: none by itself.",
    )
    time_scale: float = Field(
        1.0, gt=0, le=MAX_TIME_SCALE, description="`headrace dev` only: engine time runs this many times faster."
    )
    hold_late: float | None = Field(
        None,
        ge=0,
        description="Seconds. A step that is later, and whose definition says nothing of lateness, is held until "
        "`headrace repair` says what becomes of it; unset: it runs however late.",
        examples=["3600"],
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="What is logged."
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = Field(
        "console", description="How logs look."
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values that are passed, then the environment; nothing else."""
        return init_settings, EnvSettingsSource(settings_cls)

    @model_validator(mode="after")
    def _whole_accounts(self) -> Self:
        """Half an account is a mistake: messages would silently go to the sandbox."""
        for present, needed in _GO_TOGETHER:
            if getattr(self, present) and not any(getattr(self, name) for name in needed):
                context = {"needed": " or ".join(map(variable, needed)), "present": variable(present)}
                kind = "headrace_missing"
                raise PydanticCustomError(
                    kind, "{needed} is not set although {present} is: set both, or neither", context
                )
        return self


def topics_of(settings: Settings) -> Topics:
    """The topics' names of this installation."""
    return Topics(contact_events=settings.contact_events_topic)


AnySettings = TypeVar("AnySettings", bound=Settings)


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


@overload
def load_settings(**overrides: object) -> Settings: ...
@overload
def load_settings(cls: type[AnySettings], /, **overrides: object) -> AnySettings: ...
def load_settings(cls: type[Settings] = Settings, /, **overrides: object) -> Settings:
    """Settings from `overrides` (those that are not None), then the environment, then the defaults.

    Raises:
        SettingsError: a value is wrong; the message names each variable and how to mend it, and echoes no secret.
    """
    given: Mapping[str, Any] = {name: value for name, value in overrides.items() if value is not None}
    try:
        return cls(**given)
    except ValidationError as error:
        lines = dict.fromkeys(_explain(cls, dict(detail)) for detail in error.errors(include_url=False))
        raise SettingsError("\n".join(lines)) from None


def _explain(cls: type[Settings], detail: Mapping[str, Any]) -> str:
    if not detail["loc"]:
        return str(detail["msg"])
    name = str(detail["loc"][0])
    field = cls.model_fields.get(name)
    if field is None:
        return f"{variable(name)}: there is no such setting"
    found = "" if "Secret" in str(field.annotation) else f", found {_shown(detail['input'])}"
    example = next(iter(field.examples or ()), None) or _default_text(field.default)
    mend = f"; for example {variable(name)}={example}" if example else ""
    return f"{variable(name)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}{found}{mend}"


def _shown(value: object, longest: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _default_text(default: object) -> str:
    if default is None or default == () or isinstance(default, Path):
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
