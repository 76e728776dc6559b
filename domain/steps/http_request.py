"""Step kind `http_request` (alias `webhook`): call a web service and keep what it answers."""

from typing import Any

import msgspec

from domain.fields import Scope
from domain.steps.outcome import Ask, Outcome
from domain.templates import Template, render_value
from domain.workflow import Step

CHANNEL = "http"


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
    success: tuple[int, ...] | None = None
    save: dict[str, str] | None = None


def enter(step: Step, scope: Scope) -> Outcome:
    """Ask for the rendered request to be made."""
    config: HttpRequest = step.config
    request: dict[str, Any] = {
        "url": config.url.render(scope),
        "method": config.method,
        "headers": render_value(config.headers, scope),
        "query": render_value(config.query, scope),
        "timeout_ms": config.timeout_ms,
    }
    for name in ("json", "form", "body"):
        value = getattr(config, name)
        if value is not None:
            request[name] = render_value(value, scope)
    if config.success is not None:
        request["success"] = list(config.success)
    if config.save is not None:
        request["save"] = config.save
    return Ask(channel=CHANNEL, request=request)
