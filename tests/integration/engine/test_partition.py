"""The partition actor's rules (DESIGN 5.6), each on a real log: ownership, time, catalogue, and what may leave when."""

import asyncio
import sqlite3

import msgspec
import pytest

import streams.work as work_module
from domain import command as c
from domain import definition as d
from domain.action import ActionResult
from domain.conditions import Comparison
from domain.workflow import RateLimit, Trigger
from schemas.event_log_errors import Fenced
from schemas.journal import POSITIONS_HEADER, decode_positions
from schemas.topics import COMMANDS, CONTACT_EVENTS, JOURNAL
from streams.batch import Batch
from streams.store import StoreMismatch
from tests.support.engine_spec import DAY_MS, step, workflow
from tests.support.partition import START_MS, Partition

SMS = workflow(
    step("hi", "send_sms", body="Hi {{first_name}}"), step("wait", "delay"), step("tag", "add_tag", tag="done")
)
ADA = {"contact": {"first_name": "Ada", "phone": "+1555"}}


@pytest.fixture
async def partition(tmp_path):
    one = await Partition(tmp_path).open()
    yield one
    await one.close()


async def test_workflow_runs_from_record_to_record(partition):
    await partition.publish(SMS)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    assert partition.sends.calls == [{"to": "+1555", "body": "Hi Ada"}]
    partition.clock.now_ms += DAY_MS
    await partition.settle()
    assert (await partition.kinds("ada"))[-4:] == [
        "step_completed",
        "contact_changed",
        "step_completed",
        "enrollment_completed",
    ]
    (change,) = await partition.log.read("contact-changes", 0, 0, limit=10)
    headers = {name: value.decode() for name, value in change.headers}
    changed = next(
        event for event in await partition.journal("ada") if event.__struct_config__.tag == "contact_changed"
    )
    assert headers["ce_type"] == "contact.tag_added"
    assert headers["ce_source"] == "headrace"
    assert headers["ce_causationid"] == changed.id == "ada/9"
    assert headers["ce_enrollmentid"] == changed.enrollment_id
    assert (change.key, change.value) == (b"ada", b'{"tag":"done"}')


async def test_every_transaction_says_in_the_journal_how_far_the_inputs_were_read(partition):
    await partition.publish(SMS)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    await partition.raw(b"garbage", key=b"ada")
    await partition.settle()
    records = await partition.log.read(JOURNAL, 0, 0, limit=1_000)
    positions = [decode_positions(v) for record in records for name, v in record.headers if name == POSITIONS_HEADER]
    assert positions[-1] == {CONTACT_EVENTS: 2}
    assert records[-1].headers, "the last record of the journal ends a transaction"
    assert (await partition.journal())[-1].__struct_config__.tag == "inputs_advanced"


async def test_garbage_is_dead_lettered_with_its_reason_and_the_stream_goes_on(partition):
    await partition.publish(SMS)
    for value in (
        b"\xff\x00 no json",
        b"[]",
        b'{"type":"x"}',
        b'{"type":"contact.tag_added","contact_id":"ada","data":{"tag":5}}',
        None,
    ):
        await partition.raw(value)
    await partition.raw(b"{}", topic=COMMANDS)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    letters = await partition.dead_letters()
    reasons = sorted(letter["headrace-reason"] for letter in letters)
    assert reasons == ["bad_data", "no_contact_id", "not_json", "not_object", "tombstone", "unreadable_command"]
    assert {(one["headrace-topic"], one["headrace-offset"]) for one in letters} >= {
        (CONTACT_EVENTS, "0"),
        (COMMANDS, "0"),
    }
    assert len(partition.sends.calls) == 1


async def test_oversize_input_is_dead_lettered_before_deciding(tmp_path):
    partition = await Partition(tmp_path, max_input_bytes=1_000).open()
    await partition.fact("ada", "big", {"text": "x" * 2_000})
    await partition.settle()
    assert [letter["headrace-reason"] for letter in await partition.dead_letters()] == ["oversize"]
    assert await partition.journal("ada") == []
    await partition.close()


