"""Each role on Kafka, as a process of its own, shows its metrics where its health is asked for."""

import asyncio
import os
import signal
import sys

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.metrics import EVERY_ROLE, ROLES
from tests.support.engine_cluster import PARTITIONS, eventually
from tests.support.kafka_broker import free_ports

pytestmark = pytest.mark.timeout(180)

TAG = {"name": "tag", "trigger": {"type": "contact_created"}, "steps": [{"id": "t", "type": "add_tag", "config": {"tag": "seen"}}]}  # fmt: skip


class Role:
    """A process of `headrace <name>`."""

    def __init__(self, name, port, process):
        self.name, self.port, self.process = name, port, process

    async def shown(self):
        """Sample name and label values (in the order of the labels' names) -> value; nothing while it starts."""
        assert self.process.returncode is None, f"{self.name} ended"
        try:
            async with aiohttp.ClientSession() as session, session.get(self.url) as answer:
                families = list(text_string_to_metric_families(await answer.text()))
        except aiohttp.ClientConnectionError:
            return {}
        self.names = {family.name for family in families if family.name.startswith("headrace_")}
        return {(s.name.removeprefix("headrace_"), *s.labels.values()): s.value for f in families for s in f.samples}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/metrics"

    async def until(self, what, condition):
        async def holds():
            found = await self.shown()
            return found if found and condition(found) else None

        return await eventually(holds, f"{self.name}: {what}")


@pytest.fixture
async def start_role(cluster, read_side_url, tmp_path):
    roles = []

    async def start(name):
        (port,) = free_ports(1)
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("HEADRACE_")}
        settings = {
            "HEADRACE_KAFKA": cluster.settings.bootstrap,
            "HEADRACE_KAFKA_PARTITIONS": str(PARTITIONS),
            "HEADRACE_DATABASE_URL": read_side_url,
            "HEADRACE_DATA_DIR": str(tmp_path / name),
            "HEADRACE_VERIFY_EVERY": "2",
            "HEADRACE_PORT" if name == "api" else "HEADRACE_HEALTH_PORT": str(port),
        }
        with (tmp_path / f"{name}.log").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "headrace", name, env=inherited | settings, stdout=output, stderr=output
            )
        roles.append(Role(name, port, process))
        return roles[-1]

    yield start
    for role in roles:
        if role.process.returncode is None:
            role.process.send_signal(signal.SIGTERM)
    for role in roles:
        await role.process.wait()


async def test_each_role_shows_its_own(cluster, start_role):
    worker, projector, api = [await start_role(name) for name in ("worker", "projector", "api")]
    await worker.until("to own all partitions", lambda found: found.get(("owned_partitions",)) == PARTITIONS)
    await cluster.publish(TAG)
    await cluster.facts([f"c{number}" for number in range(40)], "contact.created")

    done = await worker.until(
        "to complete them",
        lambda found: (
            found.get(("journal_events_total", "enrollment_completed")) == 40
            and not any(value for key, value in found.items() if key[0] == "consumer_lag_records")
        ),
    )
    assert len([key for key in done if key[0] == "consumer_lag_records"]) == 2 * PARTITIONS
    assert done["transaction_seconds_count",] >= PARTITIONS
    shown = await projector.until(
        "to project them", lambda found: found.get(("projected_records_total", "headrace.journal"), 0) >= 40 * 4
    )
    assert len([key for key in shown if key[0] == "projection_lag_records"]) == PARTITIONS
    await projector.until("to have caught up", lambda found: found["projection_lag_seconds",] == 0)
    await api.until("to have answered", lambda found: ("http_requests_total", "GET", "/metrics", "200") in found)

    for role in (worker, projector):
        proved = await role.until("to have verified", lambda found: found.get(("verify_ok",)) == 1)
        assert (proved["verify_differing",], proved["verify_failed_total",]) == (0, 0), role.name

    for role in (worker, projector, api):
        named = {spec.name.removesuffix("_total") for spec in (*ROLES[role.name], *EVERY_ROLE)}
        assert role.names == named, role.name
