"""The ports that Headrace listens on, and the Headrace that may listen there already."""

from headrace.api_client import ApiClient, ApiUnreachable
from headrace.cli.checks.finding import Finding
from headrace.ports import CannotListen, PortTaken, ensure_free
from headrace.settings import Settings

_SECONDS = 3.0


def check_api(url: str, *, expected: bool) -> Finding:
    """Whether a Headrace answers at `url`; not running is a failure only where one is `expected`."""
    api = ApiClient(url, timeout=_SECONDS)
    try:
        answer = api.request("GET", "/readyz")
    except ApiUnreachable:
        if expected:
            return Finding("api", "failed", f"no answer at {url}", "start Headrace, or mend --url (HEADRACE_URL)")
        return Finding("api", "skipped", f"no Headrace runs at {url}")
    if answer.content_type not in ("application/json", "application/problem+json"):
        return Finding("api", "failed", f"{url} is another server", "name Headrace's address by --url (HEADRACE_URL)")
    if answer.status != 200:  # noqa: PLR2004 - OK
        return Finding("api", "warning", f"{url} runs but is not ready (HTTP {answer.status})", "look at its log")
    return Finding("api", "ok", f"Headrace is ready at {url}")


def check_ports(settings: Settings, *, running: bool) -> list[Finding]:
    """Whether `headrace dev` could listen; of a Headrace that runs, the ports are its own."""
    if running:
        return [Finding("ports", "skipped", "Headrace is running and has them")]
    wanted = (("port", settings.port), ("providers_port", settings.providers_port))
    return [_check_port(settings.host, name, port) for name, port in wanted]


def _check_port(host: str, name: str, port: int) -> Finding:
    option = f"--{name.replace('_', '-')}"
    try:
        ensure_free(host, port, option=option, variable=f"HEADRACE_{name.upper()}")
    except (PortTaken, CannotListen) as error:
        problem, _, mend = str(error).partition(": ")
        return Finding(name, "failed", problem, mend)
    return Finding(name, "ok", f"{port} on {host} is free")