async def test_engine_failure_leaves_the_state_and_becomes_an_incident_with_its_input(partition, monkeypatch):
    await partition.publish(SMS)
    await partition.fact("ada", "contact.tag_added", {"tag": "a"})
    await partition.settle()
    real = work_module.decide

    def failing(state, given, context):
        if getattr(given, "type", "") == "boom":
            raise ZeroDivisionError("planted")
        return real(state, given, context)

    monkeypatch.setattr(work_module, "decide", failing)
    await partition.fact("ada", "boom", {"n": 1}, command_id="k")
    await partition.fact("ada", "contact.tag_added", {"tag": "b"})
    await partition.settle()
    result, incident, after = (await partition.journal("ada"))[-3:]
    assert (result.command_id, result.result, result.code) == ("k", "rejected", "engine_error")
    assert (incident.code, incident.personal.input["data"]) == ("engine_error", {"n": 1})
    assert "planted" in incident.personal.message
    assert after.event_type == "contact.tag_added"


async def test_failing_timer_stops_its_enrollment_instead_of_firing_for_ever(partition, monkeypatch):
    await partition.publish(workflow(step("wait", "delay")))
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    monkeypatch.setattr("domain.engine.complete_wait", lambda *_: 1 / 0)
    partition.clock.now_ms += DAY_MS
    await partition.settle()
    assert (await partition.kinds("ada"))[-1] == "incident_opened"
    assert partition.actor._store.next_due_ms() is None


async def test_nothing_leaves_before_its_own_commit(partition, monkeypatch):
    await partition.publish(SMS)
    await partition.settle()
    await partition.fact("ada", "contact.created", ADA)
    before = partition.actor._store.reflected

    async def failing(*_args):
        raise OSError("disk full")

    monkeypatch.setattr(partition.actor._writer, "commit", failing)
    await partition.deliver()
    with pytest.raises(OSError, match="disk full"):
        await partition.actor.cycle()
    assert partition.actor._store.reflected == before
    assert partition.actor._store.get("ada").seq == 0
    assert partition.dispatcher.in_flight == 0
    assert partition.sends.calls == []


async def test_fenced_owner_writes_nothing_more(partition):
    await partition.fact("ada", "ping")
    await partition.log.open_writer("headrace", 0)
    await partition.deliver()
    with pytest.raises(Fenced):
        await partition.actor.cycle()
    assert await partition.journal("ada") == []


async def test_record_that_someone_else_put_into_the_journal_stops_the_actor(partition):
    await partition.raw(b"{}", topic=JOURNAL)
    await partition.fact("ada", "ping")
    await partition.deliver()
    with pytest.raises((RuntimeError, StoreMismatch), match="expected offset"):
        await partition.actor.cycle()


async def test_gap_in_what_is_delivered_is_sought_back_and_repeats_are_skipped(partition):
    for name in ("a", "b", "c"):
        await partition.fact("ada", name)
    records = await partition.log.read(CONTACT_EVENTS, 0, 0, limit=10)
    actor = partition.actor
    await actor.take(Batch(CONTACT_EVENTS, 0, 1, tuple(records[1:]), 3))
    await actor.cycle()
    assert partition.sought == [(CONTACT_EVENTS, 0, 0)]
    assert actor.position(CONTACT_EVENTS) == 0
    await actor.take(Batch(CONTACT_EVENTS, 0, 0, tuple(records[:2]), 2))
    await actor.take(Batch(CONTACT_EVENTS, 0, 0, tuple(records), 3))
    await actor.cycle()
    assert [event.event_type for event in await partition.journal("ada")] == ["a", "b", "c"]
    assert actor.position(CONTACT_EVENTS) == 3


