"""From a result to the report: only what the journal can hold, in engine time."""

import pytest

from domain.action import ActionResult
from streams.attempt import Attempt
from streams.outcome import MAX_OUTPUT_BYTES, report_of

ATTEMPT = Attempt(
    action_key="e/s/1",
    attempt=2,
    enrollment_id="e",
    contact_id="c",
    step_id="s",
    step_type="greet",
    channel="greet",
    request={},
    contact={},
    state={"n": 1},
    start_by_ms=0,
    deadline_ms=0,
)


def test_the_commands_id_names_the_attempt_and_its_outcome():
    report = report_of(ATTEMPT, ActionResult.succeeded({"a": 1}, provider_id="P1"), time_scale=1.0)
    assert report.command_id == "e/s/1/2/succeeded"
    assert (report.contact_id, report.enrollment_id, report.attempt) == ("c", "e", 2)
    assert (report.outcome, report.output, report.provider_id) == ("succeeded", {"a": 1}, "P1")


def test_a_providers_wish_is_scaled_into_engine_time():
    result = ActionResult.failed("busy", "busy", retryable=True, retry_after_ms=1_500)
    assert report_of(ATTEMPT, result, time_scale=60.0).retry_after_ms == 90_000


@pytest.mark.parametrize(("state", "reported"), [(None, None), ({"n": 1}, None), ({"n": 2}, {"n": 2}), ({}, {})])
def test_only_a_changed_state_is_reported(state, reported):
    assert report_of(ATTEMPT, ActionResult.succeeded(state=state), time_scale=1.0).state == reported


def test_an_output_that_is_no_json_does_not_undo_the_success():
    report = report_of(ATTEMPT, ActionResult.succeeded({"socket": object()}), time_scale=1.0)
    assert report.outcome == "succeeded"
    assert "not representable" in report.output["left_out"]


def test_an_output_that_is_too_large_is_left_out():
    report = report_of(ATTEMPT, ActionResult.succeeded({"x": "y" * MAX_OUTPUT_BYTES}), time_scale=1.0)
    assert "bytes are more than" in report.output["left_out"]


def test_values_become_plain_json():
    report = report_of(ATTEMPT, ActionResult.succeeded({"pair": (1, 2)}), time_scale=1.0)
    assert report.output == {"pair": [1, 2]}
