"""What limits the messages of each step: what it says itself, or else its workflow."""

from typing import Final

from domain.frequency import FrequencyCap
from domain.send_window import SendWindow
from domain.steps.kinds import MESSAGE_KINDS
from schemas.definition.checking import Report
from schemas.definition.reading import ReadStep, ReadWorkflow
from schemas.definition.sending import UNCAPPED

_KEYS: Final = ("send_window", "frequency_cap")


def send_window(read: ReadWorkflow, found: ReadStep) -> SendWindow | None:
    """When the step's message may go; None: at any time, or it sends none."""
    if found.kind.name not in MESSAGE_KINDS:
        return None
    given = found.step.send_window or read.workflow.send_window
    return given.window() if given is not None else None


def frequency_cap(read: ReadWorkflow, found: ReadStep) -> FrequencyCap | None:
    """How many messages the contact may get for the step's to go; None: any number, or it sends none."""
    given = found.step.frequency_cap or read.workflow.frequency_cap
    channel = MESSAGE_KINDS.get(found.kind.name)
    if channel is None or given is None or given is UNCAPPED or given.channel not in (None, channel):
        return None
    return given.cap()


def check_limits(report: Report, read: ReadWorkflow) -> None:
    """Report each step that limits its message and sends none."""
    for index, found in enumerate(read.steps):
        if found.kind.name in MESSAGE_KINDS:
            continue
        for key in _KEYS:
            if getattr(found.step, key) is not None:
                message = (
                    f"step '{found.step.id}' of type {found.step.type} sends no message, so it can't have a '{key}'"
                )
                hint = f"it may stand in a step of type {' or '.join(MESSAGE_KINDS)}, or in the workflow"
                report.add("unknown_key", ("steps", index, key), message, hint, key=True)
