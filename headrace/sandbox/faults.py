"""Faults that the sandbox is told to play: a status, a delay, a broken connection, silence, a message that never arrives."""

import random
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal, get_args

import msgspec

from domain.errors import HeadraceError

Kind = Literal["status", "delay", "reset_after_accept", "reset_before_accept", "hang", "undelivered"]


class InvalidFault(HeadraceError):
    """The fault can't be played as it is described."""


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: what to do, to whom, how often."""

    kind: Kind
    channel: Literal["sms", "email", "http", "*"] = "*"
    to: str | None = None
    """Only calls for this recipient (of `http`: this path); `*` stands for any text, `?` for any character."""
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 500
    code: int | None = None
    """Twilio's own error number, for `status` and `undelivered` on `sms`."""
    message: str | None = None
    retry_after: Annotated[float, msgspec.Meta(ge=0)] | None = None
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=3_600)] = 1.0
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    """So many matching calls go well first."""
    every: Annotated[int, msgspec.Meta(ge=1)] = 1
    """From then on, one in so many is hit: the first, and each so-manieth after it."""
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """How often it is played; None: until it is deleted."""
    rate: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    """The share of matching calls that it hits, drawn from `seed`."""
    seed: int = 0

    def matches(self, channel: str, to: str) -> bool:
        """Whether the rule speaks of this call."""
        return self.channel in ("*", channel) and (self.to is None or fnmatchcase(to, self.to))


class _Armed:
    """A rule with its draws and the number of times that are left."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.left = fault.times
        self.played = 0
        self._matched = 0
        self._draws = random.Random(fault.seed)  # noqa: S311 - repeatable, not secret

    def plays(self, channel: str, to: str) -> bool:
        if self.left == 0 or not self.fault.matches(channel, to):
            return False
        self._matched += 1
        if self._matched <= self.fault.after or (self._matched - self.fault.after - 1) % self.fault.every:
            return False
        if self._draws.random() >= self.fault.rate:
            return False
        self.left = None if self.left is None else self.left - 1
        self.played += 1
        return True


class Faults:
    """The rules in force, in the order they were given; the first that plays wins."""

    MAX: Final = 1_000

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, described: Mapping[str, Any]) -> Fault:
        """Arm a rule.

        Raises:
            InvalidFault: it is not described as `Fault` says, or there are too many.
        """
        try:
            fault = msgspec.convert(described, Fault)
        except msgspec.ValidationError as error:
            kinds, keys = ", ".join(get_args(Kind)), ", ".join(Fault.__struct_fields__)
            raise InvalidFault(
                f"Expected a fault: an object with the keys {keys}, whose kind is one of {kinds}; found: {error}"
            ) from error
        self._armed = [armed for armed in self._armed if armed.left != 0]
        if len(self._armed) >= self.MAX:
            raise InvalidFault(f"There are {self.MAX} faults already; DELETE /faults first")
        self._armed.append(_Armed(fault))
        return fault

    def draw(self, channel: str, to: str) -> Fault | None:
        """The fault to play on this call, if any."""
        return next((armed.fault for armed in self._armed if armed.plays(channel, to)), None)

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def listed(self) -> list[dict[str, Any]]:
        """The rules with what is left of them."""
        return [
            {**msgspec.to_builtins(armed.fault), "left": armed.left, "played": armed.played} for armed in self._armed
        ]