@pytest.mark.parametrize("loss", ["killed", "clean", "wiped", "foreign", "behind"])
async def test_whatever_became_of_the_local_state_the_journal_gives_it_back(tmp_path, loss):
    partition = await Partition(tmp_path).open()
    await partition.publish(SMS)
    store = partition.actor._store.path
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    if loss == "behind":
        partition.actor._store._db.execute("VACUUM INTO ?", (str(tmp_path / "older"),))
    await partition.fact("bob", "contact.created", ADA)
    await partition.settle()
    before = list(partition.actor._store.contents())
    await (partition.close() if loss == "clean" else partition.kill())
    if loss == "wiped":
        store.unlink()
    elif loss == "behind":
        for suffix in ("-wal", "-shm"):
            store.with_name(store.name + suffix).unlink(missing_ok=True)
        (tmp_path / "older").rename(store)
    elif loss == "foreign":
        with sqlite3.connect(store) as db:
            (body,) = db.execute("SELECT body FROM meta").fetchone()
            db.execute(
                "UPDATE meta SET body = ?", (msgspec.json.encode(msgspec.json.decode(body) | {"last_event": "ada/99"}),)
            )
        db.close()
    again = Partition(tmp_path)
    again.workflows = partition.workflows
    await again.open()
    assert list(again.actor._store.contents()) == before
    assert again.actor.position(CONTACT_EVENTS) == 2
    await again.settle()
    assert again.sends.calls == []
    again.clock.now_ms += DAY_MS
    await again.settle()
    assert (await again.kinds("bob"))[-1] == "enrollment_completed"
    await again.close()


async def test_lost_group_position_changes_nothing(partition, monkeypatch):
    await partition.publish(SMS)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    length = await partition.end(JOURNAL)

    async def expired(*_args):
        return None

    monkeypatch.setattr(partition.log, "committed", expired)
    await partition.actor.close()
    partition.actor._store.path.unlink()
    await partition.open_actor()
    assert partition.actor.position(CONTACT_EVENTS) == 1
    await partition.settle()
    assert await partition.end(JOURNAL) == length


async def test_call_that_was_in_flight_when_the_process_died_is_unknown_and_never_repeated(tmp_path):
    partition = await Partition(tmp_path).open()
    await partition.publish(SMS)
    hang = asyncio.Event()

    async def execute(contact, config, state):
        partition.sends.calls.append(config)
        await hang.wait()

    partition.sends.execute = execute
    await partition.fact("ada", "contact.created", ADA)
    await partition.deliver()
    await partition.actor.cycle()
    await asyncio.sleep(0)
    assert (await partition.kinds("ada"))[-1] == "attempt_started"
    await partition.kill()
    again = Partition(tmp_path)
    again.workflows = partition.workflows
    await again.open()
    await again.settle()
    assert (await again.kinds("ada"))[-1] == "attempt_started"
    again.clock.now_ms += again.settings.answer_within_ms
    await again.settle()
    assert (await again.kinds("ada"))[-1] == "attempt_unknown"
    again.clock.now_ms += again.settings.ask_after_ms[0]
    await again.settle()
    assert (await again.kinds("ada"))[-3:] == ["outcome_asked", "attempt_unknown", "incident_opened"]
    assert again.sends.calls == []
    hang.set()
    await partition.dispatcher.drain(5)
    await again.close()


async def test_a_message_that_the_provider_has_after_all_is_not_asked_about_any_more(tmp_path):
    partition = await Partition(tmp_path).open()
    await partition.publish(SMS)
    partition.sends.answer = ActionResult.unknown("connection_lost", "broken")
    questions = []

    async def reconcile(contact, config, question):
        questions.append((contact.id, config["body"], question.attempt))
        if len(questions) == 1:
            raise ConnectionRefusedError
        return ActionResult.succeeded(provider_id="SM7")

    partition.sends.reconcile = reconcile
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    assert (await partition.kinds("ada"))[-1] == "attempt_unknown"
    partition.clock.now_ms += partition.settings.ask_after_ms[0]
    await partition.settle()
    assert (await partition.kinds("ada"))[-2:] == ["outcome_asked", "attempt_unknown"]
    partition.clock.now_ms += 2 * partition.settings.ask_after_ms[0]
    await partition.settle()
    assert (await partition.kinds("ada"))[-4:-1] == ["outcome_asked", "attempt_succeeded", "step_completed"]
    assert questions == [("ada", "Hi Ada", 1)] * 2
    assert len(partition.sends.calls) == 1
    await partition.close()


