"""Conditions: comparisons of a contact's fields, in groups, compiled to functions of a scope."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import msgspec

from domain.fields import Scope, check_path, compile_path
from domain.operators import OPERATORS, Test, check_unit, check_value
from domain.templates import TemplateError, compile_template, render_value


class Comparison(msgspec.Struct, frozen=True, tag="comparison"):
    """A field compared with a value. Texts in `value` that contain `{{` are templates, rendered before comparing."""

    field: str
    operator: str
    value: Any = None
    unit: str | None = None
    """Of `within_last` alone: seconds, minutes, hours, days or weeks."""


class All(msgspec.Struct, frozen=True, tag="all"):
    """True when every condition is; an empty group is true."""

    conditions: "tuple[Condition, ...]"


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    """True when at least one condition is; an empty group is false."""

    conditions: "tuple[Condition, ...]"


class Not(msgspec.Struct, frozen=True, tag="not"):
    """True when the condition is false."""

    condition: "Condition"


Condition = Comparison | All | AnyOf | Not

Predicate = Callable[[Scope], bool]
Operands = list[dict[str, Any]]
"""What was compared, in order: `field`, `operator`, `value`, `actual`, `result` (and `unit` where there is one)."""
Explainer = Callable[[Scope, Operands], bool]


def check_comparison(comparison: Comparison) -> str | None:
    """What is wrong with a comparison, in words for the author of the definition; None when it can be run."""
    operator = OPERATORS.get(comparison.operator)
    if operator is None:
        close = get_close_matches(str(comparison.operator), OPERATORS, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"expected one of {', '.join(OPERATORS)}"
        return f"there is no operator {comparison.operator!r}: {hint}"
    problem = check_path(comparison.field)
    if problem is not None:
        return problem
    problem = check_unit(operator, comparison.unit)
    if problem is not None:
        return problem
    one_text = isinstance(comparison.value, str)
    if not _is_dynamic(comparison.value) or (one_text and operator.takes in ("a list", "nothing")):
        return check_value(operator, comparison.value)
    try:
        _compile_value(comparison.value)
    except TemplateError as error:
        return f"the value is no template: {error}"
    return None


def compile_condition(condition: Condition) -> Predicate:
    """The condition as a function of a scope. Compile once, call often.

    Calling it raises StepError (`template_error`) when a value is a template that can't be rendered, and nothing else.
    """
    if isinstance(condition, Comparison):
        return _compile_comparison(condition)
    if isinstance(condition, Not):
        inner = compile_condition(condition.condition)
        return lambda scope: not inner(scope)
    parts = tuple(compile_condition(part) for part in condition.conditions)
    if len(parts) == 1:
        return parts[0]
    if isinstance(condition, All):
        return lambda scope: all(part(scope) for part in parts)
    return lambda scope: any(part(scope) for part in parts)


def explain(condition: Condition, scope: Scope) -> tuple[bool, Operands]:
    """The condition's result and the operands of each comparison that it took to know it."""
    return compile_explained(condition)(scope)


def compile_explained(condition: Condition) -> Callable[[Scope], tuple[bool, Operands]]:
    """As `compile_condition`, but a call also gives the operands, for the journal."""
    explainer = _compile_explainer(condition)

    def explained(scope: Scope) -> tuple[bool, Operands]:
        operands: Operands = []
        return explainer(scope, operands), operands

    return explained


def _compile_comparison(comparison: Comparison) -> Predicate:
    read, operator, unit = compile_path(comparison.field), OPERATORS[comparison.operator], comparison.unit
    if _is_dynamic(comparison.value):
        operand = _operand(comparison)
        return lambda scope: operand(scope)[1](read(scope), scope.now_ms)
    test = operator.prepare(comparison.value, unit)
    return lambda scope: test(read(scope), scope.now_ms)


def _operand(comparison: Comparison) -> Callable[[Scope], tuple[Any, Test]]:
    """The value to compare with and its test; both are known beforehand unless the value is a template."""
    operator, unit = OPERATORS[comparison.operator], comparison.unit
    if not _is_dynamic(comparison.value):
        fixed = comparison.value, operator.prepare(comparison.value, unit)
        return lambda _: fixed
    template = _compile_value(comparison.value)

    def rendered(scope: Scope) -> tuple[Any, Test]:
        value = render_value(template, scope)
        return value, operator.prepare(value, unit)

    return rendered


def _compile_explainer(condition: Condition) -> Explainer:
    if isinstance(condition, Comparison):
        return _explain_comparison(condition)
    if isinstance(condition, Not):
        inner = _compile_explainer(condition.condition)
        return lambda scope, operands: not inner(scope, operands)
    parts = tuple(_compile_explainer(part) for part in condition.conditions)
    if isinstance(condition, All):
        return lambda scope, operands: all(part(scope, operands) for part in parts)
    return lambda scope, operands: any(part(scope, operands) for part in parts)


def _explain_comparison(comparison: Comparison) -> Explainer:
    read, operand = compile_path(comparison.field), _operand(comparison)
    unit = {} if comparison.unit is None else {"unit": comparison.unit}

    def explainer(scope: Scope, operands: Operands) -> bool:
        actual, (value, test) = read(scope), operand(scope)
        result = test(actual, scope.now_ms)
        compared = {"field": comparison.field, "operator": comparison.operator, "value": value, "actual": actual}
        operands.append({**compared, **unit, "result": result})
        return result

    return explainer


def _is_dynamic(value: Any) -> bool:
    """Whether the value has a template in it. `{%` alone is not one: it may be part of a pattern, as `[{%]`."""
    return any(
        isinstance(item, str) and "{{" in item for item in (value if isinstance(value, list | tuple) else [value])
    )


def _compile_value(value: Any) -> Any:
    """The value with its own text, or the texts that are its items, as templates."""
    if isinstance(value, list | tuple):
        return [compile_template(item) if isinstance(item, str) and _is_dynamic(item) else item for item in value]
    return compile_template(value)
