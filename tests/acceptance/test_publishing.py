"""DESIGN 5.2, 5.3 and 5.6, the life of a workflow: publish with contacts in flight, pause and resume, archive."""

import time

import pytest

from tests.support.headrace import at, fresh, step

WAIT = step("wait", "delay", duration=1, unit="hours")


def versions(headrace, *steps_of_versions, **more):
    """A workflow with so many versions, the first one live."""
    document = {"name": fresh("flight"), "trigger": {"type": "manual"}, "reentry": "always", **more}
    workflow = headrace.publish(document | {"steps": steps_of_versions[0]})
    for steps in steps_of_versions[1:]:
        headrace.upload(f"/workflows/{workflow['id']}/import", document | {"steps": steps})
    return workflow


def publish(headrace, workflow, expect=200, **body):
    return headrace.post(f"/workflows/{workflow['id']}/publish", body, expect=expect)


def state(headrace, enrollment):
    now = headrace.get(f"/enrollments/{enrollment['id']}")
    return now["status"], now["version"]


@pytest.mark.parametrize(
    ("in_flight", "expected"),
    [
        ("pin", ("active", 1)),
        ("drain", ("active", 1)),
        ("migrate", ("active", 2)),
        ("cancel", ("cancelled", 1)),
    ],
)
def test_contacts_in_flight(headrace, in_flight, expected):
    workflow = versions(headrace, [WAIT], [WAIT, step("t", "add_tag", tag="t")])
    before = headrace.enrol(workflow, headrace.contact())
    publish(headrace, workflow, version=2, in_flight=in_flight)
    assert state(headrace, before) == expected
    after = headrace.enrol(workflow, headrace.contact())
    assert state(headrace, after) == ("active", 2)


def test_pin_is_the_default_and_pinned_contacts_finish_on_their_version(hasty):
    short = step("wait", "delay", duration=1, unit="days")
    workflow = versions(hasty, [short, step("one", "exit", reason="one")], [short, step("two", "exit", reason="two")])
    before = hasty.enrol(workflow, hasty.contact())
    publish(hasty, workflow)
    after = hasty.enrol(workflow, hasty.contact())
    assert hasty.until(before["id"], "exited")["exit_reason"] == "one"
    assert hasty.until(after["id"], "exited")["exit_reason"] == "two"


def test_migrated_contacts_go_on_by_the_new_version(hasty):
    short = step("wait", "delay", duration=1, unit="days")
    workflow = versions(hasty, [short, step("one", "exit", reason="one")], [short, step("two", "exit", reason="two")])
    enrollment = hasty.enrol(workflow, hasty.contact())
    publish(hasty, workflow, in_flight="migrate")
    assert hasty.until(enrollment["id"], "exited")["exit_reason"] == "two"


def test_contact_at_a_step_that_the_new_version_lacks_stays_on_its_own(headrace):
    workflow = versions(headrace, [WAIT], [step("other", "delay")])
    enrollment = headrace.enrol(workflow, headrace.contact())
    publish(headrace, workflow, in_flight="migrate")
    assert state(headrace, enrollment) == ("active", 1)


@pytest.mark.parametrize(("in_flight", "expected"), [("cancel", ("cancelled", 2)), ("migrate", ("active", 1))])
def test_older_version_that_goes_live_again_deals_with_the_newer_ones_contacts(headrace, in_flight, expected):
    workflow = versions(headrace, [WAIT], [WAIT, step("t", "add_tag", tag="t")])
    publish(headrace, workflow, version=2)
    enrollment = headrace.enrol(workflow, headrace.contact())
    publish(headrace, workflow, version=1, in_flight=in_flight)
    assert state(headrace, enrollment) == expected


@pytest.mark.parametrize("in_flight", ["cancel", "migrate"])
def test_what_was_asked_of_one_publish_holds_for_contacts_before_it_only(headrace, in_flight):
    """Version 1 is live again after a publish that emptied it: its new contacts stay."""
    workflow = versions(headrace, [WAIT], [WAIT, step("t", "add_tag", tag="t")])
    publish(headrace, workflow, version=2, in_flight=in_flight)
    publish(headrace, workflow, version=1)
    contact_id = headrace.contact()
    enrollment = headrace.enrol(workflow, contact_id)
    headrace.send(contact_id, "order.paid", {})
    assert state(headrace, enrollment) == ("active", 1)


