"""A repair's plan: what is late, in groups that are settled alike, and what becomes of each. It is a file one may edit."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from domain.errors import HeadraceError
from domain.repairing import HOWS
from domain.times import span_text

FORMAT: Final = "headrace-repair-plan/1"
LEAVE: Final = "leave"
"""What becomes of a group that nobody said anything about: nothing."""
_DO: Final = (*HOWS, LEAVE)


class UnusablePlan(HeadraceError):
    """The file is no plan of a repair."""


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One visit of a step that is late."""

    enrollment_id: str
    contact_id: str
    visit: int
    due_at: str


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Visits of one step of one workflow that are late in the same way."""

    workflow_id: str
    workflow: str
    step_id: str
    step_type: str
    kind: str
    do: str
    """`run`, `skip`, `exit` or `leave`: what becomes of them."""
    because: str
    """Who says so: `--as`, the `definition`, or `nobody`."""
    late: str
    """From the least to the most, in words."""
    items: list[Item]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a repair would settle. Its id makes the commands: applied twice, each is done once."""

    format: str = FORMAT
    id: str
    groups: list[Group]

    @property
    def settled(self) -> Iterator[tuple[Group, Item]]:
        """What the plan does something about, the latest first within each group."""
        return ((group, item) for group in self.groups if group.do != LEAVE for item in group.items)

    @property
    def left_alone(self) -> int:
        """How many it does nothing about."""
        return sum(len(group.items) for group in self.groups if group.do == LEAVE)


def make_plan(late: Iterable[dict[str, Any]], how: str | None) -> Plan:
    """The plan for what `GET /late` lists. `how` decides for all; else each definition's own rule does."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for one in late:
        key = tuple(one[name] for name in ("workflow_name", "workflow_id", "step_id", "kind", "rule"))
        found.setdefault(key, []).append(one)
    groups = [_group(items, how) for _, items in sorted(found.items(), key=lambda pair: str(pair[0]))]
    return Plan(id=str(uuid4()), groups=groups)


def _group(items: list[dict[str, Any]], how: str | None) -> Group:
    first, lateness = items[0], [one["late_seconds"] for one in items]
    rule = first["rule"]
    do, because = (how, "--as") if how else (rule, "definition") if rule else (LEAVE, "nobody")
    return Group(
        workflow_id=first["workflow_id"],
        workflow=first["workflow_name"],
        step_id=first["step_id"],
        step_type=first["step_type"],
        kind=first["kind"],
        do=do,
        because=because,
        late=_range(min(lateness), max(lateness)),
        items=[Item(**{name: one[name] for name in Item.__struct_fields__}) for one in items],
    )


def _range(least: float, most: float) -> str:
    texts = span_text(int(least)), span_text(int(most))
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"


def write_plan(plan: Plan, path: Path) -> None:
    """Save it, laid out for reading.

    Raises:
        UnusablePlan: it can't be written there.
    """
    try:
        path.write_text(json.dumps(msgspec.to_builtins(plan), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        message = f"expected to write the plan to {path}: {error.strerror or error}"
        raise UnusablePlan(message) from error


def read_plan(path: Path) -> Plan:
    """The plan in a file, which a person may have edited.

    Raises:
        UnusablePlan: it is none; the message names the field and how to mend it.
    """
    mend = "make one with `headrace repair --plan -o FILE`"
    try:
        plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    except OSError as error:
        message = f"expected a plan in {path}: {error.strerror or error}; {mend}"
        raise UnusablePlan(message) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"expected a plan of `headrace repair` in {path}, found something else: {error}; {mend}"
        raise UnusablePlan(message) from error
    if plan.format != FORMAT:
        message = f"{path}: expected `format` to be {FORMAT}, found {plan.format!r}; {mend}"
        raise UnusablePlan(message)
    for index, group in enumerate(plan.groups):
        if group.do not in _DO:
            message = f"{path}: expected `groups[{index}].do` to be one of {', '.join(_DO)}, found {group.do!r}"
            raise UnusablePlan(message)
    return plan
