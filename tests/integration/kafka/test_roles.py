"""Worker, projector and API as processes of their own: what is published and sent over HTTP is done and shown."""

import asyncio
import json

import pytest
import requests

from tests.support.engine_cluster import PARTITIONS, EngineCluster, eventually
from tests.support.role_process import RoleProcess

pytestmark = pytest.mark.timeout(180)

DEFINITION = {
    "name": "tag",
    "trigger": {"type": "contact_created"},
    "steps": [{"id": "t", "type": "add_tag", "config": {"tag": "seen"}}],
}


async def test_the_roles_together_do_what_dev_does(cluster: EngineCluster, database_url, tmp_path):
    environment = {
        "HEADRACE_KAFKA": cluster.settings.bootstrap,
        "HEADRACE_KAFKA_PARTITIONS": str(PARTITIONS),
        "HEADRACE_DATABASE_URL": database_url,
    }
    roles = [
        RoleProcess(role, tmp_path / role, environment=environment).start() for role in ("worker", "projector", "api")
    ]
    worker, projector, api = roles

    def call(method: str, path: str, **given):
        answer = requests.request(method, f"{api.url}/api/v1{path}", timeout=30, **given)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()

    def report_of(job: str):
        answer = requests.post(f"{api.url}/api/v1/jobs/{job}", json={}, timeout=60)
        last = json.loads(answer.text.splitlines()[-1])
        assert last["type"] == "report", last
        return last["report"]

    def completed() -> bool:
        items = call("GET", f"/workflows/{workflow['id']}/enrollments")["items"]
        return [item["status"] for item in items] == ["completed"]

    try:
        for role in roles:
            await eventually(lambda role=role: asyncio.to_thread(role.ready), f"the {role.role} to be ready")
        assert worker.owned() == set(range(PARTITIONS))
        workflow = await asyncio.to_thread(call, "POST", "/workflows?publish=true", json=DEFINITION)
        event = {"type": "contact.created", "data": {"contact": {"first_name": "Ada"}}}
        await asyncio.to_thread(call, "POST", "/contacts/ada/events", json=event)
        await eventually(lambda: asyncio.to_thread(completed), "ada's enrollment to be shown as completed")
        ada = await asyncio.to_thread(call, "GET", "/contacts/ada")
        assert ada["tags"] == ["seen"]
        assert await asyncio.to_thread(call, "GET", f"/contacts/ada?at={ada['updated_at']}") == ada
        told = await asyncio.to_thread(call, "GET", f"/contacts/ada/why?workflow_id={workflow['id']}")
        assert [(one["enrolled"], one["version"]) for one in told["considered"]] == [(True, 1)]
        assert [(one["step_id"], one["status"]) for one in told["enrollments"][0]["steps"]] == [("t", "completed")]
        rebuilt, verified = [await asyncio.to_thread(report_of, job) for job in ("rebuild", "verify")]
        assert (rebuilt["result"], [table for table in rebuilt["tables"] if table["differing"]]) == ("swapped", [])
        assert (verified["ok"], verified["contacts"], len(verified["partitions"])) == (True, 1, PARTITIONS)
        assert verified["events"] == verified["folded"] > 0
        for role in (api, projector, worker):
            print(f"{role.role} stopped in {await asyncio.to_thread(role.stop):.2f} s")
    finally:
        for role in roles:
            role.end()
