"""Backtests of one contact's history, without a log: what a candidate would have done, event by event and as paths."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from domain import journal as j
from domain.backtest.contact import Simulation
from domain.backtest.path import Path, Paths
from domain.backtest.replay import Replay, Window
from domain.backtest.rules import Outcomes, Rules
from domain.catalogue import Catalogue
from domain.workflow import Workflow
from tests.support.engine_spec import CONTACT, Spec

Happening = list[j.JournalEvent] | tuple[str, Catalogue, int]
"""A decision, or what the partition did: ("advanced" | "reconciled", catalogue, time)."""


class Backtested(NamedTuple):
    """What a candidate would have done, and what really happened to the enrollments that were simulated."""

    simulated: list[j.JournalEvent]
    real: list[j.JournalEvent]

    @property
    def paths(self) -> list[Path]:
        """The tested workflow's paths, simulated."""
        return paths_of(self.simulated)

    def told(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Both, as they can be compared."""
        return [told(e) for e in of_enrollments(self.simulated)], [told(e) for e in of_enrollments(self.real)]


def backtest(
    happened: Iterable[Happening],
    candidate: Workflow,
    *,
    until_ms: int,
    since_ms: int = 0,
    seed: int = 0,
    assumed: Any = "succeed",
    outcomes: Outcomes | None = None,
    phone_region: str | None = None,
) -> Backtested:
    """Replay a history with a candidate; `seed` says where bursts end between decisions."""
    chance = random.Random(seed)
    simulated: list[j.JournalEvent] = []
    real: list[j.JournalEvent] = []
    rules = Rules(candidate, assumed, outcomes or {}, phone_region=phone_region)
    window = Window(workflow_id=candidate.id, since_ms=since_ms, until_ms=until_ms)
    replay = Replay(window, [Simulation(rules, simulated.append)], real.append)
    burst: list[j.JournalEvent] = []

    def flush() -> None:
        if burst:
            play(replay, list(burst))
            burst.clear()

    for item in happened:
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
    return Backtested(simulated, real)


def backtest_spec(spec: Spec, candidate: Workflow, *, until_ms: int | None = None, **options: Any) -> Backtested:
    """Replay what a spec decided, all of it in one catalogue."""
    happened: list[Happening] = [("advanced", Catalogue(entries=dict(spec.entries)), 0)]
    happened += [[event] for event in spec.journal]
    until = spec.now_ms + 1 if until_ms is None else until_ms
    options = {"seed": 1, "phone_region": spec.phone_region} | options
    return backtest(_whole(happened), candidate, until_ms=until, **options)


def _whole(happened: list[Happening]) -> list[Happening]:
    """Events of the same time in one burst: a decision is never cut."""
    joined: list[Happening] = []
    for item in happened:
        last = joined[-1] if joined else None
        if isinstance(item, list) and isinstance(last, list) and last[-1].at_ms == item[0].at_ms:
            last += item
        else:
            joined.append(item)
    return joined


def play(replay: Replay, burst: list[j.JournalEvent]) -> None:
    """As the reader of a partition does it."""
    if CONTACT in replay.replayed:
        replay.burst(CONTACT, burst)
        return
    for index, event in enumerate(burst):
        if not replay.quiet(event):
            replay.burst(CONTACT, burst[index:])
            return


def paths_of(events: Iterable[j.JournalEvent]) -> list[Path]:
    """The paths that events come to."""
    found: list[Path] = []
    paths = Paths(lambda _, path: found.append(path))
    for event in events:
        paths.note(event)
    paths.finish()
    return found


def of_enrollments(events: Sequence[j.JournalEvent]) -> list[j.JournalEvent]:
    """Results of commands are the contact's, not an enrollment's."""
    return [event for event in events if getattr(event, "enrollment_id", None) and type(event) is not j.CommandResulted]


def told(event: j.JournalEvent) -> dict[str, Any]:
    """The event without its number in the journal, and without the id that is made of it."""
    plain = msgspec.to_builtins(event)
    return {name: value for name, value in plain.items() if name not in ("seq", "incident_id")}
