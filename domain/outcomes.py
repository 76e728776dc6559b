"""Outcomes of attempts: succeeded, failed or unknown, never guessed; and what follows from each."""

from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from domain import command as c
from domain import journal as j
from domain.asking import answered_by, ask_at_ms, asks_first, is_asked, never_twice
from domain.completing import current_step
from domain.consent import OPT_OUT_CODES
from domain.consenting import change_consent
from domain.decision import Decision
from domain.enrollment import CLOSED, Enrollment, PendingAction
from domain.failing import fail_step
from domain.running import complete_action
from domain.skipping import skip_action
from domain.steps.kinds import MESSAGE_CHANNELS
from domain.workflow import Retry, Step

DEADLINE = "no_answer"
"""The code of an attempt whose outcome did not come in time."""
_NOBODY_KNOWS: Final = "it is unknown whether the provider took it, so it is not repeated by itself"
_SETTLE: Final = "look there, and settle it: retry as `succeeded`, `again` or `skip`"


def report_outcome(decision: Decision, report: c.ReportOutcome) -> None:
    """Take an outcome in, until the next attempt; one that is late, repeated or strange decides nothing."""
    enrollment = decision.enrollment(report.enrollment_id)
    action = enrollment.action if enrollment else None
    if enrollment is None or action is None or action.key != report.action_key or action.attempt != report.attempt:
        return
    if action.status not in ("running", "unknown"):
        return
    match report.outcome:
        case "succeeded":
            _succeeded(decision, enrollment, action, report)
        case "failed":
            _failed(decision, enrollment, action, report)
        case _ if action.status == "running" and not report.question:
            code, message = report.code or "unknown", report.message or ""
            _not_known(decision, enrollment, action, code, message, retry_after_ms=report.retry_after_ms or 0)
        case _ if is_asked(enrollment, action) and report.question == action.asked:
            _still_unknown(decision, enrollment, action, report.code, report.message or "")


def taken(decision: Decision, enrollment: Enrollment, action: PendingAction, report: c.ReportDelivery) -> None:
    """A callback shows that the provider took an attempt whose outcome did not come, or is unknown."""
    if action.status not in ("running", "unknown"):
        return
    outcome = c.ReportOutcome(
        command_id=report.command_id,
        contact_id=report.contact_id,
        enrollment_id=enrollment.id,
        action_key=action.key,
        attempt=action.attempt,
        outcome="succeeded",
        provider_id=report.provider_id,
        output={"status": report.status},
    )
    _succeeded(decision, enrollment, action, outcome)


def deadline_passed(decision: Decision, enrollment: Enrollment) -> None:
    """No outcome came until the attempt's deadline, or no answer until the question's: it is unknown, or still is."""
    action = enrollment.action
    if action is None:
        return
    if action.status == "running":
        message = "no answer came from the provider in time"
        _not_known(decision, enrollment, action, DEADLINE, message)
    else:
        _still_unknown(decision, enrollment, action, DEADLINE, "the provider did not say in time whether it took it")


def settle_after_pause(decision: Decision, enrollment: Enrollment) -> None:
    """An attempt that ended without success while the enrollment stood still is settled when it goes on."""
    action = enrollment.action
    if action is not None and action.status in ("failed", "unknown") and enrollment.timer is None:
        _give_up(decision, enrollment, action, action.code or action.status, _words(action))


def _words(action: PendingAction) -> str:
    if action.status == "unknown":
        return "no answer came from the provider"
    return f"attempt {action.attempt} of {action.tries} failed"


def _succeeded(decision: Decision, enrollment: Enrollment, action: PendingAction, report: c.ReportOutcome) -> None:
    incident = enrollment.incident_id if action.status == "unknown" else None
    if incident:
        decision.record(j.IncidentResolved, incident_id=incident, resolution="outcome")
        decision.on(j.EnrollmentRetried, enrollment, incident_id=incident, how="succeeded")
    decision.on_visit(
        j.AttemptSucceeded,
        enrollment,
        action.step_id,
        action.visit,
        action_key=action.key,
        attempt=action.attempt,
        provider_id=report.provider_id,
        personal=j.Answer(report.output, report.state),
    )
    if enrollment.status not in CLOSED:
        output = dict(report.output)
        if report.provider_id:
            output.setdefault("message_id", report.provider_id)
        complete_action(decision, enrollment, output)


