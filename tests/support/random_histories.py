"""Random histories of a contact with several workflows, pauses and operators, and what happened burst by burst."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from domain import command as c
from domain import journal as j
from domain.asking import ASK_AFTER_MS
from domain.catalogue import Catalogue
from domain.conditions import Comparison
from domain.engine import Input, StartAttempt, TimerDue
from domain.enrollment import CLOSED, Enrollment
from domain.frequency import FrequencyCap
from domain.ids import deterministic_uuid
from domain.send_window import SendWindow
from domain.steps.wait_for_event import AwaitedDelivery
from domain.workflow import Lateness, Retry, Trigger, Workflow
from tests.support.backtests import Happening
from tests.support.engine_spec import CONTACT, Spec, step, workflow

ACTIONS = deterministic_uuid("workflow", "actions")
TAGS = deterministic_uuid("workflow", "tags")
REPLIES = deterministic_uuid("workflow", "replies")
EVENING = SendWindow(from_minute=17 * 60, to_minute=22 * 60)
WORKFLOWS: tuple[Workflow, ...] = (
    workflow(
        step(
            "sms",
            "send_sms",
            body="Hi {{first_name}} {{event.id}}",
            retry=Retry(max_attempts=2),
            frequency_cap=FrequencyCap(messages=2, span_ms=150_000_000),
        ),
        step(
            "warm", "condition", test=Comparison("tags", "contains", "warm"), branches={"true": "mark", "false": "wait"}
        ),
        step("wait", "delay"),
        step(
            "answer",
            "wait_for_event",
            Trigger("sms_received", {"contains": "yes"}),
            AwaitedDelivery(step="sms", statuses=("delivered",)),
            Trigger("event", {"name": "something.else"}, Comparison("tags", "contains", "again")),
            seconds=100_000,
            lateness=Lateness(50_000_000, "skip"),
            branches={"received": "hook", "timeout": "mail"},
        ),
        step(
            "hook",
            "http_request",
            retry=Retry(max_attempts=2),
            on_failure="continue",
            lateness=Lateness(50_000_000, "skip"),
        ),
        step("mail", "send_email", on_failure="exit", to="{{stage}}@example.test", send_window=EVENING),
        step("mark", "add_tag", tag="cold"),
        id=ACTIONS,
        triggers=(Trigger("contact_created"), Trigger("tag_added", {"tag": "again"})),
        reentry="always",
    ),
    workflow(
        step("mark", "update_field", field="stage", value="cold"),
        step("wait", "delay", seconds=60),
        step("split", "ab_split", branches={"a": "sms", "b": "hear"}),
        step(
            "sms",
            "send_sms",
            body="{{stage}} {{last_sms_reply}}",
            next="hear",
            lateness=Lateness(50_000_000, "exit"),
            send_window=EVENING,
        ),
        step(
            "hear",
            "wait_for_event",
            Trigger("tag_removed", {"tag": "again"}),
            Trigger("tag_added", {"tag": "warm"}),
            Trigger("field_updated", {"field": "first_name"}),
            AwaitedDelivery(step="sms", statuses=("failed", "unsubscribed")),
        ),
        step("unmark", "remove_tag", tag="cold"),
        step("again", "add_tag", tag="{{steps.hear.output.data.tag | default: 'again'}}"),
        id=TAGS,
        triggers=(Trigger("tag_added", {"tag": "cold"}),),
        reentry="after_exit",
    ),
    workflow(
        step(
            "replied",
            "condition",
            test=Comparison("tags", "contains", "cold"),
            branches={"true": "sms", "false": "heat"},
        ),
        step(
            "sms",
            "send_sms",
            body="You said {{contact.last_sms_reply}}",
            on_failure="continue",
            frequency_cap=FrequencyCap(messages=1, span_ms=150_000_000, channel="sms", skips=True),
        ),
        step("rest", "delay", seconds=3_600, lateness=Lateness(50_000, "skip")),
        step("warn", "send_sms", body="{{first_name}}?", on_failure="continue", lateness=Lateness(90_000_000, "run")),
        step("heat", "add_tag", tag="warm"),
        step("cool", "remove_tag", tag="again"),
        id=REPLIES,
        triggers=(
            Trigger("sms_received"),
            Trigger("field_updated", {"field": "first_name", "from": "Bea"}),
            Trigger("tag_added", {"tag": "again"}),
        ),
        reentry="after_exit",
    ),
)


class History:
    """A contact's journal as the engine wrote it, cut where a burst may end; and the catalogues between."""

    def __init__(self, seed: int, *, steps: int = 60) -> None:
        self.chance = random.Random(seed)
        order = list(WORKFLOWS)
        self.chance.shuffle(order)
        self.spec = Spec(
            *order,
            hold_late_ms=self.chance.choice((None, 0, 50_000_000)),
            ask_after_ms=self.chance.choice(((), ASK_AFTER_MS)),
        )
        self.happened: list[Happening] = []
        self._advanced()
        self._waiting_for_walk: str | None = None
        self._deciding(lambda: self.spec.created(tags=["new"], custom_fields={"n": 1}))
        for _ in range(steps):
            self._step(self.chance.choice((0, 0, 1, 1_000, 100_000, 100_000_000)))
        if self._waiting_for_walk:
            self._walk()

    @property
    def events(self) -> list[j.JournalEvent]:
        return [event for item in self.happened if isinstance(item, list) for event in item]

    @property
    def sent(self) -> list[j.AttemptStarted]:
        started = [event for event in self.spec.journal if isinstance(event, j.AttemptStarted)]
        return [event for event in started if event.step_id != "hook"]

    @property
    def until_ms(self) -> int:
        return self.spec.now_ms + 1

    def _deciding(self, decide: Any) -> None:
        before = len(self.spec.journal)
        decide()
        if len(self.spec.journal) > before:
            self.happened.append(self.spec.journal[before:])

    def _step(self, after_ms: int) -> None:
        spec, chance = self.spec, self.chance
        spec.now_ms += after_ms
        open_ones = [one for one in spec.state.enrollments.values() if one.status not in CLOSED]
        choice = chance.random()
        if self._waiting_for_walk and choice < 0.3:
            self._walk()
        elif choice < 0.05 and not self._waiting_for_walk:
            self._switch()
        elif choice < 0.09:
            self._command(c.EnrollContact, workflow_id=chance.choice(WORKFLOWS).id)
        elif choice < 0.11:
            allowed = chance.random() < 0.6
            self._command(c.ChangeConsent, channel="sms", address="+1555", allowed=allowed, reason="told")
        elif choice < 0.16 and self.sent:
            self._delivery(chance.choice(self.sent))
        elif not open_ones or choice < 0.25:
            self._fact()
        else:
            self._on_enrollment(chance.choice(open_ones))

    def _advanced(self) -> None:
        self.happened.append(("advanced", Catalogue(entries=dict(self.spec.entries)), self.spec.now_ms))

    def _switch(self) -> None:
        """Pause or resume a workflow: its catalogue is in force at once, its enrollments hear of it by and by."""
        spec = self.spec
        entry = spec.entries[self.chance.choice(WORKFLOWS).id]
        if entry.status == "active":
            changed = msgspec.structs.replace(entry, status="paused", paused_at_ms=spec.now_ms)
        else:
            changed = msgspec.structs.replace(entry, status="active", resumed_at_ms=spec.now_ms)
        spec.entries[entry.id] = changed
        self._advanced()
        self._waiting_for_walk = entry.id

    def _walk(self) -> None:
        self._deciding(self.spec.reconciled)
        self.happened.append(("reconciled", Catalogue(entries=dict(self.spec.entries)), self.spec.now_ms))
        self._waiting_for_walk = None

    def _fact(self) -> None:
        kind, data = self.chance.choice(
            (
                ("contact.tag_added", {"tag": "again"}),
                ("contact.tag_added", {"tag": "cold"}),
                ("contact.tag_removed", {"tag": "cold"}),
                ("contact.tag_removed", {"tag": "again"}),
                ("contact.field_updated", {"field": "first_name", "value": self.chance.choice(("Ada", "Bea"))}),
                ("contact.sms_received", {"body": self.chance.choice(("yes", "no", "stop", "start"))}),
                ("something.else", {"x": [1, 2]}),
            )
        )
        fields: dict[str, Any] = {"causation_id": f"{CONTACT}/1"} if self.chance.random() < 0.05 else {}
        if self.chance.random() < 0.1:
            fields["command_id"] = f"api-{len(self.spec.journal)}"
        self._deciding(lambda: self.spec.fact(kind, data, **fields))

    def _on_enrollment(self, one: Enrollment) -> None:
        chance, choice = self.chance, self.chance.random()
        if one.status == "failed" and choice < 0.6:
            self._command(c.RetryEnrollment, enrollment_id=one.id, how=chance.choice(("again", "succeeded", "skip")))
        elif (one.paused_by == "lateness" and choice < 0.8) or choice < 0.04:
            self._repair(one)
        elif one.status == "paused" and choice < 0.5:
            self._command(c.ResumeEnrollment, enrollment_id=one.id)
        elif choice < 0.06:
            self._command(c.PauseEnrollment, enrollment_id=one.id)
        elif choice < 0.08:
            self._command(c.CancelEnrollment, enrollment_id=one.id, reason=chance.choice(("operator", "publish")))
        elif one.action is not None and one.action.status in ("running", "unknown") and choice < _answered(one):
            self._outcome(one)
        elif one.awaits_event and choice < 0.4:
            self._fact()
        else:
            self._go_on(one)

    def _command(self, kind: type[c.Command], **fields: Any) -> None:
        self._deciding(lambda: self.spec.command(kind, **fields))

    def _repair(self, one: Enrollment) -> None:
        how, visit = self.chance.choice(("run", "run", "skip", "exit")), one.visits.get(one.step_id or "", 1)
        at: dict[str, Any] = {"enrollment_id": one.id, "step_id": one.step_id or "", "visit": visit}
        self._command(c.RepairEnrollment, **at, how=how, by="ana", note="outage")

    def _outcome(self, one: Enrollment) -> None:
        assert one.action is not None
        outcome, fields = self.chance.choice(
            (
                ("succeeded", {"provider_id": "SM1", "output": {"status": "queued"}, "state": {"n": 1}}),
                ("succeeded", {"provider_id": "SM2"}),
                ("failed", {"code": "busy", "message": "later", "retryable": True, "retry_after_ms": 5_000}),
                ("failed", {"code": "busy", "message": "try later", "retryable": True}),
                ("failed", {"code": "refused"}),
                ("failed", {"code": "twilio_21610"}),
                ("unknown", {"code": "timeout"}),
                ("unknown", {"code": "timeout"}),
                ("unknown", {"code": "not_found", "question": one.action.asked}),
            )
        )
        key, attempt = one.action.key, one.action.attempt
        self._command(c.ReportOutcome, enrollment_id=one.id, outcome=outcome, action_key=key, attempt=attempt, **fields)

    def _delivery(self, sent: j.AttemptStarted) -> None:
        """A callback comes early, late or twice, of a message that was taken or is under way."""
        self._command(
            c.ReportDelivery,
            enrollment_id=sent.enrollment_id,
            step_id=sent.step_id,
            visit=sent.visit,
            action_key=sent.action_key,
            channel="email" if sent.step_id == "mail" else "sms",
            status=self.chance.choice(("sent", "delivered", "bounced", "unsubscribed")),
            recipient=self.chance.choice(("+1555", "ada@example.test")),
            provider_id="SM3",
        )

    def _go_on(self, one: Enrollment) -> None:
        start = StartAttempt(
            contact_id=CONTACT,
            enrollment_id=one.id,
            start_by_ms=self.spec.now_ms + 10_000,
            deadline_ms=self.spec.now_ms + 60_000,
        )
        self._when(TimerDue(contact_id=CONTACT, enrollment_id=one.id))
        self._when(start)

    def _when(self, given: Input) -> None:
        self._deciding(lambda: self.spec.when(given))


def _answered(one: Enrollment) -> float:
    """How likely it is told of an outcome next; seldom while it waits to ask for one."""
    return 0.3 if one.timer is not None and one.timer.kind == "ask" else 0.9
