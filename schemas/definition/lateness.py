"""How late a step may run: `max_lateness` and `when_late`, of the step or else of the defaults."""

from typing import Any

from domain.workflow import Lateness
from schemas.definition.checking import Report
from schemas.definition.model import DefaultsModel, StepModel
from schemas.definition.reading import ReadWorkflow


def lateness(step: StepModel, defaults: DefaultsModel | None) -> Lateness | None:
    """How late the step may run, and what then; None when nothing is said of it.

    Who says how late, and not what then, means `skip`. Who says only `run` means: however late.
    """
    longest, then = _said("max_lateness", step, defaults), _said("when_late", step, defaults)
    if longest is None:
        return Lateness(0, "run") if then == "run" else None
    return Lateness(round(longest * 1000), then or "skip")


def check_lateness(report: Report, read: ReadWorkflow) -> None:
    """Report each step that says what becomes of it when it is late, while nothing says when that is."""
    for index, found in enumerate(read.steps):
        then = found.step.when_late
        if then not in (None, "run") and _said("max_lateness", found.step, read.workflow.defaults) is None:
            message = f"step '{found.step.id}' says what becomes of it when it is late, and nothing says when it is"
            report.add("missing_key", ("steps", index, "when_late"), message, "add `max_lateness: 1h`", key=True)


def _said(name: str, step: StepModel, defaults: DefaultsModel | None) -> Any:
    own = getattr(step, name)
    return getattr(defaults, name, None) if own is None else own
