"""Step kind `http_request` (alias `webhook`): call a web service and keep what it answers."""

from typing import Any, Final

import msgspec

from domain.errors import StepError
from domain.fields import Scope
from domain.secrets import secret_uses
from domain.steps.outcome import Ask, Outcome
from domain.templates import Template, render_value
from domain.workflow import Step

CHANNEL: Final = "http"
MAX_REQUEST_BYTES: Final = 256 * 1024
"""Of a rendered request: it is kept in the journal, for ever."""
_RENDERED: Final = ("url", "headers", "query", "json", "form", "body", "sign")


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The request; at most one of `json`, `form` and `body`. `success` None accepts every 2xx."""

    url: Template
    method: str = "POST"
    headers: dict[str, Template] = {}
    query: dict[str, Template] = {}
    json: Any = None
    form: dict[str, Template] | None = None
    body: Template | None = None
    timeout_ms: int = 10_000
    sign: Template | None = None
    """A reference to the key that signs the request as standard-webhooks.com has it."""
    success: tuple[int | str, ...] | None = None
    """Statuses (404), classes (`2xx`) and ranges (`200-204`)."""
    save: dict[str, str] | None = None


def enter(step: Step, scope: Scope) -> Outcome:
    """Ask for the rendered request to be made; secrets stay references."""
    config: HttpRequest = step.config
    given = {name: value for name in _RENDERED if (value := getattr(config, name)) is not None}
    request: dict[str, Any] = {name: render_value(value, scope) for name, value in given.items()}
    request |= {"method": config.method, "timeout_ms": config.timeout_ms}
    if config.success is not None:
        request["success"] = list(config.success)
    if config.save is not None:
        request["save"] = config.save
    size = len(msgspec.json.encode(request))
    if size > MAX_REQUEST_BYTES:
        message = f"expected a request of at most {MAX_REQUEST_BYTES:,} bytes, found {size:,}; send less of the contact"
        raise StepError("request_too_large", message)
    return Ask(channel=CHANNEL, request=request, secrets=tuple(secret_uses(given, scope)))
