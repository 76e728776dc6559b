"""The replay law on the real thing: after every random step, with kills and wiped stores in between, the store is
byte for byte what the journal alone gives, and nothing is asked of a provider twice."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain import command as c
from domain import definition as d
from domain.action import ActionResult
from domain.conditions import Comparison
from domain.evolve import evolve, initial
from domain.workflow import Trigger
from streams.store import encode_state
from tests.support.engine_spec import step, workflow
from tests.support.partition import Partition

PEOPLE = st.sampled_from(["ada", "bob"])
FLOW = (
    step("hi", "send_sms"),
    step("wait", "delay", seconds=100),
    step("check", "condition", test=Comparison("last_sms_reply", "exists"), branches={"true": None, "false": "cold"}),
    step("cold", "add_tag", tag="cold"),
    step("bye", "send_sms", body="Bye"),
)
TRIGGERS = (Trigger("contact_created"), Trigger("tag_added", {"tag": "lead"}))
ANSWERS = {
    "succeeded": ActionResult.succeeded(provider_id="SM1"),
    "failed": ActionResult.failed("x", "refused", retryable=True),
    "unknown": ActionResult.unknown("timeout", "no answer"),
}


class Replay(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = Path(tempfile.mkdtemp())
        self.versions = 0

    def run(self, work):
        return self.runner.run(work)

    @initialize()
    def start(self):
        self.partition = Partition(self.directory, slots=2)
        self.run(self.partition.open())
        self.publish("pin")

    @rule(in_flight=st.sampled_from(["pin", "migrate", "cancel"]))
    def publish(self, in_flight):
        self.versions += 1
        flow = workflow(*FLOW, version=self.versions, triggers=TRIGGERS, reentry="after_exit")
        self.run(self.partition.publish(flow, in_flight))

    @rule(kind=st.sampled_from([d.WorkflowPaused, d.WorkflowResumed]))
    def switch(self, kind):
        self.run(self.partition.define(kind(at_ms=self.partition.clock(), workflow_id="w", command_id="x")))

    @rule(who=PEOPLE, what=st.sampled_from(["created", "lead", "untag", "sms"]), n=st.integers(0, 3))
    def fact(self, who, what, n):
        kind, data = {
            "created": ("contact.created", {"contact": {"phone": "+1"}}),
            "lead": ("contact.tag_added", {"tag": "lead"}),
            "untag": ("contact.tag_removed", {"tag": "lead"}),
            "sms": ("contact.sms_received", {"body": "yes"}),
        }[what]
        fields = {"id": f"{what}-{n}"} if n else {}
        self.run(self.partition.fact(who, kind, data, **fields))

    @rule(ms=st.sampled_from([1, 1_500, 40_000, 100_000]))
    def tick(self, ms):
        self.partition.clock.now_ms += ms

    @rule(answer=st.sampled_from(sorted(ANSWERS)))
    def provider_answers(self, answer):
        self.partition.sends.answer = ANSWERS[answer]

    @rule(answer=st.sampled_from([*sorted(ANSWERS), "not_found"]))
    def provider_answers_when_asked(self, answer):
        async def reconcile(contact, config, question):
            return ANSWERS.get(answer, ActionResult.not_found("never heard of it"))

        self.partition.sends.reconcile = reconcile

    @rule()
    def work(self):
        self.run(self.partition.settle())

    @rule(n=st.integers(1, 3))
    def work_a_little(self, n):
        async def some():
            await self.partition.deliver()
            for _ in range(n):
                await self.partition.actor.cycle()

        self.run(some())

    @rule(
        kind=st.sampled_from([c.CancelEnrollment, c.PauseEnrollment, c.ResumeEnrollment, c.RetryEnrollment]), who=PEOPLE
    )
    def command(self, kind, who):
        for enrollment_id in self.partition.actor._store.get(who).enrollments:
            command = kind(
                command_id=f"{self.partition.clock()}{enrollment_id}", contact_id=who, enrollment_id=enrollment_id
            )
            self.run(self.partition.command(command))

    @rule(wiped=st.booleans(), clean=st.booleans())
    def restart(self, wiped, clean):
        async def again():
            if clean:
                await self.partition.close()
            else:
                for task in [*self.partition.dispatcher._tasks, *self.partition.dispatcher._inquiries._tasks]:
                    task.cancel()
                await self.partition.kill()
            if wiped:
                shutil.rmtree(self.directory / "store")
            await self.partition.open()

        self.run(again())

    @invariant()
    def store_is_what_the_journal_gives(self):
        if not hasattr(self, "partition"):
            return
        folded = {}
        for event in self.run(self.partition.journal()):
            if event.contact_id:
                folded[event.contact_id] = evolve(folded.get(event.contact_id) or initial(event.contact_id), event)
        stored = dict(self.partition.actor._store.contents())
        assert stored == {contact_id: encode_state(state) for contact_id, state in folded.items()}

    @invariant()
    def no_attempt_is_intended_twice(self):
        if hasattr(self, "partition"):
            journal = self.run(self.partition.journal())
            started = Counter(
                (e.action_key, e.attempt) for e in journal if e.__struct_config__.tag == "attempt_started"
            )
            assert all(count == 1 for count in started.values())
            assert len(self.partition.sends.calls) <= len(started)

    def teardown(self):
        if hasattr(self, "partition"):
            self.run(self.partition.close())
        self.runner.close()
        shutil.rmtree(self.directory)


Replay.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestReplay = Replay.TestCase
