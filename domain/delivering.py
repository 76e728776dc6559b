"""Deciding what a provider's later word on a message means: an outcome that was unknown, a status, an end of consent, of a wait."""

from domain import command as c
from domain import journal as j
from domain.consenting import change_consent
from domain.decision import Decision
from domain.delivery import ENDS_CONSENT
from domain.outcomes import taken
from domain.waking import wake_by_delivery


def report_delivery(decision: Decision, report: c.ReportDelivery) -> None:
    """Take a callback in. Whatever it says of the delivery: the provider has the message, so the attempt succeeded."""
    enrollment = decision.enrollment(report.enrollment_id)
    action = enrollment.action if enrollment else None
    if enrollment is not None and action is not None and action.key == report.action_key:
        taken(decision, enrollment, action, report)
    decision.record(
        j.DeliveryReported,
        enrollment_id=report.enrollment_id,
        step_id=report.step_id,
        visit=report.visit,
        command_id=report.command_id,
        action_key=report.action_key,
        channel=report.channel,
        status=report.status,
        provider_id=report.provider_id,
        code=report.code,
        occurred_at_ms=report.occurred_at_ms,
        price=report.price,
        personal=j.Address(report.recipient),
    )
    reason = ENDS_CONSENT.get(report.status)
    if reason is not None:
        change_consent(decision, report.channel, report.recipient, allowed=False, reason=reason)
    wake_by_delivery(decision, report.enrollment_id)
