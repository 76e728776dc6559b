"""A path: what one enrollment went through, step by step, as its journal events tell it; and where two of them part."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain import journal as j
from domain.spans import format_span
from domain.steps.wait_for_event import is_received

NOT_ENROLLED: Final = "not_enrolled"
WAITING: Final = "waiting"
HELD: Final = "held"


class Visit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One visit of a step."""

    step: str
    visit: int = 1
    did: str
    """`completed`, `skipped`, `failed`, or `waiting` when it was entered and is not done."""
    branch: str | None = None
    sends: dict[str, Any] | None = None
    """The rendered request for a provider, with its `channel`."""
    waits_ms: int | None = None
    changes: tuple[dict[str, Any], ...] = ()
    """What it changed of the contact, as `type` and `data`."""
    code: str | None = None
    """Why it failed, was skipped, or is held."""


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """All visits, in the order in which they were entered. Without a trigger, nobody was enrolled."""

    trigger: str | None = None
    visits: tuple[Visit, ...] = ()
    ends: str = NOT_ENROLLED
    """The enrollment's last status; `waiting` for an active one, `held` for one that stands still as it is late."""


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """The first difference of two paths."""

    place: int
    """The number of the visit, from 1; 0 is the enrollment itself, and what is behind the last visit is its end."""
    what: str
    """The difference in words."""


_STATUS: Final[dict[type[j.JournalEvent], str]] = {
    j.EnrollmentCompleted: "completed",
    j.EnrollmentExited: "exited",
    j.EnrollmentCancelled: "cancelled",
    j.EnrollmentPaused: "paused",
    j.EnrollmentResumed: WAITING,
    j.EnrollmentRetried: WAITING,
    j.IncidentOpened: "failed",
    j.EnrollmentHeld: HELD,
}
_DONE: Final[dict[type[j.JournalEvent], str]] = {
    j.StepCompleted: "completed",
    j.StepSkipped: "skipped",
    j.StepFailed: "failed",
}


def path_of(events: Iterable[j.JournalEvent], enrollment_id: str) -> Path:
    """The path of one enrollment in its contact's events."""
    trigger, ends = None, NOT_ENROLLED
    visits: dict[tuple[str, int], Visit] = {}
    for event in events:
        if getattr(event, "enrollment_id", None) != enrollment_id:
            continue
        if isinstance(event, j.Enrolled):
            trigger, ends = event.trigger_type, WAITING
        elif type(event) in _STATUS:
            ends = _STATUS[type(event)]
        elif isinstance(event, j.EnrollmentRepaired) and ends == HELD:  # one that is paused stays so
            ends = WAITING
        elif isinstance(
            event,
            j.TimerSet
            | j.EventAwaited
            | j.SendHeld
            | j.ActionRequested
            | j.ContactChanged
            | j.StepCompleted
            | j.StepSkipped
            | j.StepFailed,
        ):
            key = (event.step_id, event.visit)
            known = visits.get(key) or Visit(step=event.step_id, visit=event.visit, did=WAITING)
            visits[key] = _after(known, event)
    return Path(trigger=trigger, visits=tuple(visits.values()), ends=ends)


def _after(visit: Visit, event: j.JournalEvent) -> Visit:  # noqa: PLR0911 one return a kind of event
    match event:
        case j.TimerSet():
            return replace(visit, waits_ms=event.due_at_ms - event.at_ms)
        case j.EventAwaited():
            told_anew = visit.waits_ms is not None  # it moved to a version that waits for something else
            return (
                visit
                if event.due_at_ms is None or told_anew
                else replace(visit, waits_ms=event.due_at_ms - event.at_ms)
            )
        case j.ActionRequested():
            return replace(visit, sends={"channel": event.channel, **_plain(event.personal.request)}, code=None)
        case j.SendHeld():
            return replace(visit, code=event.reason)
        case j.ContactChanged():
            change = {"type": event.change, "data": _plain(event.personal.data)}
            return replace(visit, changes=(*visit.changes, change))
        case j.StepCompleted():
            waits_ms = None if is_received(event) else visit.waits_ms  # it matters no more how long it might have been
            return replace(visit, did="completed", branch=event.branch, code=None, waits_ms=waits_ms)
        case j.StepSkipped():
            return replace(visit, did="skipped", code=event.reason)
        case j.StepFailed():
            return replace(visit, did="failed", code=event.code)
        case _:
            return visit


def _plain(value: Any) -> Any:
    """The value as it is after the journal: what was a tuple is a list."""
    return msgspec.json.decode(msgspec.json.encode(value))


def first_divergence(expected: Path, found: Path) -> Divergence | None:
    """Where the found path leaves the expected one; None when it does not."""
    if expected.trigger != found.trigger:
        what = f"expected {_enrolled(expected)}, found {_enrolled(found)}"
        return Divergence(place=0, what=what)
    for place, (wanted, had) in enumerate(zip(expected.visits, found.visits, strict=False), 1):
        if wanted != had:
            return Divergence(place=place, what=_difference(wanted, had))
    place = min(len(expected.visits), len(found.visits)) + 1
    if len(expected.visits) > len(found.visits):
        missing = expected.visits[place - 1]
        return Divergence(place=place, what=f"expected {_words(missing)}, found the end: {found.ends}")
    if len(found.visits) > len(expected.visits):
        more = found.visits[place - 1]
        return Divergence(place=place, what=f"expected the end ({expected.ends}), found {_words(more)}")
    if expected.ends != found.ends:
        return Divergence(place=place, what=f"expected the end to be {expected.ends}, found {found.ends}")
    return None


def _enrolled(path: Path) -> str:
    return "no enrollment" if path.trigger is None else f"an enrollment by {path.trigger}"


def _difference(wanted: Visit, had: Visit) -> str:
    if (wanted.step, wanted.visit) != (had.step, had.visit):
        return f"expected {_words(wanted)}, found {_words(had)}"
    if wanted.waits_ms != had.waits_ms:  # what follows from it is not news
        return f"{wanted.step}: expected {_wait(wanted.waits_ms)}, found {_wait(had.waits_ms)}"
    names = [name for name in Visit.__struct_fields__ if getattr(wanted, name) != getattr(had, name)]
    pairs = [_pair(name, getattr(wanted, name), getattr(had, name)) for name in names]
    return f"{wanted.step}: {'; '.join(pairs)}"


def _wait(ms: int | None) -> str:
    return "no wait" if ms is None else f"a wait of {format_span(ms)}"


def _pair(name: str, wanted: Any, had: Any) -> str:
    """Of two mappings, only the keys that differ."""
    if isinstance(wanted, dict) and isinstance(had, dict):
        keys = [key for key in {**wanted, **had} if wanted.get(key) != had.get(key)]
        return "; ".join(_pair(f"{name}.{key}", wanted.get(key), had.get(key)) for key in keys)
    return f"expected {name} {_value(wanted)}, found {_value(had)}"


def _value(value: Any) -> str:
    return "nothing" if value is None else repr(value)


def _words(visit: Visit) -> str:
    number = f" (visit {visit.visit})" if visit.visit > 1 else ""
    branch = f", branch {visit.branch}" if visit.branch is not None else ""
    return f"step {visit.step}{number} {visit.did}{branch}"
