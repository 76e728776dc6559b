"""Where steps lead: targets that are not there, steps that are not reached, rounds without a wait."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final, NamedTuple

from domain.workflow import END
from schemas.definition.checking import Report
from schemas.definition.diagnostics import MAX_DIAGNOSTICS
from schemas.definition.model import ON_FAILURE
from schemas.definition.positions import Path
from schemas.definition.reading import ReadStep, ReadWorkflow
from schemas.definition.steps.delay import DelayConfig
from schemas.definition.steps.wait_for_event import WaitForEventConfig

_NEAR: Final = 0.85
"""So alike must a misspelt id be; `step_3` is not meant as `step_2`."""


class Edge(NamedTuple):
    """One way out of a step: what chooses it, where it is written, and where it leads."""

    word: str
    """`next`, `on_failure`, or the name of a branch."""
    path: Path
    target: str | None
    """None is the end."""


def edges(read: ReadWorkflow, index: int) -> Iterator[Edge]:
    """The ways out of a step, as they are taken at run time."""
    found, path = read.steps[index], ("steps", index)
    written = found.step.branches or {}
    for name in found.branches:
        if name in written:
            yield Edge(name, (*path, "branches", name), _target(written[name]))
    if found.kind.goes_on and not (found.branches and all(name in written for name in found.branches)):
        yield Edge("next", (*path, "next"), next_step(read, index))
    failure = found.step.on_failure
    if failure is not None and failure not in ON_FAILURE:
        yield Edge("on_failure", (*path, "on_failure"), failure)
    default = read.workflow.defaults.on_failure if read.workflow.defaults else None
    if failure is None and default is not None and default not in ON_FAILURE:
        yield Edge("on_failure", ("defaults", "on_failure"), default)


def next_step(read: ReadWorkflow, index: int) -> str | None:
    """`next` as it is written; without it the following step; None after the last, and for `end` or an empty one."""
    step = read.steps[index].step
    if "next" in step.model_fields_set:
        return _target(step.next)
    return read.steps[index + 1].step.id if index + 1 < len(read.steps) else None


def _target(written: str | None) -> str | None:
    return None if written in (None, END) else written


def check_flow(report: Report, read: ReadWorkflow) -> None:
    """Report everything that does not hold together."""
    ids = [found.step.id for found in read.steps]
    _check_ids(report, ids)
    _check_targets(report, read, set(ids))
    _check_branches(report, read)
    graph = _graph(read, ids)
    reached = _reached(graph)
    for index, step_id in enumerate(ids):
        if index not in reached and ids.index(step_id) == index:
            message = f"no step leads to '{step_id}'"
            hint = "lead to it by `next` or a branch, or delete it"
            report.add("unreachable_step", ("steps", index, "id"), message, hint)
    _check_cycles(report, read, graph)


def _check_ids(report: Report, ids: list[str]) -> None:
    for index, step_id in enumerate(ids):
        path: Path = ("steps", index, "id")
        if step_id == END:
            message = f"a step can't be called '{END}': `next: {END}` ends the workflow"
            report.add("reserved_step_id", path, message, "give the step another id")
        elif step_id in ids[:index]:
            message = f"the id '{step_id}' is taken by step {ids.index(step_id) + 1}"
            report.add("duplicate_step_id", path, message, "give every step an id of its own")


def _check_targets(report: Report, read: ReadWorkflow, ids: set[str]) -> None:
    told: set[Path] = set()
    for index, found in enumerate(read.steps):
        for edge in edges(read, index):
            if edge.target is None or edge.target in ids or edge.path in told:
                continue
            told.add(edge.path)
            code = {"next": "dangling_next", "on_failure": "dangling_on_failure"}.get(edge.word, "dangling_branch")
            words = f"`{edge.word}`" if code != "dangling_branch" else f"the branch '{edge.word}'"
            message = f"{words} of step '{found.step.id}' leads to '{edge.target}', and there is no such step"
            if edge.path[0] == "defaults":
                message = f"`on_failure` of the defaults leads to '{edge.target}', and there is no such step"
            hint = _target_hint(edge, ids) if len(told) <= MAX_DIAGNOSTICS else ""  # the others are not listed anyway
            report.add(code, edge.path, message, hint)


def _target_hint(edge: Edge, ids: set[str]) -> str:
    near = get_close_matches(edge.target or "", sorted(ids), n=1, cutoff=_NEAR)
    if near:
        return f"did you mean '{near[0]}'?"
    if edge.word == "on_failure":
        return f"use {', '.join(ON_FAILURE)} or the id of a step"
    return f"add this step, or write `{END}` to end here"


def _check_branches(report: Report, read: ReadWorkflow) -> None:
    for index, found in enumerate(read.steps):
        if not found.kind.needs_branches:
            continue
        written = found.step.branches or {}
        missing = [name for name in found.branches if name not in written]
        if missing:
            names = " and ".join(f"'{name}'" for name in missing)
            target = next_step(read, index)
            goes = f"goes on to '{target}'" if target else "ends the workflow"
            message = f"step '{found.step.id}' does not say where {names} leads; it {goes}"
            report.add("missing_branch", ("steps", index, "branches"), message, f"add `{missing[0]}:` to its branches")


# ---------------------------------------------------------------- the graph, by index of step

Graph = dict[int, list[tuple[int, Edge]]]


def _graph(read: ReadWorkflow, ids: list[str]) -> Graph:
    first = {step_id: index for index, step_id in reversed(list(enumerate(ids)))}
    return {
        index: [(first[edge.target], edge) for edge in edges(read, index) if edge.target in first]
        for index in range(len(ids))
    }


def _reached(graph: Graph) -> set[int]:
    reached, left = set(), [0]
    while left:
        index = left.pop()
        if index not in reached:
            reached.add(index)
            left.extend(target for target, _ in graph[index])
    return reached


def _check_cycles(report: Report, read: ReadWorkflow, graph: Graph) -> None:
    """One warning a round: at the edge that closes it, seen from the step that is first reached."""
    busy = {index: [] if _waits(read.steps[index]) else targets for index, targets in graph.items()}
    for index, edge, target in _closing_edges(busy):
        steps = read.steps
        message = f"'{steps[index].step.id}' leads back to '{steps[target].step.id}' and nothing on the way waits"
        report.add("cycle_without_wait", edge.path, message, "put a wait in between")


def _waits(found: ReadStep) -> bool:
    config = found.config
    longest = config.timeout if isinstance(config, WaitForEventConfig) else config
    if longest is None:
        return True  # a wait for an event without a time-out
    return isinstance(longest, DelayConfig) and round(longest.seconds * 1000) > 0


def _closing_edges(graph: Graph) -> Iterator[tuple[int, Edge, int]]:
    """The back edges of a depth-first walk, without recursion."""
    done: set[int] = set()
    for start in graph:
        if start in done:
            continue
        on_path, stack = {start}, [(start, iter(graph[start]))]
        while stack:
            index, ways = stack[-1]
            target, edge = next(ways, (None, None))
            if target is None or edge is None:
                stack.pop()
                on_path.discard(index)
                done.add(index)
            elif target in on_path:
                yield index, edge, target
            elif target not in done:
                on_path.add(target)
                stack.append((target, iter(graph[target])))
