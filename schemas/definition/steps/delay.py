"""Step kind `delay`: its `config`."""

from typing import Annotated, Final

from pydantic import Field, model_validator

from domain.steps.delay import Delay
from schemas.definition.checking import wrong
from schemas.definition.steps.kind import Config, StepKind, Templates
from schemas.definition.values import UNIT_SECONDS, Unit

MAX_SECONDS: Final = 10 * 365 * 86_400
"""Ten years: a longer delay is surely a slip."""


class DelayConfig(Config):
    """How long to wait; a day when nothing is given, seconds when there is no unit."""

    duration: Annotated[float, Field(ge=0)] | None = None
    unit: Unit | None = None

    @model_validator(mode="after")
    def _not_too_long(self) -> "DelayConfig":
        if self.seconds > MAX_SECONDS:
            message = f"expected a delay of at most 10 years, found {self.duration:g} {self.unit or 'seconds'}"
            raise wrong(
                "out_of_range", message, "check the unit; without one the duration is in seconds", at="duration"
            )
        return self

    @property
    def seconds(self) -> float:
        """The delay in seconds."""
        unit = self.unit or ("days" if self.duration is None else "seconds")
        return (1 if self.duration is None else self.duration) * UNIT_SECONDS[unit]


def _compile(config: DelayConfig, _: Templates) -> Delay:
    return Delay(duration_ms=round(config.seconds * 1000))


KIND = StepKind("delay", DelayConfig, _compile)
