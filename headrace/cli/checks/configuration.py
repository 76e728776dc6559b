"""The settings, and whether messages have somebody to carry them."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from domain.errors import HeadraceError
from headrace.cli.checks.finding import Finding
from headrace.secrets import SECRET_PREFIX, load_secrets
from headrace.settings import PREFIX, Settings, variable

if TYPE_CHECKING:
    from streams.kafka.topics import Finding as Topic


def check_unknown_variables(environment: Mapping[str, str], known: Iterable[str]) -> Finding:
    """Variables that begin like ours and are none: most likely misspelt."""
    names = sorted({*known, *map(variable, Settings.model_fields)})
    strange = sorted(name for name in environment if _is_strange(name, names))
    if not strange:
        return Finding("environment", "ok", f"every {PREFIX}* variable is known")
    guesses = {name: get_close_matches(name, names, n=1) for name in strange}
    mend = "; ".join(f"{name}: did you mean {near[0]}?" if near else f"unset {name}" for name, near in guesses.items())
    return Finding("environment", "warning", f"not read by Headrace: {', '.join(strange)}", mend)


def _is_strange(name: str, known: Sequence[str]) -> bool:
    return name.startswith(PREFIX) and not name.startswith(SECRET_PREFIX) and name not in known


def check_secrets(settings: Settings) -> Finding:
    """What secrets there are; never their values."""
    try:
        names = load_secrets(settings).names
    except HeadraceError as error:
        return Finding("secrets", "failed", str(error), "mend it, or unset it")
    return Finding("secrets", "ok", ", ".join(names) if names else "none")


def check_log(settings: Settings) -> Finding:
    """Whether the log can be used: the embedded one, or the cluster with all of its topics."""
    if settings.kafka is None:
        fsync = "on" if settings.fsync else "OFF"
        return Finding("log", "ok", f"embedded, {settings.partitions} partitions, fsync {fsync}")
    try:
        topics = asyncio.run(_topics(settings))
    except HeadraceError as error:
        return Finding("log", "failed", f"Kafka at {settings.kafka}: {error}", "start it, or mend HEADRACE_KAFKA_*")
    told = [topic for topic in topics if topic.is_bad or topic.status == "warning"]
    found = f"Kafka at {settings.kafka}: " + "; ".join(f"{topic.topic}: {topic.found}" for topic in told)
    if any(topic.is_bad for topic in told):
        return Finding("log", "failed", found, "headrace topics check")
    if told:
        return Finding("log", "warning", found, "headrace topics check")
    return Finding("log", "ok", f"Kafka at {settings.kafka}, {len(topics)} topics as they must be")


async def _topics(settings: Settings) -> "Sequence[Topic]":
    from headrace.kafka_topics import look_at_topics

    return await look_at_topics(settings, make=False)


def check_providers(settings: Settings) -> Iterator[Finding]:
    """Which provider settings are present; never their values."""
    yield _provider("twilio", settings, ("account_sid", "auth_token", "from", "messaging_service_sid", "base_url"))
    yield _provider("sendgrid", settings, ("api_key", "from", "base_url"))


def _provider(name: str, settings: Settings, parts: tuple[str, ...]) -> Finding:
    present = [part for part in parts if getattr(settings, f"{name}_{part}")]
    if not present:
        return Finding(name, "ok", "not set: messages go to the sandbox")
    absent = [part for part in parts if part not in present]
    return Finding(name, "ok", f"present: {', '.join(present)}; absent: {', '.join(absent) or 'nothing'}")
