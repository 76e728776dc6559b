"""The parts of `headrace dev`, in the order in which they need each other."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from headrace.dev_options import DevOptions
from headrace.dev_screen import announce, follow
from headrace.embedded_runtime import embedded_log, engine
from headrace.engine_clock import EngineClock
from headrace.metrics import RoleMetrics
from headrace.ports import bind_any
from headrace.providers import actions_for, public_url_of, sandbox_token_of, webhook_settings
from headrace.sample import publish_sample
from headrace.sandbox import start_sandbox
from headrace.secrets import load_secrets
from headrace.serving import http_api, read_side
from headrace.verifying import verifying
from projections.stale import stale_tables
from schemas.topics import DEFINITIONS


async def start(
    options: DevOptions,
    stack: contextlib.AsyncExitStack,
    clock: EngineClock,
    database: asyncio.Task[str],
    on_crash: Callable[[BaseException], None],
    started_at: float,
) -> None:
    """Start everything and say where it is; `stack` stops it again, last part first."""
    log = await stack.enter_async_context(embedded_log(options, clock))
    first_start = await log.end_offset(DEFINITIONS, 0) == 0
    bound = bind_any(options.host) if options.port == 0 else None
    if bound is not None:  # providers are told the address before the API listens
        options = options.model_copy(update={"port": bound.getsockname()[1]})
    sandbox = await start_sandbox(
        options.host,
        options.providers_port,
        journal=options.data_dir / "inbox.jsonl",
        public_url=public_url_of(options),
        signing_token=sandbox_token_of(options),
        tells=options.providers_callbacks,
    )
    stack.push_async_callback(sandbox.stop)
    metrics = RoleMetrics("dev")
    await stack.enter_async_context(engine(options, log, clock, actions_for(options, sandbox.url), on_crash, metrics))
    database_url = await database
    pool = await stack.enter_async_context(read_side(log, database_url, on_crash, clock=clock, metrics=metrics))
    await stack.enter_async_context(verifying(options, database_url, metrics))
    api = http_api(
        options,
        log,
        clock,
        pool,
        database_url,
        partitions=options.partitions,
        metrics=metrics,
        bound=bound,
        sandbox_url=sandbox.url,
        webhooks=webhook_settings(options, sandbox.keys),
        secret_names=frozenset(load_secrets(options).names),
    )
    url = await stack.enter_async_context(api)
    tail = asyncio.create_task(follow(log, options.partitions))
    stack.callback(tail.cancel)
    sample = await publish_sample(url) if options.sample and first_start else None
    stale = await asyncio.to_thread(stale_tables, database_url)
    announce(options, url, sandbox.url, sample=sample, seconds=time.monotonic() - started_at, stale=stale)
