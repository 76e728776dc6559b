"""Time travel and why over HTTP: the journal in a log, the read side as the projector made it, and answers of any moment."""

from typing import Any

import pytest

from domain import journal as j
from domain.partition import home_partition
from domain.times import format_time
from projections.migrations import migrate
from schemas.definition import compile_workflow
from streams.kafka.errors import ReadStalled
from tests.integration.api.caller import assert_problem
from tests.integration.api.conftest import PARTITIONS
from tests.support.engine_spec import CONTACT, DAY_MS, START_MS, Spec
from tests.support.journals import WORKFLOW, batches, define, imported, published, write
from tests.support.projecting import project_all
from tests.support.random_lives import ACTIONS, TAGS, named, random_life

NOW_MS = START_MS + 400 * DAY_MS
HOME = home_partition(CONTACT, PARTITIONS)
DOCUMENT = {
    "name": "Welcome",
    "trigger": {
        "type": "contact_created",
        "conditions": [{"field": "source", "operator": "equals", "value": "facebook_ad"}],
    },
    "steps": [
        {"id": "hi", "type": "send_sms", "config": {"body": "Hi {{first_name}}"}},
        {"id": "wait", "type": "delay", "config": {"duration": 1, "unit": "days"}},
        {
            "id": "check",
            "type": "condition",
            "config": {"field": "last_sms_reply", "operator": "exists"},
            "branches": {"true": "thank", "false": "remind"},
        },
        {"id": "thank", "type": "send_sms", "config": {"body": "Thanks"}, "next": "end"},
        {"id": "remind", "type": "send_sms", "config": {"body": "Hello?"}},
    ],
}


@pytest.fixture
def settings() -> dict:
    return {"clock": lambda: NOW_MS}


@pytest.fixture
def url(read_side) -> str:
    migrate(read_side.url)
    return str(read_side.url)


# ---------------------------------------------------------------- time travel


async def _bodies(api, contacts: list[str], at: str | None) -> dict[str, Any]:
    """All that the API tells of some contacts and workflows, by path; as of now, or of a moment."""
    query = {"limit": 500} | ({"at": at} if at else {})
    moment = {"at": at} if at else {}
    found = {}
    for contact in contacts:
        found[contact] = (await api.get(f"/api/v1/contacts/{contact}", params=moment)).body
        found[f"{contact} timeline"] = (await api.get(f"/api/v1/contacts/{contact}/timeline", params=query)).body
    for workflow in (ACTIONS, TAGS):
        found[f"stats {workflow}"] = (await api.get(f"/api/v1/workflows/{workflow}/stats", params=moment)).body
        # which enrollments there are now is asked without a moment: there are more of them today
        enrollments = (await api.get(f"/api/v1/workflows/{workflow}/enrollments", params={"limit": 500})).body
        for one in enrollments["items"]:
            path = f"/api/v1/enrollments/{one['id']}"
            found[one["id"]] = (await api.get(path, params=moment)).body
            found[f"{one['id']} steps"] = (await api.get(f"{path}/executions", params=query)).body
    return found


async def test_every_answer_about_the_past_is_the_one_that_was_given_then(api, log, url):
    await define(log, *[imported(one, name=name) for one, name in ((ACTIONS, "Actions"), (TAGS, "Tags"))])
    lives = {f"contact-{seed}": named(random_life(seed, 50).journal, f"contact-{seed}") for seed in range(5)}
    moment_ms = sorted(event.at_ms for life in lives.values() for event in life)[120]
    for life in lives.values():
        await write(log, *batches([event for event in life if event.at_ms <= moment_ms], [3, 7, 2, 9] * 9))
    await project_all(log, url)
    known = [contact for contact, life in lives.items() if life[0].at_ms <= moment_ms]
    then = await _bodies(api, known, None)
    for life in lives.values():
        await write(log, *batches([event for event in life if event.at_ms > moment_ms], [5, 1, 8] * 30))
    await project_all(log, url)
    now = await _bodies(api, known, None)
    assert any(now[path] != body for path, body in then.items()), "nothing happened since"
    asked = await _bodies(api, known, format_time(moment_ms))
    for path, body in then.items():
        assert asked[path] == body, path


