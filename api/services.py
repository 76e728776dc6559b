"""What the composition root hands to the API: its ports, its settings and its clock."""

from dataclasses import dataclass, field

from aiohttp import web

from api.database import Database
from api.metrics import ApiMetrics
from api.ports import CommandPort, JobPort
from api.progress import ReadSideProgress
from api.webhooks.settings import WebhookSettings
from domain.clock import Clock
from schemas.topics import Topics


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """All that the handlers work with. The pool is open; `progress` is started and stopped with the application."""

    database: Database
    commands: CommandPort
    progress: ReadSideProgress
    clock: Clock
    partitions: int
    """P: how many partitions the topics keyed by contact have."""
    topics: Topics = field(default_factory=Topics)
    metrics: ApiMetrics = field(default_factory=ApiMetrics)
    wait_seconds: float = 5
    """How long a write waits for the read side before it answers 202."""
    jobs: JobPort | None = None
    """Who does long work (rebuild, verify, backtest ...), if anybody does."""
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    """How providers' callbacks are checked."""
    secret_names: frozenset[str] | None = None
    """The secrets that requests may refer to; None where they are not known, because the workers alone have them."""
    time_scale: float = 1.0
    """Engine time runs so many times faster: what counts as late is told in real time."""
    sandbox_url: str | None = None
    """Where the provider sandbox shows its inbox, if there is one."""
    require_host: frozenset[str] | None = None
    """Host names that a request may be sent to (None: any); keeps DNS rebinding off a server without API keys."""


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)
