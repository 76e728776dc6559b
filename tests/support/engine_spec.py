"""Given / when / then for the engine: specifications that read like the rules."""

from __future__ import annotations

from typing import Any

import msgspec

from domain import command as c
from domain import journal as j
from domain.catalogue import Catalogue, Entry, Version
from domain.contact_event import ContactEvent
from domain.decision import Context
from domain.engine import Input, Reconcile, StartAttempt, TimerDue, decide
from domain.enrollment import Enrollment
from domain.evolve import evolve, initial
from domain.steps.ab_split import AbSplit
from domain.steps.change_tags import AddTag, RemoveTag
from domain.steps.condition import ConditionStep
from domain.steps.delay import Delay
from domain.steps.exit import Exit
from domain.steps.http_request import HttpRequest
from domain.steps.send_email import SendEmail
from domain.steps.send_sms import SendSms
from domain.steps.update_field import UpdateField
from domain.steps.wait_for_event import AwaitedDelivery, WaitForEvent
from domain.templates import compile_template, map_templates
from domain.workflow import Step, Trigger, Workflow
from streams.store import encode_state

START_MS = 1_800_000_000_000
CONTACT = "ada"
DAY_MS = 86_400_000


def text(source: str) -> Any:
    return compile_template(source)


_CONFIGS = {
    "send_sms": lambda body="Hi", to=None: SendSms(body=text(body), to=text(to) if to else None),
    "send_email": lambda subject="S", body="B", to=None: SendEmail(
        subject=text(subject), body=text(body), to=text(to) if to else None
    ),
    "add_tag": lambda tag: AddTag(tag=text(tag)),
    "remove_tag": lambda tag: RemoveTag(tag=text(tag)),
    "update_field": lambda field, value: UpdateField(field=field, value=map_templates(value)),
    "delay": lambda seconds=86_400: Delay(duration_ms=int(seconds * 1000)),
    "wait_for_event": lambda *events, seconds=None: WaitForEvent(
        events=events, timeout_ms=None if seconds is None else int(seconds * 1000)
    ),
    "condition": lambda test: ConditionStep(test=test),
    "ab_split": lambda paths=("a", "b"), weights=(0.5, 0.5): AbSplit(paths=paths, weights=weights),
    "http_request": lambda url="http://example.test/": HttpRequest(url=text(url)),
    "exit": lambda reason="exit_step": Exit(reason=reason),
}
_STEP_KEYS = ("branches", "retry", "on_failure", "lateness", "when_unknown", "send_window", "frequency_cap")


def step(id: str, kind: str, *events: Trigger | AwaitedDelivery, next: str | None = "", **given: Any) -> Step:
    """A step; without `next` it goes on to the following one (set by `workflow`). `events` are those that it waits for."""
    of_step = {key: given.pop(key) for key in _STEP_KEYS if key in given}
    return Step(id=id, kind=kind, config=_CONFIGS[kind](*events, **given), next=next, **of_step)


def workflow(
    *steps: Step,
    id: str = "w",
    version: int = 1,
    triggers: tuple[Trigger, ...] = (Trigger("contact_created"),),
    reentry: str = "once",
) -> Workflow:
    followers = [*[one.id for one in steps[1:]], None]
    linked = [
        msgspec.structs.replace(one, next=follower) if one.next == "" else one
        for one, follower in zip(steps, followers, strict=True)
    ]
    return Workflow(
        id=id, version=version, name=id, triggers=triggers, steps={one.id: one for one in linked}, reentry=reentry
    )


def entry(live: Workflow, *older: Workflow, **fields: Any) -> Entry:
    versions = {
        one.version: Version(number=one.version, document={}, digest="", diagnostics=(), compiled=one)
        for one in (*older, live)
    }
    fields = {"status": "active", "published": live.version} | fields
    return Entry(id=live.id, name=live.name, versions=versions, **fields)


def happened(kind: str, **fields: Any) -> dict[str, Any]:
    """An expected journal event: its type, and those of its fields that matter."""
    return {"type": kind, **fields}


