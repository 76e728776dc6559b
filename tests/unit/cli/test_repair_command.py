"""`headrace repair`, `stuck`, `pause` and `resume` against the API's contract."""

import json

import pytest

from headrace.cli.times import parse_span
from tests.unit.cli.conftest import AT, ENROLLMENT_ID, OTHER_ID, WORKFLOW_ID, page, workflow

REPAIR = f"/api/v1/enrollments/{ENROLLMENT_ID}/repair"
ENROLLMENT = {
    "id": ENROLLMENT_ID,
    "workflow_id": WORKFLOW_ID,
    "version": 1,
    "contact_id": "ada",
    "status": "active",
    "current_step": "wait",
    "state": {},
    "next_action_at": None,
    "enrolled_at": AT,
    "completed_at": None,
    "exit_reason": None,
}


def late(**changes):
    return {
        "kind": "held",
        "due_at": AT,
        "late_seconds": 7_500.0,
        "enrollment_id": ENROLLMENT_ID,
        "contact_id": "ada",
        "workflow_id": WORKFLOW_ID,
        "workflow_name": "Welcome",
        "version": 1,
        "step_id": "wait",
        "step_type": "delay",
        "visit": 1,
        "rule": None,
        "error_message": None,
        **changes,
    }


def refusal(code, detail="no"):
    return {"code": code, "detail": detail, "instance": REPAIR}


@pytest.fixture
def outage(headrace):
    """Three that are late: one that nobody says anything of, one to be skipped by its rule, one that failed."""
    headrace.on(
        "GET",
        "/api/v1/late",
        page(
            late(),
            late(enrollment_id=OTHER_ID, contact_id="bob", kind="wait", rule="skip", late_seconds=60.0),
            late(enrollment_id=OTHER_ID, contact_id="cyd", kind="failed", step_id="sms", step_type="send_sms", visit=2),
        ),
    )
    headrace.on("GET", "/api/v1/workflows", page(workflow()))
    headrace.on("POST", REPAIR, ENROLLMENT)
    headrace.on("POST", f"/api/v1/enrollments/{OTHER_ID}/repair", ENROLLMENT)


# ---------------------------------------------------------------- the plan


def test_plan_lists_what_is_late_and_does_nothing(call, headrace, outage):
    result = call("repair", "--plan")
    assert result.code == 0
    lines = [line.split() for line in result.out.splitlines()[2:]]
    assert [(line[2], line[3], line[4], line[-2], line[-1]) for line in lines] == [
        ("send_sms", "failed", "1", "leave", "nobody"),
        ("delay", "held", "1", "leave", "nobody"),
        ("delay", "wait", "1", "skip", "definition"),
    ]
    assert "2 h 5 min" in result.out
    assert "2 would be left alone" in result.err
    assert headrace.sent("POST") == []


def test_plan_is_what_happens_when_nothing_is_said(call, headrace, outage):
    assert call("repair").out == call("repair", "--plan").out


def test_plan_asks_for_what_is_selected(call, headrace, outage):
    call("repair", "--workflow", "Welcome", "--step", "wait", "--late", "2h")
    query = headrace.sent("GET")[-1].query
    assert (str(query["workflow_id"]), query["step_id"], query["late_seconds"]) == (WORKFLOW_ID, "wait", 7_200)
    call("repair")
    assert headrace.sent("GET")[-1].query["late_seconds"] == 60


def test_nothing_late_is_said_so(call, headrace):
    headrace.on("GET", "/api/v1/late", page())
    assert "nothing is late" in call("repair").err


# ---------------------------------------------------------------- applying it


def test_what_its_rule_says_is_done_and_the_rest_is_left_alone(call, headrace, outage):
    result = call("repair", "--apply", "--by", "ana", "--note", "Friday")
    assert result.code == 0
    (sent,) = headrace.sent("POST")
    assert sent.path == f"/api/v1/enrollments/{OTHER_ID}/repair"
    assert sent.body == {"as": "skip", "step_id": "wait", "visit": 1, "by": "ana", "note": "Friday"}
    assert "2 were left alone" in result.out


def test_what_is_said_decides_for_all_that_is_selected(call, headrace, outage):
    result = call("repair", "--apply", "--as", "run", "--rate", "1000", "--json")
    assert result.code == 0
    assert sorted((sent.body["as"], sent.body["step_id"], sent.body["visit"]) for sent in headrace.sent("POST")) == [
        ("run", "sms", 2),
        ("run", "wait", 1),
        ("run", "wait", 1),
    ]
    assert result.json["results"] == {"repaired": 3}
    assert result.json["left"] == 0


def test_one_kind_alone_is_repaired(call, headrace, outage):
    call("repair", "--apply", "--as", "exit", "--kind", "held")
    (sent,) = headrace.sent("POST")
    assert (sent.path, sent.body["as"]) == (REPAIR, "exit")


def test_who_does_it_is_told_even_if_nobody_says(call, headrace, outage):
    call("repair", "--apply", "--as", "run", "--kind", "held")
    assert headrace.sent("POST")[0].body["by"]


def test_saved_plan_can_be_edited_and_is_applied_under_the_same_keys_again(call, headrace, outage, tmp_path):
    assert call("repair", "--plan", "-o", "plan.json").code == 0
    plan = json.loads((tmp_path / "plan.json").read_text())
    (held,) = [group for group in plan["groups"] if group["kind"] == "held"]
    held["do"] = "run"
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    for _ in range(2):
        result = call("repair", "--apply", "plan.json", "--json")
        assert result.json["results"] == {"repaired": 2}
        assert result.json["left"] == 1
    keys = [sent.key for sent in headrace.sent("POST")]
    assert sorted(keys[:2]) == sorted(keys[2:])
    assert len({(sent.path, sent.key) for sent in headrace.sent("POST")}) == 2


