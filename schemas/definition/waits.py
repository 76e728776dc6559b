"""Waits for a message's delivery: whether there is such a message, whether its provider ever reports that, and what if not."""

from typing import Final

from domain.delivery import counts_as
from domain.steps.kinds import MESSAGE_KINDS
from domain.steps.wait_for_event import AwaitedDelivery
from schemas.definition.checking import Report
from schemas.definition.diagnostics import did_you_mean
from schemas.definition.positions import Path
from schemas.definition.reading import ReadWorkflow
from schemas.definition.steps.wait_for_event import WaitForEventConfig

REPORTED: Final[dict[str, tuple[str, ...]]] = {
    "sms": ("accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "failed", "canceled", "read"),
    "email": ("processed", "deferred", "delivered", "bounced", "dropped", "failed", "opened", "clicked", "unsubscribed", "spam_reported"),
}  # fmt: skip
"""What is reported of messages, by channel: Twilio's statuses and SendGrid's events."""


def check_waits(report: Report, read: ReadWorkflow) -> None:
    """Report waits for deliveries that can't come."""
    kinds = {found.step.id: found.kind.name for found in reversed(read.steps)}
    for index, found in enumerate(read.steps):
        if isinstance(found.config, WaitForEventConfig):
            deliveries = list(found.config.deliveries)
            at: Path = ("steps", index, "config")
            sent = [_check(report, kinds, awaited, (*at, *path)) for path, awaited in deliveries]
            if found.config.timeout is None and all(sent) and len(sent) == len(found.config.event):
                message = "nothing is reported of a message that is not sent (no consent, a failure): the wait has no end then"
                report.add("endless_wait", at, message, "give it a time-out, as `timeout: 2d`")


def _check(report: Report, kinds: dict[str, str], awaited: AwaitedDelivery, path: Path) -> bool:
    """Whether the step that is named sends messages."""
    kind = kinds.get(awaited.step)
    channel = MESSAGE_KINDS.get(kind or "")
    if channel is None:
        sending = [step for step, its_kind in kinds.items() if its_kind in MESSAGE_KINDS]
        what = "there is no such step" if kind is None else f"that is a step of type {kind}, which sends no message"
        message = f"the wait is for the message of '{awaited.step}', and {what}"
        report.add("dangling_delivery", (*path, "step"), message, did_you_mean(awaited.step, sending))
        return False
    for status in awaited.statuses:
        if not any(counts_as(reported, status) for reported in REPORTED[channel]):
            message = f"nobody reports '{status}' of a message by {channel}"
            report.add("never_reported", (*path, "status"), message, f"it may be: {', '.join(REPORTED[channel])}")
    return True
