"""The settings of attempts: how fast messages go out, how long their outcomes are waited for, and what follows."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from domain.asking import ASK_AFTER_MS
from headrace.kafka_settings import KafkaOptions
from streams.breaker import DRAIN_PER_SECOND


def comma_list(value: object) -> object:
    """The parts of a text between commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class AttemptOptions(KafkaOptions):
    """What can be set about calls of providers, whichever they are."""

    sms_per_second: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None, description="SMS that one worker begins in a second at most; unset: as many as it can.", examples=["10"]
    )
    email_per_second: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None, description="E-mails that one worker begins in a second at most; unset: as many as it can."
    )
    answer_within: float = Field(
        30.0,
        ge=1,
        le=600,
        description="Seconds. How long a provider may take to answer a call; after it, the call's outcome is unknown. "
        "(A step's own time-out, where it is longer, counts instead.)",
    )
    ask_after: Annotated[
        tuple[Annotated[float, Field(ge=0, le=86_400)], ...],
        NoDecode,
        BeforeValidator(comma_list),
        Field(max_length=10),
    ] = Field(
        tuple(ms / 1000 for ms in ASK_AFTER_MS),
        description="Seconds (comma list). When a provider is asked whether it took a message that it did not answer for: "
        "after the attempt, and after each answer that it knows nothing of it.",
        examples=["2,10,30"],
    )
    drain_per_second: float = Field(
        DRAIN_PER_SECOND,
        gt=0,
        le=100_000,
        description="After an outage of a provider, how many calls a second a worker makes to it until it has caught up.",
    )
