"""Random lives of contacts, decided by the real engine: journals with everything in them that can happen."""

import random
import re
from typing import Any

from domain import command as c
from domain import journal as j
from domain.asking import ASK_AFTER_MS
from domain.engine import StartAttempt, TimerDue
from domain.enrollment import CLOSED, Enrollment
from domain.ids import deterministic_uuid
from domain.send_window import SendWindow
from domain.steps.wait_for_event import AwaitedDelivery
from domain.workflow import Lateness, Retry, Trigger, Workflow
from schemas.journal import decode_event, encode_event
from tests.support.engine_spec import CONTACT, Spec, step, workflow

ACTIONS = deterministic_uuid("workflow", "actions")
TAGS = deterministic_uuid("workflow", "tags")
EVENING = SendWindow(from_minute=17 * 60, to_minute=22 * 60)
WORKFLOWS: tuple[Workflow, ...] = (
    workflow(
        step("sms", "send_sms", body="Hi {{first_name}}", retry=Retry(max_attempts=2)),
        step("wait", "delay"),
        step(
            "hook",
            "http_request",
            retry=Retry(max_attempts=2),
            on_failure="continue",
            lateness=Lateness(50_000_000, "skip"),
        ),
        step(
            "mail",
            "send_email",
            on_failure="exit",
            to="a@example.test",
            lateness=Lateness(50_000_000, "exit"),
            send_window=EVENING,
        ),
        step(
            "answer",
            "wait_for_event",
            Trigger("sms_received", {"contains": "stop"}),
            AwaitedDelivery(step="mail", statuses=("delivered",)),
            seconds=100_000,
            branches={"received": None},
        ),
        step("mark", "add_tag", tag="cold"),
        id=ACTIONS,
        triggers=(Trigger("contact_created"), Trigger("tag_added", {"tag": "again"})),
        reentry="always",
    ),
    workflow(
        step("mark", "update_field", field="stage", value="cold"),
        step("wait", "delay", seconds=60),
        step("sms", "send_sms", body="{{nothing}}", when_unknown="retry", on_failure="continue"),
        step(
            "hear",
            "wait_for_event",
            Trigger("tag_added", {"tag": "again"}),
            Trigger("event", {"name": "something.else"}),
        ),
        id=TAGS,
        triggers=(Trigger("tag_added", {"tag": "cold"}),),
        reentry="after_exit",
    ),
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def random_life(seed: int, steps: int = 60, *, spec_type: type[Spec] = Spec, held: bool = True) -> Spec:
    """The journal and the final state of a contact to whom random things happened."""
    chance = random.Random(seed)
    asks = chance.choice(((), ASK_AFTER_MS))
    spec = spec_type(*WORKFLOWS, hold_late_ms=50_000_000 if held else None, ask_after_ms=asks).created(
        tags=["new"], custom_fields={"n": 1}
    )
    for _ in range(steps):
        after_ms = chance.choice((0, 1, 1_000, 100_000_000))
        enrollments = [one for one in spec.state.enrollments.values() if one.status not in CLOSED]
        if not enrollments or chance.random() < 0.15:
            _fact(spec, chance, after_ms)
        else:
            _on_enrollment(spec, chance, chance.choice(enrollments), after_ms)
    return spec


def _fact(spec: Spec, chance: random.Random, after_ms: int) -> None:
    kind, data = chance.choice(
        (
            ("contact.tag_added", {"tag": "again"}),
            ("contact.tag_removed", {"tag": "again"}),
            ("contact.tag_added", {"tag": 'odd\t"tag"\\ {x,\n}\r'}),
            ("contact.field_updated", {"field": "first_name", "value": "A\u0000da"}),
            ("contact.field_updated", {"field": "deep\u0000", "value": {"a": ["\u0000", None, 1.5, True]}}),
            (
                "contact.field_updated",
                {"field": "big", "value": chance.choice((1e16, 10**16, 1e23, -0.0, 0, 0.1, True, 1))},
            ),
            ("contact.sms_received", {"body": "stop that\nnow"}),
            ("something.else", {"x": [1, 2]}),
        )
    )
    spec.fact(kind, data, after_ms=after_ms)


def _on_enrollment(spec: Spec, chance: random.Random, one: Enrollment, after_ms: int) -> None:
    spec.now_ms += after_ms
    choice = chance.random()
    if one.status == "failed" and choice < 0.6:
        _command(spec, c.RetryEnrollment, one, how=chance.choice(("again", "succeeded", "skip")))
    elif one.status == "paused" and one.paused_by != "lateness" and choice < 0.7:
        _command(spec, c.ResumeEnrollment, one)
    elif spec.hold_late_ms is not None and (choice < 0.06 or (one.paused_by == "lateness" and choice < 0.9)):
        _repair(spec, chance, one)
    elif choice < 0.08:
        _command(spec, c.PauseEnrollment, one)
    elif choice < 0.11:
        _command(spec, c.CancelEnrollment, one)
    elif one.action is not None and one.action.status in ("running", "unknown") and choice < _answered(one):
        _outcome(spec, chance, one)
    elif one.awaits_event and choice < 0.4:
        _fact(spec, chance, 1)
    elif choice < (0.8 if one.awaits_event else 0.16) and (sent := _messages(spec, one)):
        _delivery(spec, chance, chance.choice(sent))
    else:
        _go_on(spec, one)


def _messages(spec: Spec, one: Enrollment) -> list[j.AttemptStarted]:
    started = [event for event in spec.journal if isinstance(event, j.AttemptStarted)]
    return [event for event in started if event.enrollment_id == one.id and event.channel is not None]


def _delivery(spec: Spec, chance: random.Random, sent: j.AttemptStarted) -> None:
    """A callback comes early, late or twice, of a message that was taken or is under way."""
    about = {name: getattr(sent, name) for name in ("enrollment_id", "step_id", "visit", "action_key", "channel")}
    spec.command(
        c.ReportDelivery, after_ms=1, **about, status=chance.choice(("sent", "delivered", "opened", "clicked"))
    )


def _command(spec: Spec, kind: type[c.Command], one: Enrollment, **fields: Any) -> None:
    spec.command(kind, enrollment_id=one.id, **fields)


def _repair(spec: Spec, chance: random.Random, one: Enrollment) -> None:
    visit = one.visits.get(one.step_id or "", 1)
    how = chance.choice(("run", "run", "skip", "exit"))
    _command(spec, c.RepairEnrollment, one, how=how, step_id=one.step_id or "", visit=visit, by="ana")


def _outcome(spec: Spec, chance: random.Random, one: Enrollment) -> None:
    assert one.action is not None
    outcome, fields = chance.choice(
        (
            ("succeeded", {"provider_id": "SM1", "output": {"status": "queued"}, "state": {"n": chance.random()}}),
            ("failed", {"code": "busy", "message": "try later", "retryable": True}),
            ("failed", {"code": "refused"}),
            ("unknown", {"code": "timeout"}),
            ("unknown", {"code": "not_found", "question": one.action.asked}),
        )
    )
    reported = {"outcome": outcome, "action_key": one.action.key, "attempt": one.action.attempt}
    _command(spec, c.ReportOutcome, one, **reported, **fields)


def _go_on(spec: Spec, one: Enrollment) -> None:
    spec.when(TimerDue(contact_id=CONTACT, enrollment_id=one.id))
    spec.when(
        StartAttempt(
            contact_id=CONTACT,
            enrollment_id=one.id,
            start_by_ms=spec.now_ms + 10_000,
            deadline_ms=spec.now_ms + 60_000,
        )
    )


def named(events: list[j.JournalEvent], contact_id: str) -> list[j.JournalEvent]:
    """The same journal as that of another contact, with ids of its own for all that is not a workflow."""

    def other(found: re.Match[str]) -> str:
        id_ = found.group()
        return id_ if id_ in (ACTIONS, TAGS) else deterministic_uuid(contact_id, id_)

    texts = [encode_event(event).decode().replace(f'"{CONTACT}"', f'"{contact_id}"') for event in events]
    texts = [text.replace('"command_id":"', f'"command_id":"{contact_id}-') for text in texts]
    return [decode_event(_UUID.sub(other, text).encode()) for text in texts]


def _answered(one: Enrollment) -> float:
    """How likely it is told of an outcome next; seldom while it waits to ask for one."""
    return 0.3 if one.timer is not None and one.timer.kind == "ask" else 0.9