@pytest.mark.parametrize("code", ["moved_on", "not_late"])
def test_what_went_on_by_itself_is_no_failure(call, headrace, outage, code):
    headrace.on("POST", REPAIR, ENROLLMENT)
    headrace._answers["POST", REPAIR].clear()
    headrace.on("POST", REPAIR, refusal(code), status=409)
    result = call("repair", "--apply", "--as", "run", "--kind", "held")
    assert result.code == 0
    assert code in result.out


def test_refusal_is_told_with_its_reason_and_the_others_get_their_turn(call, headrace, outage):
    headrace._answers["POST", REPAIR].clear()
    headrace.on("POST", REPAIR, refusal("outcome_unknown", "nobody knows"), status=409)
    result = call("repair", "--apply", "--as", "run")
    assert result.code == 1
    assert "ada at wait (outcome_unknown): nobody knows" in result.err
    assert len(headrace.sent("POST")) == 3


# ---------------------------------------------------------------- wrong calls


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--plan", "--apply"), "found both"),
        (("plan.json",), "--apply with a plan's file"),
        (("--apply", "plan.json", "--as", "run"), "a plan's file, or"),
        (("--apply", "-o", "plan.json"), "-o only with --plan"),
        (("--late", "soon"), "expected a span of time"),
        (("--rate", "0"), "--rate"),
        (("--as", "mend"), "--as"),
    ],
)
def test_calls_that_make_no_sense_say_what_would(call, headrace, arguments, words):
    result = call("repair", *arguments)
    assert result.code == 2
    assert words in result.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "expected a plan"),
        ('{"id": "1", "groups": [], "extra": 1}', "unknown field `extra`"),
        ('{"format": "2", "id": "1", "groups": []}', "expected `format` to be headrace-repair-plan/1, found '2'"),
    ],
)
def test_file_that_is_no_plan_is_refused(call, headrace, tmp_path, text, words):
    (tmp_path / "plan.json").write_text(text)
    result = call("repair", "--apply", "plan.json")
    assert result.code == 1
    assert words in result.err


def test_word_that_no_repair_knows_is_refused_before_anything_is_sent(call, headrace, outage, tmp_path):
    call("repair", "--plan", "-o", "plan.json")
    text = (tmp_path / "plan.json").read_text().replace('"do": "skip"', '"do": "drop"')
    (tmp_path / "plan.json").write_text(text)
    result = call("repair", "--apply", "plan.json")
    assert result.code == 1
    assert "do` to be one of run, skip, exit, leave, found 'drop'" in result.err
    assert headrace.sent("POST") == []


def test_plan_that_is_not_there_is_a_clear_error(call, headrace):
    assert "make one with" in call("repair", "--apply", "nowhere.json").err


def test_headrace_that_goes_away_ends_it_and_says_how_to_go_on(command, call, headrace, outage, tmp_path):
    call("repair", "--plan", "--as", "run", "-o", "plan.json")
    result = command("repair", "--apply", "plan.json", "--url", "http://127.0.0.1:9")
    assert result.code == 3
    assert "apply it again, and it goes on from there" in result.err


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1m 30s", 90), ("6h", 21_600), ("2d", 172_800), ("1w", 604_800), ("500ms", 0.5)]
)
def test_span_of_time(text, seconds):
    assert parse_span(text) == seconds


# ---------------------------------------------------------------- stuck, pause, resume


def test_stuck_is_told_with_its_words_and_fails(call, headrace):
    stuck = {
        "kind": "enrollment",
        "reason": "timer_overdue",
        "message": "its timer was due, and has not fired",
        "mend": "see that a worker owns its partition",
        "since": AT,
        "enrollment_id": ENROLLMENT_ID,
        "contact_id": "ada",
        "workflow_id": WORKFLOW_ID,
        "workflow_name": "Welcome",
        "step_id": "wait",
        "partition": None,
    }
    behind = dict.fromkeys(stuck) | {
        "kind": "partition",
        "reason": "inputs_behind",
        "message": "it lags",
        "mend": "add workers",
        "partition": 3,
    }
    headrace.on("GET", "/api/v1/stuck", page(behind, stuck))
    result = call("stuck")
    assert result.code == 1
    assert "partition 3" in result.out
    assert "its timer was due, and has not fired" in result.out
    assert "timer_overdue: see that a worker owns its partition" in result.err
    assert call("stuck", "--json").json == {"items": [behind, stuck]}


def test_nothing_stuck_is_said_so(call, headrace):
    headrace.on("GET", "/api/v1/stuck", page())
    result = call("stuck")
    assert (result.code, result.err) == (0, "nothing is stuck\n")


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_workflow_is_paused_and_resumed_by_its_name(call, headrace, verb):
    headrace.on("GET", "/api/v1/workflows", page(workflow()))
    headrace.on("GET", f"/api/v1/workflows/{WORKFLOW_ID}", workflow())
    headrace.on("POST", f"/api/v1/workflows/{WORKFLOW_ID}/{verb}", workflow())
    result = call(verb, "Welcome")
    assert result.code == 0
    assert WORKFLOW_ID in result.out
    assert call(verb, "Welcome", "--json").json == workflow()
    assert [sent.path for sent in headrace.sent("POST")] == [f"/api/v1/workflows/{WORKFLOW_ID}/{verb}"] * 2
