"""Asking a provider what became of an attempt whose outcome is unknown, before anything else is done about it.

It is asked in rounds, as a message may show up late. That it has the message proves that the attempt succeeded; that it
does not list it proves nothing, and only ends the round. A question that is not answered is put again, later each time:
a provider that is down is not one that knows nothing.
"""

from typing import Final

from domain import journal as j
from domain.action import CANNOT_ASK, NOT_FOUND
from domain.decision import Context, Decision
from domain.enrollment import Enrollment, PendingAction
from domain.steps.kinds import MESSAGE_CHANNELS
from domain.workflow import Step

ASK_AFTER_MS: Final = (2_000, 10_000, 30_000)
"""When it is asked, unless it is set otherwise."""
MOST_QUESTIONS: Final = 20
"""About one attempt: a provider that does not answer so often is not asked any more (after about three hours)."""
_LONGEST_PAUSE_MS: Final = 900_000


def never_twice(step: Step, action: PendingAction) -> bool:
    """Whether an attempt whose outcome stays unknown is left to a person."""
    return (step.when_unknown or ("never_twice" if action.channel in MESSAGE_CHANNELS else "retry")) == "never_twice"


def asks_first(step: Step, action: PendingAction) -> bool:
    """Whether the provider is asked before its action is repeated or given up; all else is repeated under its own key."""
    return action.channel in MESSAGE_CHANNELS or never_twice(step, action)


def ask_at_ms(context: Context, action: PendingAction, answered: int) -> int | None:
    """When the provider is asked next; None when it was asked enough."""
    if answered >= len(context.ask_after_ms) or action.asked >= MOST_QUESTIONS:
        return None
    pause_ms = context.ask_after_ms[answered]
    unanswered = action.asked - answered
    return context.now_ms + max(pause_ms, min(pause_ms << max(0, unanswered), _LONGEST_PAUSE_MS))


def answered_by(context: Context, action: PendingAction, code: str | None) -> int:
    """How many rounds are over with an answer of this code."""
    if code == CANNOT_ASK:
        return len(context.ask_after_ms)
    return action.answered + (code == NOT_FOUND)


def ask(decision: Decision, enrollment: Enrollment) -> None:
    """It is time to ask: the question is in the journal before it is put."""
    action = enrollment.action
    assert action is not None
    decision.on_visit(
        j.OutcomeAsked,
        enrollment,
        action.step_id,
        action.visit,
        action_key=action.key,
        attempt=action.attempt,
        question=action.asked + 1,
        deadline_ms=decision.context.now_ms + decision.context.answer_within_ms,
    )


def is_asked(enrollment: Enrollment, action: PendingAction) -> bool:
    """Whether a question about its last attempt was put, and its answer may still come."""
    timer = enrollment.timer
    return action.status == "unknown" and timer is not None and timer.kind == "deadline"