def _failed(decision: Decision, enrollment: Enrollment, action: PendingAction, report: c.ReportOutcome) -> None:
    code, message = report.code or "failed", report.message or "the provider refused it"
    tries_left = action.tries_left + report.given_back
    again = report.retryable and tries_left > 0 and enrollment.status in ("active", "paused")
    retry_at_ms = None
    if again:
        retry = current_step(decision, enrollment).retry
        made = replace(action, attempt=max(1, action.tries - tries_left)) if report.given_back else action
        wait_ms = max(backoff_ms(retry, made), report.retry_after_ms or 0)
        retry_at_ms = decision.context.now_ms + wait_ms
    decision.on_visit(
        j.AttemptFailed,
        enrollment,
        action.step_id,
        action.visit,
        action_key=action.key,
        attempt=action.attempt,
        code=code,
        retryable=report.retryable,
        given_back=report.given_back,
        retry_at_ms=retry_at_ms,
        personal=j.Message(message),
    )
    if code in OPT_OUT_CODES:
        _opted_out(decision, enrollment, action)
    elif retry_at_ms is None and enrollment.status == "active":
        fail_step(decision, enrollment, current_step(decision, enrollment), action.visit, code, message)


def _opted_out(decision: Decision, enrollment: Enrollment, action: PendingAction) -> None:
    """The provider knows of an opt-out that we did not: from now on we do."""
    recipient = action.request.get("to")
    if isinstance(recipient, str):
        change_consent(decision, action.channel, recipient, allowed=False, reason="opted_out")
    if enrollment.status == "active":
        skip_action(decision, enrollment, action, current_step(decision, enrollment), "opted_out")


def _still_unknown(
    decision: Decision, enrollment: Enrollment, action: PendingAction, answer: str | None, message: str
) -> None:
    """A question about the attempt was not answered, or by an answer that proves nothing."""
    answered = answered_by(decision.context, action, answer)
    code = action.code or "unknown"
    _not_known(decision, enrollment, action, code, message, question=action.asked, answered=answered)


def _not_known(
    decision: Decision,
    enrollment: Enrollment,
    action: PendingAction,
    code: str,
    message: str,
    *,
    question: int = 0,
    answered: int = 0,
    retry_after_ms: int = 0,
) -> None:
    ask_ms = retry_ms = None
    if enrollment.status != "failed":  # a person has its word now; the ledger asks for a closed one, too
        step = current_step(decision, enrollment)
        ask_ms = ask_at_ms(decision.context, action, answered) if asks_first(step, action) else None
        again = action.tries_left > 0 and enrollment.status not in CLOSED and not never_twice(step, action)
        if ask_ms is None and again:
            retry_ms = decision.context.now_ms + max(backoff_ms(step.retry, action), retry_after_ms)
    decision.on_visit(
        j.AttemptUnknown,
        enrollment,
        action.step_id,
        action.visit,
        action_key=action.key,
        attempt=action.attempt,
        code=code,
        retry_at_ms=retry_ms,
        question=question,
        ask_at_ms=ask_ms,
        answered=answered,
        personal=j.Message(message),
    )
    if ask_ms is None and retry_ms is None and enrollment.status == "active":
        _leave_unknown(decision, enrollment, action, current_step(decision, enrollment), code, message)


def _give_up(decision: Decision, enrollment: Enrollment, action: PendingAction, code: str, message: str) -> None:
    step = current_step(decision, enrollment)
    if action.status == "unknown":
        _leave_unknown(decision, enrollment, action, step, code, message)
    else:
        fail_step(decision, enrollment, step, action.visit, code, message)


def _leave_unknown(
    decision: Decision, enrollment: Enrollment, action: PendingAction, step: Step, code: str, message: str
) -> None:
    """Nobody will know by itself: a person is asked about a message, and what may be repeated has failed."""
    if action.channel in MESSAGE_CHANNELS or never_twice(step, action):
        decision.incident("outcome_unknown", f"{_NOBODY_KNOWS} ({message}); {_SETTLE}", enrollment=enrollment)
    else:
        fail_step(decision, enrollment, step, action.visit, code, message)


def backoff_ms(retry: Retry, action: PendingAction) -> int:
    """Exponential in the attempts made, and longer by up to the policy's jitter.

    The spread is a hash of the action and its attempt, not chance: deciding again gives the same.
    """
    base = min(retry.max_backoff_ms, retry.backoff_ms << min(30, max(0, action.attempt - 1)))
    spread = int.from_bytes(blake2b(f"{action.key}/{action.attempt}".encode(), digest_size=2).digest())
    return base + base * spread * retry.jitter_permille // 65_536_000
