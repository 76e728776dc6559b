"""A document checked part by part: what the compiler, the flow checks and the warnings work on."""

from typing import Any, NamedTuple

from schemas.definition.checking import Report, describe
from schemas.definition.diagnostics import did_you_mean
from schemas.definition.model import MAX_STEPS, MAX_TRIGGERS, StepModel, WorkflowModel
from schemas.definition.positions import Path
from schemas.definition.steps import NOT_AVAILABLE, known_words, step_kind
from schemas.definition.steps.kind import Config, StepKind
from schemas.definition.steps.plug_in import KINDS, unchecked
from schemas.definition.triggers import TriggerModel, check_trigger


class ReadStep(NamedTuple):
    """A step with the checked config of its kind."""

    step: StepModel
    kind: StepKind
    config: Config

    @property
    def branches(self) -> tuple[str, ...]:
        """The names of the branches that it can take."""
        return self.kind.branches(self.config)


class ReadWorkflow(NamedTuple):
    """A workflow whose every part could be read."""

    workflow: WorkflowModel
    triggers: tuple[TriggerModel, ...]
    steps: tuple[ReadStep, ...]


def read_workflow(report: Report, document: dict[str, Any], *, any_kind: bool = False) -> ReadWorkflow | None:
    """The checked parts; None when one could not be read, which the report then says.

    With `any_kind`, for what was published: a word that is no step kind is taken for that of a plug-in, and no plug-in is
    asked about its config.
    """
    workflow = report.check(WorkflowModel, document, (), "the workflow")
    triggers = [check_trigger(report, value, path) for path, value in _triggers(document)]
    steps = document.get("steps")
    listed = steps[:MAX_STEPS] if isinstance(steps, list) else []
    read = [read_step(report, value, index, any_kind=any_kind) for index, value in enumerate(listed)]
    if workflow is None or None in triggers or None in read:
        return None
    return ReadWorkflow(
        workflow, tuple(one for one in triggers if one is not None), tuple(one for one in read if one is not None)
    )


def _triggers(document: dict[str, Any]) -> list[tuple[Path, Any]]:
    single, several = document.get("trigger"), document.get("triggers")
    listed: list[tuple[Path, Any]] = [(("trigger",), single)] if isinstance(single, dict) else []
    if isinstance(several, list):
        listed += [(("triggers", index), value) for index, value in enumerate(several[:MAX_TRIGGERS])]
    return listed


def read_step(report: Report, value: Any, index: int, *, any_kind: bool = False) -> ReadStep | None:
    """The step at this index, or None after reporting why not. `any_kind` as `read_workflow` has it."""
    path: Path = ("steps", index)
    step = report.check(StepModel, value, path, step_name(value, index))
    kind = _kind(report, value, path, any_kind=any_kind)
    if kind is None:
        return None
    config = _config(report, kind, value, path)
    if step is None or config is None:
        return None
    found = ReadStep(step, kind, config)
    return found if _branches_exist(report, found, path) else None


def step_name(value: Any, index: int) -> str:
    """A step in words."""
    name = value.get("id") if isinstance(value, dict) else None
    return f"step '{name[:40]}'" if isinstance(name, str) and name else f"step {index + 1}"


def _kind(report: Report, value: Any, path: Path, *, any_kind: bool) -> StepKind | None:
    word = value.get("type") if isinstance(value, dict) else None
    if not isinstance(word, str):
        return None
    kind = step_kind(word)
    if any_kind and (kind is None or word in KINDS):
        kind = unchecked(word)
    if kind is None and word in NOT_AVAILABLE:
        message = f"'{word}' is part of the language, but this version of Headrace can't run it yet"
        report.add("not_available", (*path, "type"), message, "leave the step out for now")
    elif kind is None:
        hint = did_you_mean(word, known_words())
        report.add("unknown_step_kind", (*path, "type"), f"expected a step kind, found {describe(word)}", hint)
    return kind


def _config(report: Report, kind: StepKind, value: dict[str, Any], path: Path) -> Config | None:
    config = value.get("config")
    if config is not None and not isinstance(config, dict):
        return None
    path = (*path, "config")
    misfits = kind.shape.misfits(config or {}) if kind.shape else []
    for one in misfits:
        report.add(one.code, (*path, *one.path), one.message, one.hint, key=one.key)
    if misfits:
        return None
    checked = report.check(kind.config, config or {}, path, f"the config of {value['type']}")
    return checked if checked is not None and checked.check(report, path) else None


def _branches_exist(report: Report, found: ReadStep, path: Path) -> bool:
    known = found.branches
    unknown = [name for name in found.step.branches or {} if name not in known]
    for name in unknown:
        if known:
            message = f"expected a branch of {found.step.type}, found '{name}'"
            hint = found.config.mend_branch(name) or did_you_mean(name, known)
        else:
            message = f"a step of type {found.step.type} has no branches, found '{name}'"
            hint = "use `next`, or put a condition step before it"
        report.add("unknown_branch", (*path, "branches", name), message, hint, key=True)
    return not unknown
