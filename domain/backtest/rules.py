"""The rules of one simulation: the candidate, the catalogue with it in force, and what is assumed of providers."""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec.structs import replace

from domain import command as c
from domain.catalogue import Catalogue, Entry, Version
from domain.triggers import index_triggers
from domain.workflow import Workflow

Assumed = Literal["succeed", "fail"]
"""What becomes of an action that never really happened."""

Outcomes = dict[tuple[str, str], c.ReportOutcome]
"""What really became of actions, by their key and channel: a step that now sends otherwise does something else."""

MAX_VISITS: Final = 10_000
"""Visits of steps after which an enrollment is not moved on in virtual time: it goes round in a circle of waits."""
NOTHING_KNOWN: Final[Mapping[tuple[str, str], c.ReportOutcome]] = {}


class Rules:
    """A candidate, live from the start of the backtest on; `catalogue_is` follows the real catalogue."""

    __slots__ = ("assumed", "candidate", "everything", "facts", "outcomes", "phone_region")

    def __init__(
        self,
        candidate: Workflow,
        assumed: Assumed = "succeed",
        outcomes: Mapping[tuple[str, str], c.ReportOutcome] = NOTHING_KNOWN,
        *,
        phone_region: str | None = None,
    ) -> None:
        """Begin with an empty catalogue.

        Args:
            candidate: the version to test.
            assumed: what becomes of an action that never really happened.
            outcomes: what really became of actions, also of those that lie ahead.
            phone_region: the country of phone numbers that name none, as the engine is told.
        """
        self.candidate, self.assumed, self.outcomes = candidate, assumed, outcomes
        self.phone_region = phone_region
        self.everything: Catalogue
        """In force for what the simulation itself does: its changes start whatever they start."""
        self.facts: Catalogue
        """In force for facts: what they started in other workflows is replayed, so only the candidate hears them."""
        self.catalogue_is(Catalogue())

    def catalogue_is(self, real: Catalogue) -> None:
        """The real catalogue changed: the candidate takes its workflow's place, and its pauses hold."""
        candidate = self.candidate
        entries = real.entries | {candidate.id: _entry(candidate, real.entries.get(candidate.id))}
        self.everything = replace(real, entries=entries)
        self.facts = replace(real, entries=entries)
        self.facts.__dict__["triggers"] = index_triggers([candidate])  # in the place of the cached property


def _entry(candidate: Workflow, real: Entry | None) -> Entry:
    version = Version(number=candidate.version, document={}, digest="", diagnostics=(), compiled=candidate)
    return Entry(
        id=candidate.id,
        name=candidate.name,
        status="paused" if real and real.status == "paused" else "active",
        versions={candidate.version: version},
        published=candidate.version,
        paused_at_ms=real.paused_at_ms if real else 0,
        resumed_at_ms=real.resumed_at_ms if real else 0,
    )
