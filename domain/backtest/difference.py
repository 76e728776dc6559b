"""Who would be treated differently: a contact's paths under one version beside those under another."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from heapq import heappush, heappushpop
from typing import Any, Final

import msgspec

from domain.backtest.path import Path, Visit

CHANGES: Final = ("gained", "lost", "path", "content", "times", "same")
"""`gained`, `lost`: enrolled under the new, the old version only; `path`: other steps, branches or ends; `content`: the
same steps, other messages or changes; `times`: all the same, at other times; `same`."""

Sample = tuple[int, str, list[Path], list[Path]]
"""A rank that spreads samples evenly, the contact's id, and its paths under both versions."""


class Difference(msgspec.Struct, kw_only=True):
    """The sum of what differs; those of different contacts can be added up."""

    changes: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(CHANGES, 0))
    """Contacts that were enrolled under either version, by what changes for them."""
    turns: dict[str, dict[str, int]] = {}
    """Where paths part: what the old version did, what the new one did instead, and for how many contacts."""
    samples: dict[str, list[Sample]] = {}

    @property
    def contacts(self) -> int:
        """Contacts that were enrolled under either version."""
        return sum(self.changes.values())

    @property
    def changed(self) -> int:
        """Contacts that would be treated differently."""
        return self.contacts - self.changes["same"]

    def add(self, contact_id: str, old: Sequence[Path], new: Sequence[Path], *, samples: int) -> None:
        """Count one contact, and keep it as a sample if it ranks among the first `samples` of its change."""
        change = change_of(old, new)
        self.changes[change] += 1
        if change == "same":
            return
        parted = first_turn(old, new)
        if parted is not None:
            instead = self.turns.setdefault(parted[0], {})
            instead[parted[1]] = instead.get(parted[1], 0) + 1
        self._keep(change, (-_rank(contact_id), contact_id, list(old), list(new)), samples)

    def merge(self, other: "Difference", *, samples: int) -> None:
        """Add other contacts' differences."""
        for change, count in other.changes.items():
            self.changes[change] += count
        for was, instead in other.turns.items():
            mine = self.turns.setdefault(was, {})
            for now, count in instead.items():
                mine[now] = mine.get(now, 0) + count
        for change, found in other.samples.items():
            for sample in found:
                self._keep(change, sample, samples)

    def _keep(self, change: str, sample: Sample, samples: int) -> None:
        kept = self.samples.setdefault(change, [])
        if len(kept) < samples:
            heappush(kept, sample)
        elif samples and sample[:2] > kept[0][:2]:
            heappushpop(kept, sample)


def change_of(old: Sequence[Path], new: Sequence[Path]) -> str:
    """What changes for a contact: one of `CHANGES`."""
    if not old or not new:
        return "gained" if new else "lost"
    if [_route(path) for path in old] != [_route(path) for path in new]:
        return "path"
    if [_contents(path) for path in old] != [_contents(path) for path in new]:
        return "content"
    return "same" if [_times(path) for path in old] == [_times(path) for path in new] else "times"


def first_turn(old: Sequence[Path], new: Sequence[Path]) -> tuple[str, str] | None:
    """Where the contact's paths part: what the old version did and what the new one did instead."""
    for was, now in zip(_told(old), _told(new), strict=False):
        if was != now:
            return was, now
    return None


def _told(paths: Sequence[Path]) -> Iterator[str]:
    for path in paths:
        yield f"enrolled by {path.trigger_type}"
        for visit in path.visits:
            yield f"{visit.step_id} ({visit.kind}): {visit.branch or visit.status}"
        yield path.end
    yield "not enrolled" if not paths else "nothing more"


def _route(path: Path) -> tuple[Any, ...]:
    return path.end, [_choice(visit) for visit in path.visits]


def _choice(visit: Visit) -> tuple[Any, ...]:
    return visit.step_id, visit.kind, visit.visit, visit.status, visit.branch, visit.channel, visit.outcome


def _contents(path: Path) -> list[int]:
    return [visit.content for visit in path.visits]


def _times(path: Path) -> tuple[Any, ...]:
    return path.enrolled_at_ms, path.ended_ms, [(visit.at_ms, visit.done_ms) for visit in path.visits]


def _rank(contact_id: str) -> int:
    """A number that says nothing about the contact: samples are spread evenly, and the same in every run."""
    return int.from_bytes(blake2b(contact_id.encode(), digest_size=7).digest())
