"""A document becomes what the engine runs: texts compiled, times in milliseconds, every way out a step or the end."""

from typing import Any

from domain.errors import HeadraceError
from domain.workflow import Retry, Step, Workflow
from schemas.definition.checking import Report
from schemas.definition.flow import edges, next_step
from schemas.definition.lateness import lateness
from schemas.definition.limits import frequency_cap, send_window
from schemas.definition.model import ON_FAILURE
from schemas.definition.positions import unplaced
from schemas.definition.reading import ReadWorkflow, read_workflow
from schemas.definition.steps.kind import Templates


class UnreadableDefinition(HeadraceError):
    """A document that can't be read can't be compiled; `headrace validate` says what is wrong with it."""


def compile_workflow(
    document: dict[str, Any],
    *,
    workflow_id: str,
    version: int,
    templates: Templates,
    accept: tuple[str, ...] = (),  # noqa: ARG001 - what was accepted has no other effect than to be published
) -> Workflow:
    """The workflow of a readable document, with the texts of its templates as they are now.

    A target that is not there becomes the end; an `on_failure` that is not there becomes an incident; of steps with the
    same id the first one counts.

    Raises:
        UnreadableDefinition: `parse` would call the document unreadable.
    """
    report = Report(unplaced(document))
    read = read_workflow(report, document, any_kind=True)
    if read is None:
        words = "; ".join(f"{found.path}: {found.message}" for found in report.diagnostics)
        raise UnreadableDefinition(f"expected a definition that can be read, found: {words}")
    ids = {found.step.id for found in read.steps}
    steps: dict[str, Step] = {}
    for index, found in enumerate(read.steps):
        steps.setdefault(found.step.id, _step(read, index, ids, templates))
    return Workflow(
        id=workflow_id,
        version=version,
        name=read.workflow.name,
        triggers=tuple(trigger.trigger() for trigger in read.triggers),
        steps=steps,
        reentry=read.workflow.reentry,
        rate_limit=read.workflow.rate_limit.limit() if read.workflow.rate_limit else None,
    )


def _step(read: ReadWorkflow, index: int, ids: set[str], templates: Templates) -> Step:
    found = read.steps[index]
    target = next_step(read, index)
    return Step(
        id=found.step.id,
        kind=found.kind.name,
        config=found.kind.compile(found.config, templates),
        next=target if target in ids else None,
        branches={
            edge.word: edge.target if edge.target in ids else None
            for edge in edges(read, index)
            if edge.word in found.branches and edge.path[2] == "branches"
        },
        retry=_retry(read, index),
        on_failure=_on_failure(read, index, ids),
        when_unknown=found.step.when_unknown
        or (read.workflow.defaults.when_unknown if read.workflow.defaults else None),
        lateness=lateness(found.step, read.workflow.defaults),
        send_window=send_window(read, found),
        frequency_cap=frequency_cap(read, found),
    )


def _retry(read: ReadWorkflow, index: int) -> Retry:
    defaults = read.workflow.defaults
    retry = Retry()
    for given in (defaults.retry if defaults else None, read.steps[index].step.retry):
        retry = given.over(retry) if given else retry
    return retry


def _on_failure(read: ReadWorkflow, index: int, ids: set[str]) -> str:
    defaults = read.workflow.defaults
    written = read.steps[index].step.on_failure or (defaults.on_failure if defaults else None) or "incident"
    return written if written in ON_FAILURE or written in ids else "incident"