class Spec:
    """One contact, a catalogue and a clock; `when` decides, `then` says what must have followed."""

    def __init__(
        self,
        *workflows: Workflow | Entry,
        now_ms: int = START_MS,
        hold_late_ms: int | None = None,
        ask_after_ms: tuple[int, ...] = (),
        phone_region: str | None = None,
    ) -> None:
        self.now_ms, self.hold_late_ms, self.ask_after_ms = now_ms, hold_late_ms, ask_after_ms
        self.phone_region = phone_region
        self.entries = {one.id: one if isinstance(one, Entry) else entry(one) for one in workflows}
        self.state = initial(CONTACT)
        self.journal: list[j.JournalEvent] = []
        self.last: list[j.JournalEvent] = []
        self.transactions: list[list[j.JournalEvent]] = []
        self._ids = 0

    def with_catalogue(self, *workflows: Workflow | Entry) -> Spec:
        self.entries |= {one.id: one if isinstance(one, Entry) else entry(one) for one in workflows}
        return self

    def when(self, given: Input, *, after_ms: int = 0) -> Spec:
        self.now_ms += after_ms
        before = encode_state(self.state)
        catalogue = Catalogue(entries=self.entries)
        context = Context(
            now_ms=self.now_ms,
            catalogue=catalogue,
            hold_late_ms=self.hold_late_ms,
            ask_after_ms=self.ask_after_ms,
            phone_region=self.phone_region,
        )
        decision = decide(self.state, given, context)
        assert encode_state(self.state) == before, "deciding changed the state that it was given"
        folded = self.state
        for event in decision.events:
            folded = evolve(folded, event)
        assert encode_state(folded) == encode_state(decision.state), "the fold of the events is not the state"
        self.state, self.last = decision.state, decision.events
        self.journal += decision.events
        self.transactions.append(decision.events)
        return self

    def fact(self, type: str, data: dict[str, Any] | None = None, *, after_ms: int = 0, **fields: Any) -> Spec:
        self._ids += 1
        fields = {"source": "crm", "id": f"e{self._ids}"} | fields
        return self.when(ContactEvent(contact_id=CONTACT, type=type, data=data or {}, **fields), after_ms=after_ms)

    def created(self, **contact: Any) -> Spec:
        return self.fact("contact.created", {"contact": {"first_name": "Ada", "phone": "+1555", **contact}})

    def command(self, kind: type[c.Command], *, after_ms: int = 0, **fields: Any) -> Spec:
        self._ids += 1
        fields = {"command_id": f"c{self._ids}"} | fields
        return self.when(kind(contact_id=CONTACT, **fields), after_ms=after_ms)

    def on_enrollment(self, kind: type[c.Command], **fields: Any) -> Spec:
        return self.command(kind, enrollment_id=self.enrollment().id, **fields)

    def timer(self, *, after_ms: int = 0) -> Spec:
        due = TimerDue(contact_id=CONTACT, enrollment_id=self.enrollment(any_status=True).id)
        return self.when(due, after_ms=after_ms)

    def reconciled(self, *, after_ms: int = 0) -> Spec:
        return self.when(Reconcile(contact_id=CONTACT), after_ms=after_ms)

    def started(self) -> Spec:
        return self.when(self.start_of(self.enrollment()))

    def start_of(self, enrollment: Enrollment) -> StartAttempt:
        return StartAttempt(
            contact_id=CONTACT,
            enrollment_id=enrollment.id,
            start_by_ms=self.now_ms + 10_000,
            deadline_ms=self.now_ms + 60_000,
        )

    def outcome(self, outcome: str, *, after_ms: int = 0, **fields: Any) -> Spec:
        enrollment = self.enrollment(any_status=True)
        action = enrollment.action
        assert action is not None, "there is no action to report on"
        fields = {"attempt": action.attempt, "action_key": action.key} | fields
        return self.when(
            c.ReportOutcome(
                command_id=f"{action.key}/{outcome}/{self._ids}",
                contact_id=CONTACT,
                enrollment_id=enrollment.id,
                outcome=outcome,
                **fields,
            ),
            after_ms=after_ms,
        )

    def answer(self, code: str, **fields: Any) -> Spec:
        """The provider answers the question that was put, and that proves nothing."""
        action = self.enrollment(any_status=True).action
        assert action is not None, "there is no action to answer about"
        return self.outcome("unknown", code=code, **({"question": action.asked} | fields))

    def enrollment(self, workflow_id: str | None = None, *, any_status: bool = False) -> Enrollment:
        found = [
            one
            for one in self.state.enrollments.values()
            if (workflow_id is None or one.workflow_id == workflow_id) and (any_status or one.status != "cancelled")
        ]
        assert len(found) == 1, f"expected one open enrollment, found {len(found)}"
        return found[0]

    def then(self, *expected: dict[str, Any]) -> Spec:
        """Exactly these events followed from the last input, in this order."""
        found = [msgspec.to_builtins(event) for event in self.last]
        kinds = [event["type"] for event in found]
        assert kinds == [event["type"] for event in expected], f"found {kinds}"
        for wanted, event in zip(expected, found, strict=True):
            for name, value in wanted.items():
                actual = getattr_path(event, name)
                assert actual == value, f"{event['type']}.{name}: expected {value!r}, found {actual!r}"
        return self

    def nothing(self) -> Spec:
        return self.then()


def getattr_path(event: dict[str, Any], name: str) -> Any:
    """`input__tag` reaches into personal data; a plain name is one of the event's, or of its personal part's."""
    if "__" not in name:
        return event.get(name, (event.get("personal") or {}).get(name))
    value: Any = event.get("personal", {})
    for part in name.split("__"):
        value = (value or {}).get(part)
    return value
