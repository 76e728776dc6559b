"""Logging: structlog for our own events and for what libraries log, to standard error, without secrets."""

import logging
import sys
from typing import TYPE_CHECKING, Final, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_QUIET: Final = {
    # SendGrid's client logs the API key at DEBUG, Twilio's logs numbers and texts at INFO.
    "python_http_client": logging.WARNING,
    "sendgrid": logging.WARNING,
    "twilio": logging.WARNING,
    # One line for every request is the load balancer's business.
    "aiohttp.access": logging.WARNING,
    # Migrations are told by our own event.
    "alembic": logging.WARNING,
    # Faust tells its whole life at INFO.
    "faust": logging.WARNING,
    "mode": logging.WARNING,
    # At WARNING it tells of each rebalance, as if it were a mishap.
    "aiokafka": logging.ERROR,
    "asyncio": logging.WARNING,
    "urllib3": logging.WARNING,
}
_SECRET_WORDS: Final = ("password", "secret", "token", "api_key", "authorization", "database_url")
HIDDEN: Final = "(hidden)"


def hide_secrets(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
    """Blank the values whose key sounds like a secret: a slip in a log call must not become a leak."""
    return {
        key: HIDDEN if any(word in key.lower() for word in _SECRET_WORDS) else value for key, value in event.items()
    }


def configure_logging(*, level: str = "info", form: str = "console", stream: TextIO | None = None) -> None:
    """Send logs of `level` (debug, info, warning, error) and above to `stream` (standard error), once per process.

    Args:
        level: the least level that is logged.
        form: `console` for people, `json` (one object a line) for machines.
        stream: where to; closed by its owner.
    """
    target = stream or sys.stderr
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_common(), processors=[*_last(form, target)])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _common() -> "list[Processor]":
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_secrets,
    ]


def _last(form: str, stream: TextIO) -> "list[Processor]":
    drop_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if form == "json":
        return [drop_meta, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    # The rich traceback would show local variables: secrets and personal data among them.
    return [
        drop_meta,
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback),
    ]
