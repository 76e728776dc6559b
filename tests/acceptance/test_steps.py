"""DESIGN 5.2, steps: what each kind does, what its execution shows, and what becomes of a failure."""

import asyncio
import json
from collections import Counter

import pytest

from schemas.topics import JOURNAL
from streams.embedded.reader import EmbeddedLogReader
from tests.support.headrace import SECRETS, at, fresh, step

DAY_S = 86_400


def test_send_sms_renders_its_text_and_reaches_the_contacts_phone(headrace):
    workflow = headrace.workflow(step("hi", "send_sms", body="Hi {{first_name}}, {{ nothing }}{{custom_fields.x}}!"))
    enrollment = headrace.run(workflow, headrace.contact(phone="+15551110000", custom_fields={"x": 5}))
    (message,) = headrace.messages(enrollment)
    assert {key: message[key] for key in ("channel", "to", "body", "action_key")} == {
        "channel": "sms",
        "to": "+15551110000",
        "body": "Hi Ada, 5!",
        "action_key": f"{enrollment['id']}/hi/1",
    }
    done = headrace.execution(enrollment, "hi")
    assert done["status"] == "completed"
    assert done["input_data"] == {"to": "+15551110000", "body": "Hi Ada, 5!"}
    assert done["output_data"]["message_id"] == message["provider_id"]
    assert (done["visit"], done["attempts"], done["error_message"]) == (1, 1, None)
    assert at(done["started_at"]) <= at(done["completed_at"])


def test_send_sms_to_another_number(headrace):
    workflow = headrace.workflow(step("hi", "send_sms", body="x", to="{{ custom_fields.boss }}"))
    enrollment = headrace.run(workflow, headrace.contact(custom_fields={"boss": "+15559990000"}))
    assert [one["to"] for one in headrace.messages(enrollment)] == ["+15559990000"]


def test_send_email_with_text_html_and_liquid(headrace):
    text = "{% if tags contains 'vip' %}Dear{% else %}Hi{% endif %} {{ first_name | upcase }}"
    workflow = headrace.workflow(
        step("text", "send_email", subject="S {{last_name}}", body=text),
        step("html", "send_email", subject="S", body="plain", html="<b>{{first_name}}</b>", to="boss@example.com"),
    )
    enrollment = headrace.run(workflow, headrace.contact(last_name="L", tags=["vip"]))
    text_mail, html_mail = headrace.messages(enrollment)
    assert (text_mail["channel"], text_mail["to"], text_mail["subject"], text_mail["body"]) == (
        "email",
        "ada@example.com",
        "S L",
        "Dear ADA",
    )
    assert (html_mail["to"], html_mail["html"]) == ("boss@example.com", "<b>Ada</b>")


def test_tags_and_fields(headrace):
    workflow = headrace.workflow(
        step("add", "add_tag", tag="from {{source}}"),
        step("again", "add_tag", tag="from {{source}}"),
        step("remove", "remove_tag", tag="old"),
        step("absent", "remove_tag", tag="never"),
        step("attribute", "update_field", field="last_name", value="of {{first_name}}"),
        step("custom", "update_field", field="score", value=7),
        step("nested", "update_field", field="plan", value={"name": "as it is", "on": True}),
        step("null", "update_field", field="email", value=None),
    )
    contact_id = headrace.contact(tags=["old"], source="tv")
    enrollment = headrace.run(workflow, contact_id)
    contact = headrace.get(f"/contacts/{contact_id}")
    assert contact["tags"] == ["from tv"]
    assert (contact["last_name"], contact["email"]) == ("of Ada", None)
    assert contact["custom_fields"] == {"score": 7, "plan": {"name": "as it is", "on": True}}
    changed = {one["step_id"]: one["output_data"].get("changed") for one in headrace.executions(enrollment)}
    assert (changed["add"], changed["again"], changed["remove"], changed["absent"]) == (True, False, True, False)


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({}, DAY_S),
        ({"duration": 90}, 90),
        ({"duration": 86400}, DAY_S),
        ({"unit": "hours"}, 3600),
        ({"duration": 1, "unit": "seconds"}, 1),
        ({"duration": 2, "unit": "minutes"}, 120),
        ({"duration": 1.5, "unit": "hours"}, 5400),
        ({"duration": 2, "unit": "days"}, 2 * DAY_S),
        ({"duration": 1, "unit": "weeks"}, 7 * DAY_S),
    ],
    ids=str,
)
def test_delay_units(headrace, config, seconds):
    workflow = headrace.workflow(step("wait", "delay", **config))
    enrollment = headrace.enrol(workflow, headrace.contact())
    wait = headrace.execution(enrollment, "wait")
    assert (wait["status"], wait["completed_at"]) == ("running", None)
    due = at(wait["output_data"]["delay_until"])
    assert (due - at(wait["started_at"])).total_seconds() == seconds
    now = headrace.get(f"/enrollments/{enrollment['id']}")
    assert (now["status"], now["current_step"]) == ("active", "wait")
    assert at(now["next_action_at"]) == due


