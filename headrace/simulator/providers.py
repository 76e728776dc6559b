"""Made-up providers: they take nearly everything, refuse a little, and now and then nobody knows; later they tell of mailboxes."""

import random
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from domain.command import ReportDelivery, ReportOutcome
from domain.enrollment import PendingAction
from domain.ids import action_key

_BUSY: Final = 0.02
_REFUSED: Final = 0.004
_UNKNOWN: Final = 0.0005
_LOST: Final = 0.02
_OPENS: Final = 0.45
_CLICKS: Final = 0.4
"""Of those who open an e-mail."""
_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_FASTEST_MS, _SLOWEST_MS = 80, 900


class Answered(msgspec.Struct, frozen=True):
    """An outcome, and how long after its attempt began it came."""

    after_ms: int
    report: ReportOutcome


def answer_to(contact_id: str, enrollment_id: str, action: PendingAction, *, seed: int) -> Answered:
    """What the provider of an attempt that has begun answers; the same for the same seed."""
    chance = random.Random(f"{seed}/{action.key}/{action.attempt}")  # noqa: S311 guards no secret
    came = chance.random()
    fields: dict[str, Any] = {"outcome": "succeeded", **_accepted(action, chance)}
    if came < _UNKNOWN:
        fields = {"outcome": "unknown", "code": "timeout", "message": "no answer came in time"}
    elif came < _UNKNOWN + _REFUSED:
        fields = {"outcome": "failed", "code": "rejected", "message": "the provider does not take this one"}
    elif came < _UNKNOWN + _REFUSED + _BUSY:
        fields = {"outcome": "failed", "code": "busy", "message": "try again later", "retryable": True}
    report = ReportOutcome(
        command_id=f"{action.key}/{action.attempt}/{fields['outcome']}",
        contact_id=contact_id,
        enrollment_id=enrollment_id,
        action_key=action.key,
        attempt=action.attempt,
        **fields,
    )
    return Answered(chance.randint(_FASTEST_MS, _SLOWEST_MS), report)


class Told(msgspec.Struct, frozen=True):
    """What is reported of a message, and how long after it was taken."""

    after_ms: int
    report: ReportDelivery


def told_of(
    contact_id: str, enrollment_id: str, step_id: str, visit: int, channel: str, *, seed: int
) -> Iterator[Told]:
    """What becomes of a message that a provider took; the same for the same seed."""
    key = action_key(enrollment_id, step_id, visit)
    chance = random.Random(f"{seed}/{key}/told")  # noqa: S311 guards no secret
    after_ms = 0
    for status, mean_ms in _story(channel, chance):
        after_ms += 1_000 + int(chance.expovariate(1 / mean_ms))
        report = ReportDelivery(
            command_id=f"{key}/{status}",
            contact_id=contact_id,
            enrollment_id=enrollment_id,
            step_id=step_id,
            visit=visit,
            action_key=key,
            channel=channel,
            status=status,
        )
        yield Told(after_ms, report)


def _story(channel: str, chance: random.Random) -> Iterator[tuple[str, int]]:
    """Statuses, and how long each takes on average."""
    if chance.random() < _LOST:
        yield ("undelivered" if channel == "sms" else "bounced"), _MINUTE_MS
        return
    yield "delivered", _MINUTE_MS
    if channel == "email" and chance.random() < _OPENS:
        yield "opened", 8 * _HOUR_MS
        if chance.random() < _CLICKS:
            yield "clicked", _MINUTE_MS


def _accepted(action: PendingAction, chance: random.Random) -> dict[str, Any]:
    message_id = f"{chance.getrandbits(128):032x}"
    match action.channel:
        case "sms":
            return {"provider_id": f"SM{message_id}", "output": {"message_id": f"SM{message_id}", "status": "queued"}}
        case "email":
            return {"provider_id": message_id, "output": {"message_id": message_id}}
        case "http":
            return {"output": {"status_code": 200, "headers": {}, "body": {}}}
        case _:
            return {"output": {"simulated": True}}