async def test_a_question_that_was_under_way_when_the_process_died_is_put_again(tmp_path):
    partition = await Partition(tmp_path).open()
    await partition.publish(SMS)
    partition.sends.answer = ActionResult.unknown("connection_lost", "broken")
    hang = asyncio.Event()

    async def silent(contact, config, question):
        await hang.wait()

    partition.sends.reconcile = silent
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    partition.clock.now_ms += partition.settings.ask_after_ms[0]
    await partition.settle()
    await partition.kill()
    again = Partition(tmp_path)
    again.workflows = partition.workflows
    again.clock.now_ms = partition.clock.now_ms + again.settings.answer_within_ms

    async def found(contact, config, question):
        return ActionResult.succeeded(provider_id="SM7")

    again.sends.reconcile = found
    await again.open()
    await again.settle()
    again.clock.now_ms += 2 * again.settings.ask_after_ms[0]
    await again.settle()
    kinds = await again.kinds("ada")
    assert kinds.count("attempt_started") == 1
    assert kinds.count("outcome_asked") == 2
    assert "attempt_succeeded" in kinds
    hang.set()
    await partition.dispatcher.drain(5)
    await again.close()


async def test_what_was_cancelled_over_an_unknown_outcome_is_asked_about_after_a_restart_too(tmp_path):
    partition = await Partition(tmp_path).open()
    await partition.publish(SMS)
    partition.sends.answer = ActionResult.unknown("connection_lost", "broken")
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    unknown = (await partition.journal("ada"))[-1]
    await partition.command(
        c.CancelEnrollment(command_id="k", contact_id="ada", enrollment_id=unknown.enrollment_id, reason="operator")
    )
    await partition.settle()
    await partition.kill()
    again = Partition(tmp_path)
    again.workflows = partition.workflows
    again.clock.now_ms = unknown.ask_at_ms

    async def found(contact, config, question):
        return ActionResult.succeeded(provider_id="SM7")

    again.sends.reconcile = found
    await again.open()
    await again.settle()
    assert (await again.kinds("ada"))[-3:] == ["enrollment_cancelled", "outcome_asked", "attempt_succeeded"]
    assert again.actor.store.next_due_ms() is None
    await again.close()


async def test_action_waits_for_a_slot_in_order_of_its_request(tmp_path):
    partition = await Partition(tmp_path, slots=1).open()
    await partition.publish(SMS)
    free = asyncio.Event()

    async def execute(contact, config, state):
        partition.sends.calls.append(config)
        await free.wait()
        return ActionResult.succeeded()

    partition.sends.execute = execute
    for contact_id in ("a", "b", "c"):
        partition.clock.now_ms += 1
        await partition.fact(contact_id, "contact.created", {"contact": {"first_name": contact_id, "phone": "+1"}})
        await partition.deliver()
        await partition.actor.cycle()
    assert partition.actor._store.waiting("sms", 9) == [
        (one, next(iter(partition.actor._store.get(one).enrollments))) for one in ("b", "c")
    ]
    free.set()
    await partition.calls_end()
    await partition.settle()
    assert [call["body"] for call in partition.sends.calls] == ["Hi a", "Hi b", "Hi c"]
    await partition.close()


async def created(partition, *contact_ids):
    for contact_id in contact_ids:
        partition.clock.now_ms += 1
        await partition.fact(contact_id, "contact.created", {"contact": {"first_name": contact_id, "phone": "+1"}})
        await partition.settle()