def test_delay_of_nothing_is_done_at_once(headrace):
    workflow = headrace.workflow(step("wait", "delay", duration=0), step("t", "add_tag", tag="t"))
    assert headrace.path(headrace.run(workflow)) == ["wait", "t"]


def test_delay_ends_when_it_is_due(hasty):
    workflow = hasty.workflow(step("wait", "delay", duration=1, unit="days"), step("t", "add_tag", tag="t"))
    enrollment = hasty.run(workflow)
    wait = hasty.execution(enrollment, "wait")
    assert wait["status"] == "completed"
    assert at(wait["completed_at"]) >= at(wait["output_data"]["delay_until"])
    assert (at(wait["output_data"]["delay_until"]) - at(wait["started_at"])).total_seconds() == DAY_S


def test_wait_for_event_times_out_when_it_is_due(hasty):
    workflow = hasty.workflow(
        step("wait", "wait_for_event", event="never.comes", timeout={"duration": 1, "unit": "days"}, next="end"),
    )
    enrollment = hasty.run(workflow)
    done = hasty.execution(enrollment, "wait")
    assert done["output_data"]["branch"] == "timeout"
    assert (at(done["output_data"]["delay_until"]) - at(done["started_at"])).total_seconds() == DAY_S
    assert at(done["completed_at"]) >= at(done["output_data"]["delay_until"])


def test_ab_split_keeps_a_contacts_arm_and_keeps_to_the_weights(headrace):
    split = step("split", "ab_split", paths=["x", "y"], weights=[70, 30], branches={"x": "end", "y": "end"})
    workflow = headrace.workflow(split, reentry="always")
    contacts = [headrace.contact() for _ in range(60)]

    def arm(contact_id):
        return headrace.execution(headrace.run(workflow, contact_id), "split")["output_data"]["path"]

    arms = {contact_id: arm(contact_id) for contact_id in contacts}
    counts = Counter(arms.values())
    assert set(counts) == {"x", "y"}
    assert counts["x"] > counts["y"]
    assert {contact_id: arm(contact_id) for contact_id in contacts[:10]} == {one: arms[one] for one in contacts[:10]}


def test_ab_split_with_all_the_weight_on_one_arm(headrace):
    workflow = headrace.workflow(
        step("split", "ab_split", weights=[100, 0], branches={"a": "a", "b": "b"}),
        step("a", "exit", reason="a"),
        step("b", "exit", reason="b"),
    )
    assert {headrace.run(workflow, status="exited")["exit_reason"] for _ in range(12)} == {"a"}


async def journal_of(directory):
    """The values of all journal events of an instance that runs."""
    reader = await EmbeddedLogReader.open(directory / "log")
    try:
        parts = [await reader.read(JOURNAL, n, 0, limit=100_000) for n in range(await reader.partitions(JOURNAL))]
    finally:
        await reader.close()
    return [record.value for part in parts for record in part]


@pytest.mark.parametrize("kind", ["http_request", "webhook"])
def test_http_request_sends_what_was_rendered_and_keeps_what_was_answered(allowing, kind):
    request = step(
        "call",
        kind,
        url=allowing.sandbox + "/http/echo",
        headers={"X-Name": "{{first_name}}"},
        query={"q": "{{id}}"},
        json={"name": "{{first_name}}", "list": [1, "{{email}}"]},
        save={"sent": "json.name"},
    )
    workflow = allowing.workflow(request, step("t", "add_tag", tag="got {{ steps.call.output.sent }}"))
    contact_id = allowing.contact()
    enrollment = allowing.run(workflow, contact_id)
    (seen,) = allowing.requests(enrollment)
    assert (seen["method"], seen["channel"], seen["action_key"]) == ("POST", "http", f"{enrollment['id']}/call/1")
    done = allowing.execution(enrollment, "call")
    assert done["input_data"]["json"] == {"name": "Ada", "list": [1, "ada@example.com"]}
    assert done["output_data"]["status_code"] == 200
    answered = done["output_data"]["body"]
    assert (answered["query"], answered["json"], answered["headers"]["X-Name"]) == (
        {"q": contact_id},
        {"name": "Ada", "list": [1, "ada@example.com"]},
        "Ada",
    )
    assert allowing.get(f"/contacts/{contact_id}")["tags"] == ["got Ada"]


