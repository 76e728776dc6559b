"""Made-up providers: they take nearly everything, refuse a little, and now and then nobody knows."""

import random
from typing import Any, Final

import msgspec

from domain.command import ReportOutcome
from domain.enrollment import PendingAction

_BUSY: Final = 0.02
_REFUSED: Final = 0.004
_UNKNOWN: Final = 0.0005
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