def bodies(partition):
    return [call["body"] for call in partition.sends.calls]


async def test_messages_keep_to_the_channels_pace_and_to_their_order(tmp_path):
    partition = await Partition(tmp_path, per_second={"sms": 2.0}).open()
    await partition.publish(SMS)
    await created(partition, "a", "b", "c", "d", "e")
    assert bodies(partition) == ["Hi a", "Hi b"]
    assert 0 < partition.dispatcher.pace.next_s(["sms"]) <= 0.5
    partition.clock.now_ms += 500
    await partition.settle()
    assert bodies(partition) == ["Hi a", "Hi b", "Hi c"]
    partition.clock.now_ms += 60_000
    await partition.settle()
    assert bodies(partition) == ["Hi a", "Hi b", "Hi c", "Hi d", "Hi e"]
    await partition.close()


async def test_a_workflow_keeps_to_its_own_pace_and_holds_up_no_other(tmp_path):
    partition = await Partition(tmp_path, slots=1).open()
    slow = workflow(step("hi", "send_sms", body="slow {{first_name}}"), id="slow")
    await partition.publish(msgspec.structs.replace(slow, rate_limit=RateLimit(1, 60_000)))
    await created(partition, "a", "b", "c")
    assert bodies(partition) == ["slow a"]
    await partition.publish(workflow(step("hi", "send_sms", body="fast {{first_name}}"), id="fast"))
    await created(partition, "d")
    assert bodies(partition) == ["slow a", "fast d"]  # d's own slow one waits behind b and c
    for _ in range(3):
        partition.clock.now_ms += 60_000
        await partition.settle()
    assert bodies(partition) == ["slow a", "fast d", "slow b", "slow c", "slow d"]
    await partition.close()


async def test_unread_reply_beats_its_time_out(partition):
    check = step(
        "check", "condition", test=Comparison("last_sms_reply", "exists"), branches={"true": "yes", "false": "no"}
    )
    flow = workflow(
        step("wait", "delay"), check, step("yes", "add_tag", tag="yes", next=None), step("no", "add_tag", tag="no")
    )
    await partition.publish(flow)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    partition.clock.now_ms += 1_000
    await partition.fact("ada", "contact.sms_received", {"body": "here I am"})
    partition.clock.now_ms += DAY_MS
    assert not await partition.actor.cycle(), "the reply waits unread: the timer must not fire"
    await partition.settle()
    assert partition.actor._store.get("ada").contact.tags == ("yes",)


async def test_timer_fires_while_inputs_lag_once_they_are_past_its_time(partition):
    await partition.publish(workflow(step("wait", "delay"), step("tag", "add_tag", tag="late")))
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    partition.clock.now_ms += DAY_MS + 1
    await partition.fact("bob", "one")
    await partition.deliver()
    await partition.fact("bob", "two")  # unread, but later than the timer
    await partition.actor.cycle()
    assert partition.actor._store.get("ada").contact.tags == ("late",)


async def test_time_never_runs_backwards(partition):
    await partition.fact("ada", "one")
    await partition.settle()
    partition.clock.now_ms -= 60_000
    await partition.fact("ada", "two")
    await partition.settle()
    assert [event.at_ms for event in await partition.journal("ada")] == [START_MS, START_MS]


@pytest.mark.parametrize(("fires", "enrolled"), [(False, 0), (True, 1)])
async def test_input_older_than_the_very_first_start(tmp_path, fires, enrolled):
    partition = Partition(tmp_path, from_start_fires=fires)
    partition.open_actor = _nothing
    await partition.open()
    await partition.fact("ada", "contact.created", ADA)
    partition.clock.now_ms += 60_000
    del partition.open_actor
    await partition.open_actor()
    await partition.publish(SMS)
    await partition.settle()
    kinds = await partition.kinds("ada")
    assert kinds.count("enrolled") == enrolled
    assert partition.actor._store.get("ada").contact.first_name == "Ada"
    await partition.close()