async def test_executions_of_then_come_in_pages_too(api, log, url):
    await _welcome(log, url, _replied())
    enrollment = await _enrollment(api)
    path, query = f"/api/v1/enrollments/{enrollment}/executions", {"at": format_time(NOW_MS), "limit": 2}
    first = (await api.get(path, params=query)).body
    second = (await api.get(path, params=query | {"cursor": first["next_cursor"]})).body
    assert [item["step_id"] for item in first["items"] + second["items"]] == ["hi", "wait", "check", "thank"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("yesterday", "expected a time (RFC 3339, as 2026-05-01T08:00:00Z) or a date, found 'yesterday'"),
        ("2026-13-01", "expected a time"),
        ("", "expected a time"),
        ("2999-01-01", "expected a moment in the past"),
    ],
)
async def test_a_moment_that_is_none_is_refused_by_its_name(api, log, url, at, words):
    await _welcome(log, url, _replied())
    for path in (f"/contacts/{CONTACT}", f"/contacts/{CONTACT}/timeline", f"/workflows/{WORKFLOW}/stats"):
        problem = assert_problem(await api.get(f"/api/v1{path}", params={"at": at}), 422, "bad_at")
        assert problem["errors"][0]["parameter"] == "at"
        assert words in problem["detail"]


async def test_before_there_was_anything_it_is_told_since_when_there_is(api, log, url):
    await _welcome(log, url, _replied(), began_ms=START_MS)
    enrollment = await _enrollment(api)
    paths = [
        f"/contacts/{CONTACT}",
        f"/contacts/{CONTACT}/timeline",
        f"/contacts/{CONTACT}/why?workflow_id={WORKFLOW}",
        f"/enrollments/{enrollment}",
        f"/enrollments/{enrollment}/executions",
        f"/workflows/{WORKFLOW}/stats",
    ]
    for path in paths:
        join = "&" if "?" in path else "?"
        problem = assert_problem(await api.get(f"/api/v1{path}{join}at=2026-12-31"), 404, "not_found")
        assert "since 2027-01-1" in problem["detail"]
        assert problem["since"].endswith("Z")


async def test_a_plus_that_a_query_string_lost_is_understood(api, log, url):
    await _welcome(log, url, _replied())
    at = format_time(START_MS + 3_600_000)[:19]
    assert (await api.get(f"/api/v1/contacts/{CONTACT}?at={at}+01:00")).body["id"] == CONTACT


# ---------------------------------------------------------------- why


def _spec() -> Spec:
    return Spec(compile_workflow(DOCUMENT, workflow_id=WORKFLOW, version=1, templates={}))


def _replied() -> Spec:
    """Enrolled, greeted, has replied, and is being thanked."""
    spec = _spec().created(source="facebook_ad").started().outcome("succeeded", provider_id="SM1")
    return spec.fact("contact.sms_received", {"body": "hi"}, after_ms=1_000).timer(after_ms=DAY_MS)


def _advanced(offset: int, at_ms: int = START_MS, seq: int = 2) -> j.CatalogueAdvanced:
    return j.CatalogueAdvanced(seq=seq, at_ms=at_ms, contact_id=j.PARTITION_KEY, offset=offset)


async def _welcome(log, url, spec: Spec, *, began_ms: int = START_MS, before: int = 0) -> None:
    """The workflow and a contact's journal, projected; `before` events of it stand before the definitions' advance."""
    event = imported(WORKFLOW, at_ms=began_ms)
    import msgspec

    await define(log, msgspec.structs.replace(event, document=DOCUMENT), published(WORKFLOW, at_ms=began_ms))
    opened = j.PartitionOpened(seq=1, at_ms=START_MS, contact_id=j.PARTITION_KEY, fires_from_ms=0)
    await write(log, [opened], partition=HOME)
    if before:
        await write(log, spec.journal[:before])
    await write(log, [_advanced(2)], partition=HOME)
    await write(log, *batches(spec.journal[before:], [4, 4, 4]))
    await project_all(log, url)


