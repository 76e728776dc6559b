"""What a backtest is to do: the window, the versions to simulate, and what is to be made of them. It can be pickled."""

from typing import Any

import msgspec

from domain.backtest.difference import Difference
from domain.backtest.replay import Window
from domain.backtest.rules import Assumed
from domain.backtest.tally import Tally, add_up
from domain.definition import TemplateText


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A version to simulate, not compiled yet: that is done where it runs."""

    label: str
    version: int
    document: dict[str, Any]
    templates: dict[str, TemplateText]
    accept: tuple[str, ...] = ()


class Actual(msgspec.Struct, frozen=True, kw_only=True):
    """What really happened, in the place of a simulation."""

    label: str = "actual"


Side = Candidate | Actual


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One backtest; two sides are compared, the old one first."""

    window: Window
    sides: tuple[Side, ...]
    assumed: Assumed = "succeed"
    phone_region: str | None = None
    """The country of phone numbers that name none, as the engine is told."""
    samples: int = 5
    """Contacts of each kind of change to be kept with both of their paths."""

    @property
    def compares(self) -> bool:
        """Whether there are two sides."""
        return len(self.sides) > 1


class Result(msgspec.Struct, kw_only=True):
    """What came of some partitions: a tally for each side, and how they differ."""

    tallies: list[Tally]
    difference: Difference | None
    facts: int = 0
    """Contact events that were read, those before the window included."""
    events: int = 0
    """Journal events that were read."""


def merge(plan: Plan, results: list[Result]) -> Result:
    """The result of all partitions."""
    difference = Difference() if plan.compares else None
    for result in results:
        if difference is not None and result.difference is not None:
            difference.merge(result.difference, samples=plan.samples)
    return Result(
        tallies=[add_up([result.tallies[index] for result in results]) for index in range(len(plan.sides))],
        difference=difference,
        facts=sum(result.facts for result in results),
        events=sum(result.events for result in results),
    )