async def _nothing():
    return None


async def test_catalogue_is_journaled_before_its_first_use(partition):
    await partition.publish(SMS)
    await partition.fact("ada", "contact.created", ADA)
    await partition.settle()
    kinds = [event.__struct_config__.tag for event in await partition.journal()]
    assert kinds.index("catalogue_advanced") < kinds.index("enrolled")
    advanced = next(event for event in await partition.journal() if event.__struct_config__.tag == "catalogue_advanced")
    assert (advanced.offset, advanced.contact_id) == (2, "")


async def test_pause_walks_all_open_enrollments_before_the_resume_is_in_force(partition):
    await partition.publish(workflow(step("wait", "delay")))
    people = [f"c{n:03}" for n in range(450)]
    for one in people:
        await partition.fact(one, "contact.created", ADA)
    await partition.settle()
    common = {"workflow_id": "w", "command_id": "x"}
    await partition.define(
        d.WorkflowPaused(at_ms=START_MS + 1_000, **common), d.WorkflowResumed(at_ms=START_MS + 11_000, **common)
    )
    partition.clock.now_ms += 20_000
    await partition.settle()
    for one in people:
        assert (await partition.kinds(one))[-2:] == ["enrollment_paused", "enrollment_resumed"]
    timers = {next(iter(partition.actor._store.get(one).enrollments.values())).timer.due_at_ms for one in people}
    assert timers == {START_MS + DAY_MS + 10_000}


async def test_walk_that_was_interrupted_goes_on_after_the_start(tmp_path):
    partition = await Partition(tmp_path).open()
    await partition.publish(workflow(step("wait", "delay")))
    people = [f"c{n:03}" for n in range(450)]
    for one in people:
        await partition.fact(one, "contact.created", ADA)
    await partition.settle()
    await partition.publish(workflow(step("other", "delay"), version=2), in_flight="cancel")
    await partition.actor.cycle()
    await partition.kill()
    again = Partition(tmp_path)
    again.workflows = partition.workflows
    await again.open()
    await again.settle()
    assert {(await again.kinds(one))[-1] for one in people} == {"enrollment_cancelled"}
    state = again.actor._store.reflected.partition
    assert state.reconciled_offset == state.catalogue_offset == 4
    await again.close()


async def test_outcome_that_another_process_reports_through_the_commands_is_taken(partition):
    await partition.publish(SMS)
    hang = asyncio.Event()

    async def execute(contact, config, state):
        await hang.wait()
        return ActionResult.succeeded()

    partition.sends.execute = execute
    await partition.fact("ada", "contact.created", ADA)
    await partition.deliver()
    await partition.actor.cycle()
    started = (await partition.journal("ada"))[-1]
    await partition.command(
        c.ReportOutcome(command_id="o", contact_id="ada", enrollment_id=started.enrollment_id,
                        action_key=started.action_key, attempt=1, outcome="succeeded", provider_id="SM7")
    )  # fmt: skip
    await partition.deliver()
    await partition.actor.cycle()
    assert (await partition.kinds("ada"))[-3:] == ["attempt_succeeded", "step_completed", "timer_set"]
    length = len(await partition.journal("ada"))
    hang.set()
    await partition.settle()
    assert len(await partition.journal("ada")) == length, "the same outcome a second time decides nothing"


async def test_enrolment_by_hand_through_the_commands(partition):
    await partition.publish(workflow(step("wait", "delay"), triggers=(Trigger("manual"),)))
    await partition.fact("ada", "contact.created", ADA)
    await partition.command(c.EnrollContact(command_id="k", contact_id="ada", workflow_id="w"))
    await partition.command(c.EnrollContact(command_id="k", contact_id="ada", workflow_id="w"))
    await partition.settle()
    assert (await partition.kinds("ada")).count("enrolled") == 1