async def _enrollment(api) -> str:
    items = (await api.get(f"/api/v1/workflows/{WORKFLOW}/enrollments")).body["items"]
    return str(items[0]["id"])


async def _why(api, **query: str) -> dict[str, Any]:
    query = query if "enrollment_id" in query else {"workflow_id": WORKFLOW, **query}
    reply = await api.get(f"/api/v1/contacts/{CONTACT}/why", params=query)
    assert reply.status == 200, reply.text
    return reply.body


async def test_why_it_was_enrolled_and_what_each_step_did(api, log, url):
    await _welcome(log, url, _replied())
    told = await _why(api)
    assert told["answer"].startswith("ada was enrolled in Welcome at 2027-01-15 08:00:00 (version 1), because")
    assert (told["workflow_status"], told["live_version"], told["reentry"]) == ("active", 1, "once")
    assert told["engine"]
    (one,) = told["considered"]
    assert (one["enrolled"], one["recomputed"], one["at"]) == (True, False, "2027-01-15T08:00:00Z")
    assert [operand["actual"] for operand in one["conditions"]] == ["facebook_ad"]
    (enrollment,) = told["enrollments"]
    assert [(step["step_id"], step["status"]) for step in enrollment["steps"]] == [
        ("hi", "completed"),
        ("wait", "completed"),
        ("check", "completed"),
        ("thank", "pending"),
    ]
    hi, wait, check, _ = enrollment["steps"]
    assert hi["send"]["request"] == {"to": "+1555", "body": "Hi Ada"}
    assert [(a["outcome"], a["provider_id"]) for a in hi["send"]["attempts"]] == [("succeeded", "SM1")]
    assert wait["due_at"] == "2027-01-16T08:00:00Z"
    assert (check["branch"], check["conditions"][0]["actual"]) == ("true", "hi")


async def test_why_it_was_not_enrolled_is_worked_out_and_says_so(api, log, url):
    await _welcome(log, url, _spec().created(source="google"))
    told = await _why(api)
    (one,) = told["considered"]
    assert (one["reason"], one["recomputed"], one["version"]) == ("conditions", True, 1)
    assert [(o["actual"], o["result"]) for o in one["conditions"]] == [("google", False)]
    assert told["enrollments"] == []


async def test_the_definitions_of_then_are_those_that_the_partition_went_by(api, log, url):
    """The definitions stand in the log, but the partition had not advanced to them when the contact was created."""
    spec = _spec()
    spec.entries = {}
    spec.created(source="facebook_ad")
    await _welcome(log, url, spec, before=1)
    (one,) = (await _why(api))["considered"]
    assert (one["reason"], one["version"]) == ("unknown", None)


async def test_why_a_step_was_not_done_and_why_an_enrollment_went_as_it_did(api, log, url):
    await _welcome(log, url, _replied())
    told = await _why(api, enrollment_id=await _enrollment(api), step_id="remind")
    assert told["stopped"]["reason"] == "other_branch"
    assert told["answer"].startswith("Step remind was not reached: step check took branch true to thank")
    at = format_time(START_MS + 2_000)
    told = await _why(api, step_id="remind", at=at)
    assert (told["stopped"]["reason"], told["at"]) == ("waiting", "2027-01-15T08:00:02Z")
    assert [step["step_id"] for step in told["enrollments"][0]["steps"]] == ["hi", "wait"]


