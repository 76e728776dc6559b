"""A send's part of the story: what was asked for, each attempt and its outcome, and what the provider said later."""

from typing import Any, Final

from msgspec.structs import replace

from domain import journal as j
from domain.why.story import Attempt, Delivery, Send

OUTCOMES: Final[dict[type[j.JournalEvent], str]] = {
    j.AttemptSucceeded: "succeeded",
    j.AttemptFailed: "failed",
    j.AttemptUnknown: "unknown",
}
"""How an attempt ends."""
SKIPPED: Final = {
    "operator": "an operator skipped it",
    "frequency_cap": "the contact had got as many messages as the cap allows",
    "opted_out": "the recipient opted out, and is not written to any more",
    "bounced": "an earlier message to the recipient bounced, and the address is not written to any more",
    "spam_reported": "the recipient reported an earlier message as spam, and is not written to any more",
}
"""Why it was not sent at all, by the reason of the skip."""
HELD: Final = {
    "send_window": "it is outside its send window",
    "frequency_cap": "the contact got as many messages as the cap allows",
}
"""Why it is not sent yet."""


def asked(event: j.ActionRequested) -> Send:
    """Nothing was tried yet."""
    return Send(
        channel=event.channel,
        action_key=event.action_key,
        request=event.personal.request,
        requested_at_ms=event.at_ms,
        tries=event.tries,
    )


def attempted(send: Send, event: j.AttemptStarted) -> Send:
    """One attempt more, whose outcome is open."""
    attempt = Attempt(number=event.attempt, started_at_ms=event.at_ms, deadline_ms=event.deadline_ms)
    return replace(send, attempts=(*send.attempts, attempt), outcome="open")


def answered(send: Send, event: Any) -> Send:
    """The attempt that the event names has its outcome, and so has the send."""
    outcome, answer = OUTCOMES[type(event)], event.personal
    attempts = tuple(
        attempt
        if attempt.number != event.attempt
        else replace(
            attempt,
            outcome=outcome,
            at_ms=event.at_ms,
            code=getattr(event, "code", None),
            message=getattr(answer, "message", None) or None,
            output=getattr(answer, "output", {}),
            provider_id=getattr(event, "provider_id", None),
            retry_at_ms=getattr(event, "retry_at_ms", None),
        )
        for attempt in send.attempts
    )
    return replace(send, attempts=attempts, outcome=outcome)


def delivered(send: Send, event: j.DeliveryReported) -> Send:
    """One report more of what became of the message."""
    report = Delivery(at_ms=event.at_ms, status=event.status, code=event.code, price=event.price)
    return replace(send, deliveries=(*send.deliveries, report))
