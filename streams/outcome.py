"""From an action's result to the report of its outcome: only what the journal can hold, in engine time."""

from typing import Any, Final

import msgspec

from domain.action import ActionResult
from domain.command import ReportOutcome
from streams.attempt import Attempt

MAX_OUTPUT_BYTES: Final = 64 * 1024
"""A larger output, or state, is left out: the journal is kept for ever, and its records are bounded."""
MAX_MESSAGE_CHARS: Final = 1_000


def report_of(
    attempt: Attempt, result: ActionResult, *, time_scale: float, question: int = 0, given_back: bool = False
) -> ReportOutcome:
    """The command that tells the contact's partition what became of the attempt, or what a question about it came to.

    A provider's wish to be left alone is in real time; the report's `retry_after_ms` is in engine time.
    """
    output, why = _journalable(result.output)
    state, _ = _journalable(result.state) if result.state != attempt.state else (None, None)
    wish = result.retry_after_ms
    return ReportOutcome(
        command_id="/".join(
            map(str, (attempt.action_key, attempt.attempt, *([question] if question else ()), result.outcome))
        ),
        contact_id=attempt.contact_id,
        enrollment_id=attempt.enrollment_id,
        action_key=attempt.action_key,
        attempt=attempt.attempt,
        outcome=result.outcome,
        question=question,
        given_back=given_back,
        code=result.code,
        message=None if result.message is None else result.message[:MAX_MESSAGE_CHARS],
        retryable=result.retryable,
        retry_after_ms=None if wish is None else int(wish * time_scale),
        provider_id=result.provider_id,
        output={"left_out": why} if output is None and why else output or {},
        state=state,
    )


def _journalable(value: dict[str, Any] | None) -> tuple[dict[str, Any] | None, str | None]:
    """The value as plain JSON types, or None and why it can't be kept. The effect has happened: this never raises."""
    if not value:
        return value, None
    try:
        encoded = msgspec.json.encode(value)
        if len(encoded) > MAX_OUTPUT_BYTES:
            return None, f"{len(encoded)} bytes are more than the {MAX_OUTPUT_BYTES} that are kept"
        plain: dict[str, Any] = msgspec.json.decode(encoded)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        return None, f"not representable as JSON: {error}"
    return plain, None
