"""What many paths come to: how many were enrolled, what each step did, what was sent and when, and how it ended."""

from typing import Any, Final

import msgspec

from domain.backtest.path import Path, Visit
from domain.steps.kinds import MESSAGE_CHANNELS
from domain.times import format_time

DAY_MS: Final = 86_400_000
ENDS: Final = ("completed", "exited", "cancelled", "failed", "waiting")
_NOT_SETTLED: Final = "open"


class StepCounts(msgspec.Struct, kw_only=True):
    """Visits of one step: `entered` is the sum of the next four."""

    kind: str = ""
    entered: int = 0
    completed: int = 0
    skipped: int = 0
    failed: int = 0
    waiting: int = 0
    branches: dict[str, int] = {}


class ChannelCounts(msgspec.Struct, kw_only=True):
    """Actions on one channel: `requested` is the sum of the next four."""

    requested: int = 0
    succeeded: int = 0
    failed: int = 0
    unknown: int = 0
    open: int = 0
    """No attempt has an outcome yet."""


class DayCounts(msgspec.Struct, kw_only=True):
    """One day of the engine's time, in UTC."""

    enrolled: int = 0
    messages: int = 0


class StartedCounts(msgspec.Struct, kw_only=True):
    """Enrollments in another workflow, started by the tested one's changes."""

    enrolled: int = 0
    messages: int = 0


class Tally(msgspec.Struct, kw_only=True):
    """The sum of paths; tallies of different contacts can be added up."""

    contacts: int = 0
    """How many contacts were enrolled at all."""
    enrolled: int = 0
    ends: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(ENDS, 0))
    skipped: dict[str, int] = {}
    """Triggers that matched and enrolled nobody, by reason."""
    failures: dict[str, int] = {}
    """Enrollments that need a person, by the incident's code."""
    steps: dict[str, StepCounts] = {}
    channels: dict[str, ChannelCounts] = {}
    sms_parts: int = 0
    """Of the text messages that were taken: how many they are billed as."""
    days: dict[str, DayCounts] = {}
    """By the day's date."""
    started: dict[str, StartedCounts] = {}
    """By workflow id."""

    @property
    def messages(self) -> int:
        """Messages that a provider took."""
        return sum(found.succeeded for channel, found in self.channels.items() if channel in MESSAGE_CHANNELS)

    def add(self, path: Path, date_of: "DateOf") -> None:
        """Count one path of the tested workflow."""
        self.enrolled += 1
        self.ends[path.end] += 1
        if path.end == "failed":
            _count(self.failures, path.reason or "failed")
        self._day(date_of(path.enrolled_at_ms)).enrolled += 1
        for visit in path.visits:
            self._add_visit(visit, date_of)

    def add_started(self, path: Path) -> None:
        """Count one path of a workflow that the tested one's changes started."""
        counts = self.started.setdefault(path.workflow_id, StartedCounts())
        counts.enrolled += 1
        counts.messages += sum(map(is_message, path.visits))

    def _add_visit(self, visit: Visit, date_of: "DateOf") -> None:
        step = self.steps.setdefault(visit.step_id, StepCounts())
        step.kind = visit.kind or step.kind
        step.entered += 1
        setattr(step, visit.status, getattr(step, visit.status) + 1)
        if visit.branch is not None:
            _count(step.branches, visit.branch)
        if visit.channel is not None:
            channel = self.channels.setdefault(visit.channel, ChannelCounts())
            channel.requested += 1
            outcome = visit.outcome or _NOT_SETTLED
            setattr(channel, outcome, getattr(channel, outcome) + 1)
        if is_message(visit):
            self.sms_parts += visit.parts
            self._day(date_of(visit.outcome_ms or visit.at_ms)).messages += 1

    def _day(self, date: str) -> DayCounts:
        return self.days.setdefault(date, DayCounts())


class DateOf:
    """The date of a time in UTC, remembered by the day: asked for every path."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def __call__(self, at_ms: int) -> str:
        """As `2026-05-01`."""
        day = at_ms // DAY_MS
        found = self._known.get(day)
        if found is None:
            found = self._known[day] = format_time(day * DAY_MS)[:10]
        return found


def is_message(visit: Visit) -> bool:
    """Whether a message was taken by its provider."""
    return visit.outcome == "succeeded" and visit.channel in MESSAGE_CHANNELS


def add_up(tallies: list[Tally]) -> Tally:
    """The tally of all contacts."""
    total: dict[str, Any] = {}
    for tally in tallies:
        _add(total, msgspec.to_builtins(tally))
    return msgspec.convert(total, Tally)


def _add(total: dict[str, Any], more: dict[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict):
            _add(total.setdefault(name, {}), value)
        elif isinstance(value, int):
            total[name] = total.get(name, 0) + value
        else:  # a step's kind
            total[name] = value or total.get(name)


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1
