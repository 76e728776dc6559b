"""The backtest of the version that really ran gives exactly what happened."""

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from domain import journal as j
from domain.backtest.contact import Simulation
from domain.backtest.replay import Replay, Window
from domain.backtest.rules import Rules
from tests.support.engine_spec import CONTACT
from tests.support.random_histories import WORKFLOWS, History

ALWAYS = 1 << 60


def told(event: j.JournalEvent) -> dict[str, Any]:
    """The event without its number in the journal, and without the id that is made of it."""
    plain = msgspec.to_builtins(event)
    return {name: value for name, value in plain.items() if name not in ("seq", "incident_id")}


def backtest(
    history: History, workflow_id: str, *, since_ms: int = 0, seed: int = 0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What the simulation says, and what really happened, of the enrollments that are simulated."""
    chance = random.Random(seed)
    candidate = next(one for one in WORKFLOWS if one.id == workflow_id)
    simulated: list[j.JournalEvent] = []
    real: list[j.JournalEvent] = []
    rules = Rules(candidate)
    window = Window(workflow_id=workflow_id, since_ms=since_ms, until_ms=history.spec.now_ms + 1)
    replay = Replay(window, [Simulation(rules, simulated.append)], real.append)
    burst: list[j.JournalEvent] = []

    def flush() -> None:
        if burst:
            play(replay, list(burst))
            burst.clear()

    for item in history.happened:
        if isinstance(item, list):
            burst += item
            if chance.random() < 0.5:
                flush()
        else:
            flush()
            what, catalogue, at_ms = item
            if what == "advanced":
                replay.catalogue_is(catalogue, at_ms)
            else:
                replay.reconciled(at_ms)
    flush()
    replay.finish()
    return [told(event) for event in of_enrollments(simulated)], [told(event) for event in of_enrollments(real)]


def play(replay: Replay, burst: list[j.JournalEvent]) -> None:
    """As the reader of a partition does it."""
    if CONTACT in replay.replayed:
        replay.burst(CONTACT, burst)
        return
    for index, event in enumerate(burst):
        if not replay.quiet(event):
            replay.burst(CONTACT, burst[index:])
            return


def of_enrollments(events: Sequence[j.JournalEvent]) -> list[j.JournalEvent]:
    """Results of commands are the contact's, not an enrollment's."""
    return [event for event in events if getattr(event, "enrollment_id", None) and type(event) is not j.CommandResulted]


@pytest.mark.parametrize("workflow_id", [one.id for one in WORKFLOWS], ids=["actions", "tags", "replies"])
@pytest.mark.parametrize("seed", range(60))
def test_what_the_version_that_ran_would_have_done_is_what_it_did(workflow_id: str, seed: int) -> None:
    history = History(seed)
    simulated, real = backtest(history, workflow_id, seed=seed)
    assert simulated == real
