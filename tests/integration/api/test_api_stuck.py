"""`GET /stuck` and `GET /late`: what is planted on the read side and in the log is found, and nothing in good health is."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from schemas.event_log import NewRecord
from schemas.topics import DEFINITIONS, JOURNAL
from tests.integration.api.caller import assert_problem
from tests.integration.api.conftest import PARTITIONS
from tests.integration.api.read_side import DOCUMENT, ENROLLMENT, WORKFLOW

NOW_MS = 1_800_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)
OTHER = UUID("0b000000-0000-4000-8000-000000000002")


def ago(**span):
    return NOW - timedelta(**span)


async def stuck(api):
    reply = await api.get("/api/v1/stuck")
    assert reply.status == 200, reply.text
    return reply.body["items"]


async def reasons(api):
    return [item["reason"] for item in await stuck(api)]


async def late(api, query=""):
    reply = await api.get(f"/api/v1/late{query}")
    assert reply.status == 200, reply.text
    return reply.body["items"]


@pytest.fixture
async def workflow(read_side):
    await read_side.workflow()
    await read_side.partitions_reach(0)


async def waits(read_side, due, *, id=ENROLLMENT, step_id="wait", **row):
    """An enrollment that waits for a time."""
    await read_side.enrollment(id, next_action_at=due, current_step=step_id, updated_at=ago(days=2), **row)
    await read_side.execution(step_id, enrollment_id=id, step_type="delay", status="running", attempts=0)


async def asks(read_side, since, status, *, id=ENROLLMENT, attempts=0, **row):
    """An enrollment whose step waits for a provider."""
    await read_side.enrollment(id, current_step="greet", updated_at=since, **row)
    await read_side.execution("greet", enrollment_id=id, status=status, attempts=attempts)


async def write(log, topic, partition, at_ms):
    log.now_ms = at_ms
    await log.append([NewRecord(topic=topic, partition=partition, key=b"ada", value=b"{}")])


# ---------------------------------------------------------------- enrollments


async def test_nothing_is_stuck_in_good_health(api, read_side, workflow):
    await waits(read_side, ago(seconds=30))
    await asks(read_side, ago(minutes=14), "pending", id=OTHER, contact_id="bob")
    await read_side.enrollment(UUID(int=1), contact_id="c", status="paused", next_action_at=ago(days=1))
    await read_side.enrollment(UUID(int=2), contact_id="d", status="failed", current_step="greet")
    await read_side.incident(enrollment_id=UUID(int=2))
    await read_side.enrollment(UUID(int=3), contact_id="e", status="completed", current_step=None)
    assert await stuck(api) == []


async def test_one_that_waits_for_an_event_is_neither_stuck_nor_late_however_long_it_takes(api, read_side, workflow):
    await read_side.enrollment(current_step="answer", awaits_event=True, updated_at=ago(days=400))
    await read_side.execution("answer", status="running", attempts=0)
    assert await stuck(api) == await late(api) == []


async def test_overdue_timer_is_found_with_its_words(api, read_side, workflow):
    await waits(read_side, ago(hours=2))
    (item,) = await stuck(api)
    assert item["kind"] == "enrollment"
    assert item["reason"] == "timer_overdue"
    assert item["message"] == "its timer was due, and has not fired"
    assert "headrace repair" in item["mend"]
    assert (item["enrollment_id"], item["contact_id"], item["step_id"]) == (str(ENROLLMENT), "ada", "wait")
    assert (item["workflow_id"], item["workflow_name"]) == (str(WORKFLOW), "Welcome")
    assert datetime.fromisoformat(item["since"]) == ago(hours=2)


@pytest.mark.parametrize(
    ("status", "reason"), [("pending", "action_waiting"), ("running", "attempt_overdue"), ("failed", "nothing_pending")]
)
async def test_enrollment_that_waits_for_no_time_is_found(api, read_side, workflow, status, reason):
    await asks(read_side, ago(minutes=16), status)
    assert await reasons(api) == [reason]


async def test_enrollment_without_any_execution_is_found_soon(api, read_side, workflow):
    await read_side.enrollment(updated_at=ago(minutes=2))
    assert await reasons(api) == ["nothing_pending"]


async def test_failed_enrollment_whose_incident_is_gone_is_found(api, read_side, workflow):
    await read_side.enrollment(status="failed", updated_at=ago(minutes=2))
    await read_side.incident(status="resolved")
    assert await reasons(api) == ["nothing_pending"]


async def test_pages_lead_on_the_longest_stuck_first(api, read_side, workflow):
    for number in range(1, 6):
        await waits(read_side, ago(hours=number), id=UUID(int=number), contact_id=f"c{number}")
    first = (await api.get("/api/v1/stuck?limit=3")).body
    second = (await api.get(f"/api/v1/stuck?limit=3&cursor={first['next_cursor']}")).body
    assert [item["contact_id"] for item in first["items"] + second["items"]] == ["c5", "c4", "c3", "c2", "c1"]
    assert second["next_cursor"] is None


# ---------------------------------------------------------------- partitions, the read side, the log


async def test_read_side_that_lags_is_a_finding_and_makes_no_enrollment_look_stuck(api, read_side, log, workflow):
    await waits(read_side, ago(minutes=10))
    await write(log, JOURNAL, 2, NOW_MS - 900_000)
    (item,) = await stuck(api)
    assert (item["kind"], item["reason"], item["partition"]) == ("read side", "projection_behind", 2)
    assert datetime.fromisoformat(item["since"]) == ago(minutes=15)


async def test_record_that_is_just_being_projected_is_no_finding(api, log, workflow):
    await write(log, JOURNAL, 2, NOW_MS - 1_000)
    assert await stuck(api) == []


async def test_inputs_that_nobody_takes_in_are_found_and_those_taken_in_are_not(api, log, workflow):
    await write(log, "contact-events", 1, NOW_MS - 300_000)
    await write(log, "headrace.commands", 3, NOW_MS - 300_000)
    log.positions["headrace", "headrace.commands", 3] = 1
    found = await stuck(api)
    assert [(item["reason"], item["partition"]) for item in found] == [("inputs_behind", 1)]


async def test_partition_that_does_not_go_by_the_definitions_is_found(api, read_side, log, workflow):
    await read_side.partitions_reach(1, count=PARTITIONS - 1)
    await read_side.insert("partitions", partition=3, catalogue_offset=0, reconciled_offset=0)
    await write(log, DEFINITIONS, 0, NOW_MS - 300_000)
    assert [(item["reason"], item["partition"]) for item in await stuck(api)] == [("catalogue_behind", 3)]


async def test_walk_that_does_not_end_is_found(api, read_side, log, workflow):
    await read_side.partitions_reach(1, count=PARTITIONS - 1)
    await read_side.insert("partitions", partition=3, catalogue_offset=1, reconciled_offset=0)
    await write(log, DEFINITIONS, 0, NOW_MS - 1_000_000)
    assert [(item["reason"], item["partition"]) for item in await stuck(api)] == [("walk_stalled", 3)]


async def test_log_that_does_not_answer_is_a_finding_and_enrollments_are_shown_all_the_same(
    api, read_side, log, workflow, monkeypatch
):
    async def fails(*_):
        raise OSError

    monkeypatch.setattr(log, "end_offset", fails)
    await waits(read_side, ago(hours=2))
    assert await reasons(api) == ["log_unreachable", "timer_overdue"]


@pytest.mark.parametrize("settings", [{"time_scale": 86_400.0}])
async def test_patience_is_real_time_where_engine_time_runs_faster(api, read_side, workflow, settings):
    await waits(read_side, ago(hours=2))
    assert await stuck(api) == []


# ---------------------------------------------------------------- what is late


async def test_late_wait_is_told_with_what_its_definition_says(api, read_side):
    steps = [{**step, "max_lateness": "1h"} if step["id"] == "wait" else step for step in DOCUMENT["steps"]]
    await read_side.workflow(document={**DOCUMENT, "steps": steps})
    await waits(read_side, ago(hours=2))
    await waits(read_side, ago(minutes=30), id=OTHER, contact_id="bob")
    first, second = await late(api)
    assert (first["kind"], first["late_seconds"], first["rule"]) == ("wait", 7_200, "skip")
    assert (first["enrollment_id"], first["contact_id"]) == (str(ENROLLMENT), "ada")
    assert (first["step_id"], first["step_type"], first["visit"], first["version"]) == ("wait", "delay", 1, 1)
    assert (second["contact_id"], second["rule"]) == ("bob", "run")


async def test_late_wait_without_a_rule_has_none(api, read_side, workflow):
    await waits(read_side, ago(hours=2))
    assert [item["rule"] for item in await late(api)] == [None]


async def test_how_late_is_asked_for(api, read_side, workflow):
    await waits(read_side, ago(seconds=90))
    assert await late(api, "?late_seconds=91") == []
    assert len(await late(api, "?late_seconds=90")) == 1
    assert len(await late(api)) == 1


async def test_held_ones_get_later_and_paused_ones_do_not(api, read_side, workflow):
    await read_side.enrollment(
        status="paused", paused_by="lateness", next_action_at=ago(hours=5), updated_at=ago(hours=4)
    )
    await read_side.enrollment(
        OTHER,
        contact_id="b",
        status="paused",
        paused_by="workflow",
        next_action_at=ago(hours=5),
        updated_at=ago(hours=4),
    )
    await read_side.enrollment(
        UUID(int=3), contact_id="c", status="paused", paused_by="operator", next_action_at=ago(hours=1), updated_at=ago(hours=2)
    )  # fmt: skip
    found = {item["contact_id"]: (item["kind"], item["late_seconds"]) for item in await late(api)}
    assert found == {"ada": ("held", 18_000), "b": ("paused", 3_600)}


async def test_late_retry_and_action_are_told_apart(api, read_side, workflow):
    await read_side.enrollment(current_step="greet", next_action_at=ago(hours=1))
    await read_side.execution("greet", status="running", attempts=1)
    await read_side.enrollment(OTHER, contact_id="bob", current_step="greet", updated_at=ago(minutes=30))
    await read_side.execution("greet", enrollment_id=OTHER, status="pending", attempts=0)
    assert [(item["kind"], item["contact_id"]) for item in await late(api)] == [("retry", "ada"), ("action", "bob")]


async def test_only_what_failed_by_the_providers_fault_is_listed(api, read_side, workflow):
    last = {
        "ada": {"type": "attempt_failed", "data": {"step_id": "greet", "retryable": True}},
        "bob": {"type": "attempt_failed", "data": {"step_id": "greet"}},
        "cyd": {"type": "attempt_unknown", "data": {"step_id": "greet"}},
    }
    for number, (contact_id, happening) in enumerate(last.items(), 1):
        id_ = UUID(int=number)
        await read_side.enrollment(id_, contact_id=contact_id, status="failed", current_step="greet")
        await read_side.execution("greet", enrollment_id=id_, status="failed", error_message="no connection")
        await read_side.incident(enrollment_id=id_, contact_id=contact_id, opened_at=ago(hours=3))
        await read_side.happening(4, contact_id=contact_id, enrollment_id=id_, type="attempt_failed", data={"step_id": "greet", "retryable": True})  # fmt: skip
        await read_side.happening(5, contact_id=contact_id, enrollment_id=id_, **happening)
    (item,) = await late(api)
    assert (item["kind"], item["contact_id"], item["late_seconds"]) == ("failed", "ada", 10_800)
    assert item["error_message"] == "no connection"


async def test_late_ones_of_a_workflow_or_a_step(api, read_side, workflow):
    await read_side.workflow(id=UUID(int=9))
    await waits(read_side, ago(hours=2))
    await waits(read_side, ago(hours=1), id=OTHER, workflow_id=UUID(int=9), contact_id="bob")
    assert [item["contact_id"] for item in await late(api, f"?workflow_id={UUID(int=9)}")] == ["bob"]
    assert await late(api, "?step_id=greet") == []
    assert_problem(await api.get(f"/api/v1/late?workflow_id={UUID(int=8)}"), 404, "not_found")
    assert_problem(await api.get("/api/v1/late?late_seconds=-1"), 400, "bad_query")


async def test_late_pages_lead_on(api, read_side, workflow):
    for number in range(1, 8):
        await waits(read_side, ago(hours=number), id=UUID(int=number), contact_id=f"c{number}")
    found, cursor = [], ""
    while cursor is not None:
        page = (await api.get(f"/api/v1/late?limit=2{cursor}")).body
        found += [item["contact_id"] for item in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert found == [f"c{number}" for number in range(7, 0, -1)]


# ---------------------------------------------------------------- repair


async def test_repair_is_a_command_for_the_contacts_partition(api, read_side, workflow):
    await waits(read_side, ago(hours=2))
    body = {"as": "skip", "step_id": "wait", "visit": 2, "by": "ana", "note": "Friday"}
    async with api.posting(f"/api/v1/enrollments/{ENROLLMENT}/repair", json=body) as task:
        command = await api.command()
        assert (command.contact_id, command.enrollment_id) == ("ada", str(ENROLLMENT))
        assert (command.how, command.step_id, command.visit) == ("skip", "wait", 2)
        assert (command.by, command.note) == ("ana", "Friday")
        await api.answer(command.command_id, command_type="repair_enrollment")
        assert (await task).status == 200


async def test_repair_that_came_too_late_is_a_conflict_that_says_why(api, read_side, workflow):
    await waits(read_side, ago(hours=2))
    async with api.posting(f"/api/v1/enrollments/{ENROLLMENT}/repair", json={"as": "run", "step_id": "wait"}) as task:
        command = await api.command()
        await api.answer(command.command_id, result="rejected", code="moved_on", reason="it went on by itself")
        assert_problem(await task, 409, "moved_on")


@pytest.mark.parametrize(
    "body", [{}, {"as": "run"}, {"as": "mend", "step_id": "wait"}, {"as": "run", "step_id": "wait", "visit": 0}]
)
async def test_repair_that_can_not_be_meant_is_refused(api, read_side, workflow, body):
    await waits(read_side, ago(hours=2))
    assert_problem(await api.post(f"/api/v1/enrollments/{ENROLLMENT}/repair", json=body), 422, "invalid_body")
    assert api.nothing_appended()


# ---------------------------------------------------------------- the page


async def test_page_of_what_is_stuck_says_so_when_nothing_is(api, workflow):
    page = (await api.get("/stuck", headers={"Accept": "text/html"})).text
    assert "Nothing is stuck" in page
    assert 'href="/stuck" aria-current="page"' in page


async def test_page_of_what_is_stuck_shows_each_with_its_words(api, read_side, log, workflow):
    await waits(read_side, ago(hours=2))
    await write(log, "contact-events", 1, NOW_MS - 300_000)
    page = (await api.get("/stuck", headers={"Accept": "text/html"})).text
    assert "Partition 1" in page
    assert "Its timer was due, and has not fired." in page
    assert f'href="/enrollments/{ENROLLMENT}"' in page
    assert "2 h ago" in page