def test_publish_takes_the_latest_or_a_version_that_exists(headrace):
    workflow = versions(headrace, [WAIT], [WAIT, step("t", "exit")])
    assert publish(headrace, workflow)["published_version"] == 2
    assert publish(headrace, workflow, version=1)["published_version"] == 1
    assert publish(headrace, workflow, version=3, expect=404)["code"] == "not_found"
    assert publish(headrace, workflow, in_flight="explode", expect=422)["code"] == "invalid_body"
    assert publish(headrace, workflow, version=0, expect=422)
    assert publish(headrace, workflow, accept=["duplicate_step_id"], expect=422)


def test_publish_then_event_always_enrols(headrace):
    for _ in range(5):
        name = fresh("event")
        workflow = headrace.workflow(step("t", "exit"), trigger={"type": "event", "config": {"name": name}})
        contacts = [fresh("quick") for _ in range(4)]  # of several partitions
        for contact_id in contacts:
            headrace.send(contact_id, name, {})
        assert {one["contact_id"] for one in headrace.enrollments(workflow)} == set(contacts)


def test_paused_workflow_enrols_nobody_and_its_timers_shift(headrace):
    name = fresh("event")
    workflow = headrace.workflow(WAIT, triggers=[{"type": "event", "config": {"name": name}}])
    contact_id, late = headrace.contact(), headrace.contact()
    headrace.send(contact_id, name, {})
    (enrollment,) = headrace.enrollments(workflow)
    before = at(enrollment["next_action_at"])

    assert headrace.post(f"/workflows/{workflow['id']}/pause")["status"] == "paused"
    assert headrace.get(f"/enrollments/{enrollment['id']}")["status"] == "paused"
    headrace.send(late, name, {})
    assert len(headrace.enrollments(workflow)) == 1
    assert "trigger_skipped" in [one["type"] for one in headrace.timeline(late)], "it is recorded"
    headrace.post(f"/workflows/{workflow['id']}/enrollments", {"contact_id": late}, expect=409)
    headrace.post(f"/workflows/{workflow['id']}/pause", expect=409)
    time.sleep(0.3)  # it is this time by which the timer shifts

    assert headrace.post(f"/workflows/{workflow['id']}/resume")["status"] == "active"
    resumed = headrace.get(f"/enrollments/{enrollment['id']}")
    assert resumed["status"] == "active"
    assert (at(resumed["next_action_at"]) - before).total_seconds() >= 0.3
    headrace.post(f"/workflows/{workflow['id']}/resume", expect=409)
    headrace.send(late, name, {})
    assert len(headrace.enrollments(workflow)) == 2


def test_enrollment_that_its_operator_paused_stays_so_when_the_workflow_resumes(headrace):
    workflow = headrace.workflow(WAIT)
    enrollment = headrace.enrol(workflow, headrace.contact())
    headrace.post(f"/enrollments/{enrollment['id']}/pause")
    headrace.post(f"/workflows/{workflow['id']}/pause")
    headrace.post(f"/workflows/{workflow['id']}/resume")
    assert headrace.get(f"/enrollments/{enrollment['id']}")["status"] == "paused"


def test_archived_workflow_enrols_nobody_and_lets_contacts_finish(hasty):
    workflow = hasty.workflow(step("wait", "delay", duration=1, unit="days"), step("t", "exit", reason="done"))
    enrollment = hasty.enrol(workflow, hasty.contact())
    assert hasty.post(f"/workflows/{workflow['id']}/archive")["status"] == "archived"
    assert hasty.until(enrollment["id"], "exited")["exit_reason"] == "done"
    hasty.post(f"/workflows/{workflow['id']}/enrollments", {"contact_id": hasty.contact()}, expect=409)
    for verb in ("publish", "pause", "resume", "archive"):
        assert hasty.post(f"/workflows/{workflow['id']}/{verb}", expect=409)["code"] == "conflict"


def test_draft_enrols_nobody(headrace):
    draft = headrace.draft({"name": fresh("draft"), "trigger": {"type": "manual"}, "steps": [WAIT]})
    problem = headrace.post(f"/workflows/{draft['id']}/enrollments", {"contact_id": headrace.contact()}, expect=409)
    assert problem["code"] == "not_published"
    for verb in ("pause", "resume"):
        headrace.post(f"/workflows/{draft['id']}/{verb}", expect=409)