async def test_questions_that_name_nothing(api, log, url):
    await _welcome(log, url, _replied())
    path, other = f"/api/v1/contacts/{CONTACT}/why", "0a000000-0000-4000-8000-00000000000f"
    nobody = await api.get("/api/v1/contacts/nobody/why", params={"workflow_id": WORKFLOW})
    assert "there is no contact 'nobody'" in assert_problem(nobody, 404, "not_found")["detail"]
    assert_problem(await api.get(path, params={"workflow_id": other}), 404, "not_found")
    assert_problem(await api.get(path, params={"enrollment_id": other}), 404, "not_found")
    assert "?workflow_id=" in assert_problem(await api.get(path), 400, "bad_query")["detail"]
    assert_problem(await api.get(path, params={"workflow_id": "welcome"}), 400, "bad_query")
    both = {"workflow_id": WORKFLOW, "enrollment_id": await _enrollment(api)}
    assert (await api.get(path, params=both)).status == 200


async def test_a_read_side_that_does_not_fit_the_log_says_to_rebuild_it(api, log, url):
    await _welcome(log, url, _replied())
    path = f"/api/v1/contacts/{CONTACT}/why?workflow_id={WORKFLOW}"
    await api.read_side.execute('UPDATE timeline SET "offset" = "offset" + 1000 WHERE seq = 3')
    assert "rebuild" in assert_problem(await api.get(path), 409, "not_indexed")["detail"]
    await api.read_side.execute('UPDATE timeline SET "offset" = NULL WHERE seq = 3')
    assert "headrace rebuild" in assert_problem(await api.get(path), 409, "not_indexed")["detail"]
    assert_problem(await api.get(f"/api/v1/contacts/{CONTACT}?at=2027-01-15T09:00:00Z"), 409, "not_indexed")


class Stalled:
    """A log whose brokers are away."""

    async def read(self, topic, partition, offset, *, limit):
        raise ReadStalled


@pytest.mark.parametrize("settings", [{"clock": lambda: NOW_MS, "commands": Stalled()}])
async def test_a_log_that_cannot_be_read_is_said_to_be_unavailable(api, log, url):
    await _welcome(log, url, _replied())
    at = format_time(START_MS + 2_000)
    asked = (
        f"/contacts/{CONTACT}",
        f"/contacts/{CONTACT}/why?workflow_id={WORKFLOW}",
        f"/workflows/{WORKFLOW}/stats",
    )
    for path in asked:
        join = "&" if "?" in path else "?"
        reply = await api.get(f"/api/v1{path}{join}at={at}")
        assert_problem(reply, 503, "log_unavailable")


# ---------------------------------------------------------------- the pages


async def test_pages_show_the_past_and_answer_why(api, log, url):
    await _welcome(log, url, _replied())
    then = "2027-01-15T08:00:00"
    page = (await api.get(f"/contacts/{CONTACT}?at={then}")).text
    assert "As it was at" in page
    assert "SMS received" not in page
    assert "SMS received" in (await api.get(f"/contacts/{CONTACT}?at=")).text
    enrollment = await _enrollment(api)
    page = (await api.get(f"/enrollments/{enrollment}?at={then}")).text
    assert "As it was at" in page
    assert "check" not in page
    page = (await api.get(f"/contacts/{CONTACT}?at=2027-01-16T08:00:00")).text
    assert "SMS received" in page
    assert "SMS received" not in (await api.get(f"/contacts/{CONTACT}?at=2027-01-15T08:00:00.500Z")).text
    page = (await api.get(f"/contacts/{CONTACT}/why?at={then}")).text
    assert "<option" in page
    page = (await api.get(f"/contacts/{CONTACT}/why?workflow_id={WORKFLOW}&step_id=remind&at=")).text
    assert "Step remind was not reached" in page
    page = (await api.get(f"/contacts/{CONTACT}/why?enrollment_id={enrollment}")).text
    assert "ada was enrolled in Welcome" in page
    assert (await api.get(f"/contacts/{CONTACT}/why?workflow_id=x")).status == 404
