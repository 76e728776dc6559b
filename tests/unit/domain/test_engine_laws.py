"""Laws that hold for every history: the journal alone gives the state, byte for byte, and histories are legal."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import command as c
from domain.conditions import Comparison
from domain.contact_event import ContactEvent
from domain.engine import Reconcile, StartAttempt, TimerDue
from domain.enrollment import CLOSED, TRANSITIONS
from domain.evolve import evolve, initial
from domain.workflow import Trigger
from schemas.journal import decode_event, encode_event
from streams.agenda import due_enrollments, next_due_ms, pending_actions
from streams.store import encode_state
from tests.support.engine_spec import CONTACT, Spec, entry, step, workflow

WORKFLOWS = (
    workflow(
        step("hi", "send_sms"),
        step("wait", "delay", seconds=100),
        step("check", "condition", test=Comparison("last_sms_reply", "exists"), branches={"true": "a", "false": "b"}),
        step("a", "add_tag", tag="warm", next=None),
        step("b", "http_request", on_failure="continue"),
        step("again", "add_tag", tag="cold", next="wait"),
        triggers=(Trigger("contact_created"), Trigger("tag_added", {"tag": "lead"})),
        reentry="always",
    ),
    workflow(step("off", "remove_tag", tag="cold"), step("w", "delay", seconds=5), id="w2", triggers=(Trigger("tag_added"),), reentry="after_exit"),
)  # fmt: skip

FACTS = st.one_of(
    st.builds(lambda n: ("contact.created", {"contact": {"first_name": n, "phone": "+1"}}), st.sampled_from("ab")),
    st.builds(lambda t: ("contact.tag_added", {"tag": t}), st.sampled_from(["lead", "cold", "warm"])),
    st.builds(lambda t: ("contact.tag_removed", {"tag": t}), st.sampled_from(["lead", "cold"])),
    st.builds(lambda b: ("contact.sms_received", {"body": b}), st.sampled_from(["", "yes"])),
    st.builds(lambda v: ("contact.field_updated", {"field": "n", "value": v}), st.sampled_from([None, 1, "1", 2**70])),
)
ACTIONS = st.one_of(
    st.tuples(st.just("fact"), FACTS, st.integers(0, 6)),
    st.tuples(st.just("tick"), st.integers(0, 70_000)),
    st.tuples(st.just("start")),
    st.tuples(st.just("outcome"), st.sampled_from(["succeeded", "failed", "unknown"]), st.booleans()),
    st.tuples(st.just("command"), st.sampled_from([c.CancelEnrollment, c.PauseEnrollment, c.ResumeEnrollment, c.RetryEnrollment])),
    st.tuples(st.just("workflow"), st.sampled_from(["active", "paused"])),
)  # fmt: skip


def play(spec: Spec, action: tuple) -> None:
    match action:
        case ("fact", (type, data), n):
            event = ContactEvent(contact_id=CONTACT, source="crm", id=str(n), type=type, data=data)
            spec.when(
                event
                if n
                else ContactEvent(contact_id=CONTACT, source="x", id=str(len(spec.journal)), type=type, data=data)
            )
        case ("tick", ms):
            spec.now_ms += ms
            for enrollment_id in due_enrollments(spec.state, spec.now_ms):
                spec.when(TimerDue(contact_id=CONTACT, enrollment_id=enrollment_id))
        case ("start",):
            for one in pending_actions(spec.state):
                spec.when(
                    StartAttempt(
                        contact_id=CONTACT,
                        enrollment_id=one.enrollment_id,
                        start_by_ms=spec.now_ms + 1,
                        deadline_ms=spec.now_ms + 60_000,
                    )
                )
        case ("outcome", outcome, retryable):
            for one in list(spec.state.enrollments.values()):
                if one.action:
                    spec.when(
                        c.ReportOutcome(
                            command_id="",
                            contact_id=CONTACT,
                            enrollment_id=one.id,
                            action_key=one.action.key,
                            attempt=one.action.attempt,
                            outcome=outcome,
                            retryable=retryable,
                        )
                    )
        case ("command", kind):
            for one in list(spec.state.enrollments.values())[:1]:
                spec.command(kind, enrollment_id=one.id)
        case ("workflow", status):
            known = spec.entries["w"]
            changed = {"paused_at_ms": spec.now_ms} if status == "paused" else {"resumed_at_ms": spec.now_ms}
            if known.status != status:
                live = known.versions[1].compiled
                spec.with_catalogue(entry(live, status=status, **{"paused_at_ms": known.paused_at_ms, **changed}))
                spec.when(Reconcile(contact_id=CONTACT))


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, max_size=40))
def test_journal_alone_gives_the_state_after_every_step(actions):
    spec = Spec(*WORKFLOWS)
    replayed, folded = initial(CONTACT), 0
    for action in actions:
        play(spec, action)
        for event in spec.journal[folded:]:
            replayed = evolve(replayed, decode_event(encode_event(event)))
        folded = len(spec.journal)
        assert encode_state(replayed) == encode_state(spec.state)
        check_invariants(spec)
    check_history(spec)


def check_invariants(spec: Spec) -> None:
    """Nothing is stuck: whatever is open waits for a timer, a slot, a person, or the end of a pause."""
    for one in spec.state.enrollments.values():
        assert one.status not in CLOSED or (one.action and one.action.status == "running")
        if one.status == "active":
            waits_for_slot = one.action is not None and one.action.status == "requested"
            assert one.timer is not None or waits_for_slot, f"{one.id} is stuck"
        if one.status == "failed":
            assert one.incident_id is not None
    if due_enrollments(spec.state, 2**62):
        assert next_due_ms(spec.state) is not None


def check_history(spec: Spec) -> None:
    """Each enrollment's statuses follow the table; each action is asked for once, each attempt ends at most once."""
    moves = {"enrollment_completed": "completed", "enrollment_exited": "exited", "enrollment_cancelled": "cancelled",
             "enrollment_paused": "paused", "enrollment_resumed": "active", "enrollment_retried": "active"}  # fmt: skip
    status: dict[str, str] = {}
    keys, ends = [], []
    for seq, event in enumerate(spec.journal, 1):
        assert event.seq == seq
        kind, enrollment_id = event.__struct_config__.tag, getattr(event, "enrollment_id", None)
        if kind == "enrolled":
            status[enrollment_id] = "active"
        target = "failed" if kind == "incident_opened" and enrollment_id else moves.get(kind)
        if target:
            assert target in TRANSITIONS[status[enrollment_id]]
            status[enrollment_id] = target
        if kind == "action_requested":
            keys.append(event.action_key)
        if kind in ("attempt_succeeded", "attempt_started"):
            ends.append((kind, event.action_key, event.attempt))
    assert len(keys) == len(set(keys))
    assert len(ends) == len(set(ends))
