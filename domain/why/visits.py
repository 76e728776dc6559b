"""What one visit of a step comes to, in words: which way it led and what decided it, what it waited for or sent."""

from typing import Any, Final

from domain import words
from domain.why import waits
from domain.why.story import Send, StepVisit

_SENT: Final = {"sms": "The SMS", "email": "The e-mail", "http": "The HTTP request"}
_CHANGING: Final = ("add_tag", "remove_tag", "update_field")


def told(visit: StepVisit) -> str:  # noqa: PLR0911 one return a kind of end
    """The visit in one clause."""
    if is_held(visit):
        return held(visit)
    if visit.send is not None and visit.status != "skipped":
        return sent(visit, visit.send)
    if visit.waits_for:
        return waits.told(visit)
    if visit.arm is not None or visit.branch is not None:
        return took(visit)
    match visit.status:
        case "completed" if visit.due_at_ms is not None:
            return f"step {visit.step_id} waited until {words.moment(visit.due_at_ms)}"
        case "running" if visit.due_at_ms is not None:
            return f"step {visit.step_id} waits until {words.moment(visit.due_at_ms)}"
        case "skipped" if visit.code is None:
            return f"step {visit.step_id} was entered and dropped when the enrollment ended"
        case "skipped" | "failed":
            return f"step {visit.step_id} {'was skipped' if visit.status == 'skipped' else 'failed'}: {visit.message}"
        case _:
            changes = words.and_list([change(one) for one in visit.changes]) if visit.changes else "changed nothing"
            return (
                f"step {visit.step_id} was done: {changes}"
                if visit.step_type in _CHANGING
                else f"step {visit.step_id} was done"
            )


def is_held(visit: StepVisit) -> bool:
    """Whether a message waits until it may go."""
    return visit.status in ("pending", "running") and visit.code is not None and visit.due_at_ms is not None


def held(visit: StepVisit) -> str:
    """Until when a message is held, and why."""
    return f"the message of step {visit.step_id} is held until {words.moment(visit.due_at_ms or 0)}: {visit.message}"


def change(made: dict[str, Any]) -> str:
    """A change of the contact."""
    data = made["data"]
    match made["type"]:
        case "contact.tag_added":
            return f"added the tag {words.shown(data.get('tag'))}"
        case "contact.tag_removed":
            return f"removed the tag {words.shown(data.get('tag'))}"
        case _:
            return f"set {data.get('field')} to {words.shown(data.get('value'))}"


def took(visit: StepVisit) -> str:
    """Which way a step sent the enrollment, and what decided it."""
    to = f"to {visit.next_step}" if visit.next_step else "to the end"
    if visit.arm is not None:
        weights = ", ".join(f"{path} {weight * 100:g} %" for path, weight in visit.arm.weights.items())
        return f"step {visit.step_id} gave the contact arm {visit.arm.path} (of {weights}) and led {to}"
    if visit.waits_for:
        return waits.told(visit)
    if visit.branch is not None:
        because = words.deciding(visit.conditions, result=visit.branch == "true") if visit.conditions else ""
        return f"step {visit.step_id} took branch {visit.branch} {to}{f' ({because})' if because else ''}"
    if visit.status == "failed":
        return f"step {visit.step_id} failed ({visit.message}) and its on_failure led {to}"
    return f"step {visit.step_id} led {to}"


def sent(visit: StepVisit, send: Send) -> str:
    """What became of a step's message or request, in a sentence without its full stop."""
    what = f"{_SENT.get(send.channel, 'The action')} of step {visit.step_id}"
    last = send.attempts[-1] if send.attempts else None
    if last is None:
        return f"{what} was asked for at {words.moment(send.requested_at_ms)}, and no attempt was made"
    tries = f"attempt {last.number} of {send.tries}" if send.tries > 1 or last.number > 1 else "the attempt"
    at = words.moment(last.at_ms or last.started_at_ms)
    later = f"; the provider reported it {send.deliveries[-1].status} later" if send.deliveries else ""
    match last.outcome:
        case _ if visit.status == "completed" and visit.message:  # a person's word counts more than what was known
            return f"{what}: {visit.message} ({tries} at {at}: {last.message or last.code or last.outcome}){later}"
        case "succeeded":
            as_ = f" as {last.provider_id}" if last.provider_id else ""
            return f"{what} was taken by the provider{as_} at {at} ({tries}){later}"
        case "failed":
            again = f"; it is tried again at {words.moment(last.retry_at_ms)}" if last.retry_at_ms else ""
            return f"{what} was not taken by the provider: {last.message or last.code} ({last.code}, {tries} at {at}){again}"
        case "unknown":
            return f"nobody knows whether the provider took it ({tries} at {at}: {last.message or last.code}): {what[0].lower()}{what[1:]} may or may not have gone out"
        case _:
            due = words.moment(last.deadline_ms)
            return (
                f"{what} is with the provider since {at} ({tries}); without an answer by {due} its outcome is unknown"
            )
