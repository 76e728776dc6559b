"""A simulated history: the real engine's, the same for the same seed, and one that an engine can go on with."""

import asyncio
from pathlib import Path

import pytest

from domain import journal as j
from domain.times import format_time
from headrace.simulator.history import DAY_MS, NotEmpty, NotSimulated, Plan, simulate
from schemas.definition import parse_all
from schemas.journal import decode_event
from schemas.topics import CONTACT_EVENTS, DEFINITIONS, JOURNAL
from streams.embedded.reader import EmbeddedLogReader
from streams.opening import open_store
from streams.partition_settings import PartitionSettings
from streams.store import Identity, Store

EXAMPLES = Path(__file__).parents[3] / "examples"
WELCOME = parse_all((EXAMPLES / "new-lead-welcome.yaml").read_bytes())
OFFER = parse_all((EXAMPLES / "spring-offer.yaml").read_bytes())
ANSWER = parse_all((EXAMPLES / "offer-with-answer.yaml").read_bytes())
PLAN = Plan(contacts=120, days=30, seed=7, until_ms=1_800_000_000_000, partitions=2)


async def journal_of(directory: Path, partitions: int = 2) -> list[bytes]:
    reader = await EmbeddedLogReader.open(directory / "log")
    records = [await reader.read(JOURNAL, number, 0, limit=1_000_000) for number in range(partitions)]
    await reader.close()
    return [record.value for chunk in records for record in chunk]


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """The summary of a simulated history, its journal events, and where it is."""
    directory = tmp_path_factory.mktemp("simulated") / "data"
    summary = asyncio.run(simulate(WELCOME + OFFER + ANSWER, PLAN, directory))
    return summary, [decode_event(value) for value in asyncio.run(journal_of(directory))], directory


async def test_everything_that_workflows_can_do_happens(history):
    summary, events, _ = history
    happened = {type(event) for event in events}

    assert {
        j.Enrolled,
        j.TimerSet,
        j.AttemptSucceeded,
        j.StepFailed,
        j.ContactChanged,
        j.EnrollmentCompleted,
    } <= happened
    welcome, offer, answer = summary.workflows
    assert (welcome.name, offer.name) == ("New Lead Welcome Sequence", "Spring Offer")
    waits = [step for step in answer.steps if step.step_type == "wait_for_event"]
    assert [set(step.branches) for step in waits] == [{"received", "timeout"}] * 2, "for a reply, and for a click"
    check = next(step for step in welcome.steps if step.step_id == "check_reply")
    assert set(check.branches) == {"true", "false"}, "somebody answered, and somebody did not"
    assert {"completed", "exited"} <= offer.ends.keys()
    assert set(offer.messages) == {"email", "http", "sms"}


async def test_the_summary_says_what_stands_in_the_journal(history):
    summary, events, _ = history

    assert summary.journal_events == len(events)
    assert summary.facts == sum(isinstance(event, j.ContactEventAccepted) for event in events)
    assert summary.incidents == sum(isinstance(event, j.IncidentOpened) for event in events)
    for workflow in summary.workflows:
        ids = {e.enrollment_id for e in events if isinstance(e, j.Enrolled) and e.workflow_id == workflow.id}
        assert workflow.enrolled == len(ids) == sum(workflow.ends.values())
        ended = [e for e in events if isinstance(e, j.EnrollmentCompleted) and e.enrollment_id in ids]
        assert workflow.ends["completed"] == len(ended)
        for step in workflow.steps:
            visits = [e for e in events if getattr(e, "step_id", "") == step.step_id and e.enrollment_id in ids]
            assert step.completed == sum(isinstance(e, j.StepCompleted) for e in visits)
            entered = sum(isinstance(e, j.TimerSet | j.ActionRequested) for e in visits)
            if step.step_type in ("delay", "send_sms", "send_email", "http_request"):
                never_asked = sum(e.code in ("no_phone", "no_email") for e in visits if isinstance(e, j.StepFailed))
                assert entered - step.waiting == step.completed + step.failed - never_asked


