"""When a message may go: `send_window` and `frequency_cap`, of the workflow or of a step; `rate_limit`, of the workflow."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from domain.frequency import MAX_MESSAGES, MAX_SPAN_MS, FrequencyCap
from domain.send_window import DAYS, MINUTES_A_DAY, SendWindow, zone_of
from domain.steps.kinds import MESSAGE_CHANNELS
from domain.workflow import RateLimit
from schemas.definition.checking import Model, describe, one_of, wrong
from schemas.definition.diagnostics import did_you_mean
from schemas.definition.values import Span

_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")
MAX_RATE: Final = 1_000_000
MAX_RATE_SPAN_S: Final = 86_400
_MINUTES_AN_HOUR: Final = 60


def _minute(value: Any) -> int:
    """The minute of the day of `09:00`; `24:00` is the day's end."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minute = int(match[1]) * _MINUTES_AN_HOUR + int(match[2]) if match else MINUTES_A_DAY + 1
    if minute > MINUTES_A_DAY:
        hint = 'write hours and minutes of a day of 24 hours, in quotes, as "09:00"'
        raise wrong("bad_value", f"expected a time of day, found {describe(value)}", hint)
    return minute


def _timezone(name: str) -> str:
    if zone_of(name) is None:
        hint = (
            did_you_mean(name, sorted(available_timezones())) or "write a name of the IANA database, as Europe/Berlin"
        )
        raise wrong("bad_value", f"expected a time zone, found {describe(name)}", hint)
    return name


_TimeOfDay = Annotated[
    int, BeforeValidator(_minute), WithJsonSchema({"type": "string", "pattern": f"^(?:{_CLOCK.pattern})$"})
]
_DayOfWeek = Annotated[
    str,
    BeforeValidator(one_of("bad_value", "a day of the week", lambda: DAYS)),
    WithJsonSchema({"enum": list(DAYS)}),
]


def or_word(word: str) -> Callable[[dict[str, Any]], None]:
    """What adds to a JSON Schema of several kinds of values a word that stands for one of them."""
    return lambda schema: schema["anyOf"].insert(0, {"const": word})


class SendWindowModel(Model):
    """From one time of the day to another, on some days of the week; over midnight when it ends before it begins."""

    from_: _TimeOfDay = Field(alias="from")
    to: _TimeOfDay
    days: list[_DayOfWeek] = Field(default=list(DAYS), min_length=1, max_length=len(DAYS))
    timezone: Annotated[str, Field(max_length=100), AfterValidator(_timezone)] | None = None

    @model_validator(mode="after")
    def _has_a_length(self) -> "SendWindowModel":
        if self.from_ == MINUTES_A_DAY:
            raise wrong(
                "bad_value", "expected the window to begin before the day ends", 'write `from: "00:00"`', at="from"
            )
        if self.from_ % MINUTES_A_DAY == self.to % MINUTES_A_DAY and (self.from_, self.to) != (0, MINUTES_A_DAY):
            message = "expected the window to end at another time than it begins"
            raise wrong("bad_value", message, 'for whole days write `from: "00:00"` and `to: "24:00"`', at="to")
        return self

    def window(self) -> SendWindow | None:
        """What the engine asks; None when it is always open."""
        days = tuple(sorted({DAYS.index(day) for day in self.days}))
        if (self.from_, self.to, len(days)) == (0, MINUTES_A_DAY, len(DAYS)):
            return None
        return SendWindow(from_minute=self.from_, to_minute=self.to, days=days, timezone=self.timezone)


ALWAYS: Final = SendWindowModel.model_validate({"from": "00:00", "to": "24:00"})

StepWindow = Annotated[
    SendWindowModel | None,
    BeforeValidator(lambda value: ALWAYS if value == "always" else value),
    Field(json_schema_extra=or_word("always")),
]
"""A step's own window, or `always`: its message goes at any time."""


WHEN_OVER: Final = ("wait", "skip")


class FrequencyCapModel(Model):
    """At most so many messages to a contact within a span of time, of whatever workflow they are."""

    messages: Annotated[int, Field(ge=1, le=MAX_MESSAGES)]
    per: Annotated[Span, Field(ge=1, le=MAX_SPAN_MS / 1000)]
    when_over: Annotated[
        str,
        BeforeValidator(one_of("bad_value", "what becomes of a message over the cap", lambda: WHEN_OVER)),
        WithJsonSchema({"enum": list(WHEN_OVER)}),
    ] = "wait"
    channel: (
        Annotated[
            str,
            BeforeValidator(one_of("bad_value", "a channel", lambda: MESSAGE_CHANNELS)),
            WithJsonSchema({"enum": sorted(MESSAGE_CHANNELS)}),
        ]
        | None
    ) = None

    def cap(self) -> FrequencyCap:
        """What the engine asks."""
        return FrequencyCap(
            messages=self.messages,
            span_ms=round(self.per * 1000),
            channel=self.channel,
            skips=self.when_over == "skip",
        )


UNCAPPED: Final = FrequencyCapModel(messages=MAX_MESSAGES, per=1.0)
"""Stands for the word `none`; it is told from a cap by its identity."""

StepCap = Annotated[
    FrequencyCapModel | None,
    BeforeValidator(lambda value: UNCAPPED if value == "none" else value),
    Field(json_schema_extra=or_word("none")),
]
"""A step's own cap, or `none`: its message goes however many the contact got."""


class RateLimitModel(Model):
    """How many messages of the workflow may begin within a span of time, in each worker."""

    messages: Annotated[int, Field(ge=1, le=MAX_RATE)]
    per: Annotated[Span, Field(ge=1, le=MAX_RATE_SPAN_S)]

    def limit(self) -> RateLimit:
        """What the engine keeps to."""
        return RateLimit(self.messages, round(self.per * 1000))