def test_secret_reaches_the_service_and_stands_nowhere_else(allowing):
    """DESIGN issue 6: by reference in definition, journal, log, answers, pages and dry run."""
    workflow = allowing.workflow(
        step(
            "call",
            "http_request",
            url=allowing.sandbox + "/http/secret/{{first_name}}",
            headers={"X-Token": "token {{ secrets.TOKEN }}"},
            json={"key": "{{secrets.TOKEN}}", "name": "{{first_name}}"},
            save={"told": "json.key"},
            sign="{{ secrets.SIGNING }}",
        ),
    )
    contact_id = allowing.contact(first_name="{{ secrets.TOKEN }}")
    run = allowing.post(f"/workflows/{workflow['id']}/test?contact_id={contact_id}")
    assert run["steps"][0]["input_data"]["json"]["key"] == "{{ secrets.TOKEN }}"
    enrollment = allowing.run(workflow, contact_id)
    (message,) = allowing.messages(enrollment)
    assert json.loads(message["body"]) == {"key": SECRETS["HEADRACE_SECRET_TOKEN"], "name": "{{ secrets.TOKEN }}"}
    done = allowing.execution(enrollment, "call")
    answered = done["output_data"]["body"]
    assert answered["headers"]["X-Token"] == "token {{ secrets.TOKEN }}"
    assert answered["headers"]["webhook-signature"].startswith("v1,")
    assert done["output_data"]["told"] == "{{ secrets.TOKEN }}"
    exported = allowing.call("GET", f"/api/v1/workflows/{workflow['id']}/export", expect=200)
    answers = [exported, enrollment, done, run, allowing.timeline(contact_id), allowing.process.output]
    kept = asyncio.run(journal_of(allowing.process.directory))
    assert any(b"{{ secrets.TOKEN }}" in one for one in kept)
    for value in SECRETS.values():
        assert value not in json.dumps(answers)
        assert [one for one in kept if value.encode() in one] == []


def test_unknown_secret_is_warned_of_and_fails_the_step_until_it_is_there(allowing):
    call = step("call", "http_request", url=allowing.sandbox + "/http/x", body="{{ secrets.GONE }}")
    workflow = allowing.workflow(call)
    assert [one["code"] for one in workflow["diagnostics"]] == ["unknown_secret"]
    enrollment = allowing.run(workflow, status="failed")
    assert allowing.incident(enrollment)["code"] == "unknown_secret"
    assert allowing.requests(enrollment) == []
    assert "HEADRACE_SECRET_GONE" in allowing.execution(enrollment, "call")["error_message"]


def test_http_request_reaches_no_private_address_unless_it_is_allowed(headrace):
    workflow = headrace.workflow(step("call", "http_request", url=headrace.sandbox + "/http/echo"))
    enrollment = headrace.run(workflow, status="failed")
    assert headrace.requests(enrollment) == []
    assert "HEADRACE_HTTP_ALLOW" in headrace.execution(enrollment, "call")["error_message"]


def test_exit_ends_as_exited_and_running_off_the_end_as_completed(headrace):
    exited = headrace.run(headrace.workflow(step("out", "exit"), step("never", "add_tag", tag="t")), status="exited")
    assert exited["exit_reason"] == "exit_step"
    assert headrace.path(exited) == ["out"]
    for enrollment in (exited, headrace.run(headrace.workflow(step("t", "add_tag", tag="t")))):
        assert enrollment["completed_at"] is not None
        assert (enrollment["current_step"], enrollment["next_action_at"]) == (None, None)


def test_next_and_end(headrace):
    workflow = headrace.workflow(
        step("one", "add_tag", tag="1", next="three"),
        step("two", "add_tag", tag="2", next="end"),
        step("three", "add_tag", tag="3", next="two"),
        step("four", "add_tag", tag="4"),
    )
    assert headrace.path(headrace.run(workflow)) == ["one", "three", "two"]


def test_a_step_that_is_entered_again_is_another_visit(headrace):
    workflow = headrace.workflow(
        step("hi", "send_sms", body="again"),
        step("pause", "delay", duration=0.2),
        step(
            "more",
            "condition",
            field="steps.count.output.old_value",
            operator="exists",
            branches={"true": "end", "false": "count"},
        ),
        step("count", "update_field", field="seen", value="{{now}}", next="second"),
        step("second", "condition", field="seen", operator="exists", branches={"true": "twice"}),
        step(
            "twice",
            "condition",
            field="tags",
            operator="contains",
            value="twice",
            branches={"true": "end", "false": "mark"},
        ),
        step("mark", "add_tag", tag="twice", next="hi"),
    )
    enrollment = headrace.run(workflow)
    visits = [(one["step_id"], one["visit"]) for one in headrace.executions(enrollment) if one["step_id"] == "hi"]
    assert visits == [("hi", 1), ("hi", 2)]
    assert [one["action_key"] for one in headrace.messages(enrollment)] == [
        f"{enrollment['id']}/hi/{n}" for n in (1, 2)
    ]


def test_a_circle_without_a_wait_becomes_an_incident_and_no_hang(headrace):
    document = {
        "name": fresh("circle"),
        "trigger": {"type": "manual"},
        "steps": [step("a", "add_tag", tag="t"), step("b", "remove_tag", tag="t", next="a")],
    }
    workflow = headrace.publish(document)
    assert [one["code"] for one in workflow["diagnostics"]] == ["cycle_without_wait"]
    enrollment = headrace.run(workflow, status="failed")
    assert headrace.incident(enrollment)["code"] == "step_guard"