async def test_it_ends_now_and_every_event_has_its_own_time(history):
    _, events, _ = history
    times = [event.at_ms for event in events if event.contact_id]

    assert PLAN.since_ms <= min(times) < PLAN.since_ms + DAY_MS * 3
    assert PLAN.until_ms - DAY_MS * 3 < max(times) <= PLAN.until_ms
    facts = [event for event in events if isinstance(event, j.ContactEventAccepted)]
    assert all(event.time == format_time(event.at_ms) for event in facts)
    assert not [e for e in events if isinstance(e, j.TimerSet) and e.due_at_ms < e.at_ms]


async def test_timers_fire_when_they_are_due(history):
    _, events, _ = history
    due = {(e.enrollment_id, e.step_id, e.visit): e.due_at_ms for e in events if isinstance(e, j.TimerSet)}
    done = [e for e in events if isinstance(e, j.StepCompleted) and e.step_type == "delay"]

    assert done
    assert [e for e in done if e.at_ms != due[e.enrollment_id, e.step_id, e.visit]] == []


async def test_an_engine_can_go_on_with_it(history, tmp_path):
    _, _, directory = history
    from streams.embedded.log import EmbeddedEventLog

    log = await EmbeddedEventLog.open(directory / "log", clock=lambda: PLAN.until_ms, fsync=False)
    for number in range(PLAN.partitions):
        anew = await open_store(log, number, PartitionSettings(directory=tmp_path / "anew"))
        kept = Store(
            directory / "store" / f"partition-{number}.sqlite", Identity(log.cluster_id, await log.topic_id(JOURNAL))
        )
        assert list(kept.contents()) == list(anew.contents()), "the store is not the fold of the journal"
        assert kept.reflected.offset == await log.end_offset(JOURNAL, number)
        assert kept.reflected.positions == anew.reflected.positions
        assert kept.reflected.partition == anew.reflected.partition
        assert kept.reflected.positions[CONTACT_EVENTS] == await log.end_offset(CONTACT_EVENTS, number), "input is left"
        assert kept.reflected.partition.catalogue_offset == await log.end_offset(DEFINITIONS, 0)
        assert (kept.next_due_ms() or PLAN.until_ms) >= PLAN.until_ms, "a timer was due and did not fire"
        assert not kept.waiting_channels(), "an action still waits for a slot"
        kept.close()
        anew.close()
    await log.close()


async def test_no_call_is_left_open_at_the_end(history):
    _, events, _ = history
    started = {(e.action_key, e.attempt) for e in events if isinstance(e, j.AttemptStarted)}
    ended = {
        (e.action_key, e.attempt)
        for e in events
        if isinstance(e, j.AttemptSucceeded | j.AttemptFailed | j.AttemptUnknown)
    }

    assert started == ended


async def test_the_same_seed_gives_the_same_history_and_another_one_another(tmp_path):
    for name, seed in (("first", 7), ("again", 7), ("other", 8)):
        await simulate(
            WELCOME,
            PLAN.__class__(contacts=20, days=5, seed=seed, until_ms=PLAN.until_ms, partitions=1),
            tmp_path / name,
        )
    first, again, other = [await journal_of(tmp_path / name, 1) for name in ("first", "again", "other")]

    assert first == again
    assert first != other


async def test_a_directory_with_a_history_is_left_alone(history):
    with pytest.raises(NotEmpty, match="has a history already"):
        await simulate(WELCOME, PLAN, history[2])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            b"name: W\ntrigger: {type: contact_created}\nsteps: [{id: a, type: delay, next: nowhere}]\n",
            "'W' has errors: .*nowhere",
        ),
        (b"kind: template\nname: t\nchannel: sms\nbody: hi\n", "found only templates"),
    ],
    ids=["errors", "templates only"],
)
async def test_what_can_not_run_is_refused(tmp_path, source, words):
    with pytest.raises(NotSimulated, match=words):
        await simulate(parse_all(source), PLAN, tmp_path / "data")
    assert not (tmp_path / "data").exists()
