"""Conditions as they are written: one comparison, or a group `all`, `any` or `not`; a list is `all`."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from domain.conditions import All, AnyOf, Comparison, Condition, Not, check_comparison
from domain.fields import check_path
from domain.operators import OPERATORS, check_unit
from schemas.definition.checking import Model, one_of, wrong
from schemas.definition.positions import Path
from schemas.definition.values import Text, liquid

_GROUPS: Final = ("all", "any", "not")
_FORMS: Final = "a condition is `field` + `operator` (+ `value`), or one of `all`, `any`, `not`"


def _as_list(value: Any) -> Any:
    """One condition stands for a list of it."""
    return [value] if isinstance(value, dict) else value


_Operator = Annotated[
    str,
    BeforeValidator(one_of("unknown_operator", "an operator", lambda: OPERATORS)),
    WithJsonSchema({"enum": list(OPERATORS)}),
]


class ConditionModel(Model):
    """A condition on the contact, the event or the enrollment."""

    field: Text | None = None
    operator: _Operator | None = None
    value: Any = None
    unit: str | None = None
    all: "Conditions | None" = None
    any: "Conditions | None" = None
    not_: "ConditionModel | None" = Field(None, alias="not")

    @model_validator(mode="before")
    @classmethod
    def _list_is_all(cls, value: Any) -> Any:
        return {"all": value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _one_form(self) -> "ConditionModel":
        groups = [name for name in _GROUPS if getattr(self, "not_" if name == "not" else name) is not None]
        compared = sorted(self.model_fields_set & {"field", "operator", "value", "unit"})
        if len(groups) + bool(compared) != 1:
            found = ", ".join(f"'{name}'" for name in (*compared, *groups)) or "nothing"
            code = "conflicting_keys" if groups else "missing_key"
            message = f"expected one condition, found {found}"
            raise wrong(code, message, f"{_FORMS}; to combine several write a list of them")
        if compared:
            self._check_comparison()
        return self

    def _check_comparison(self) -> None:
        if self.field is None or self.operator is None:
            missing = "operator" if self.operator is None else "field"
            message = f"expected the key '{missing}' in this condition, found none"
            raise wrong("missing_key", message, _FORMS)
        problem = check_path(self.field)
        if problem:
            raise wrong("bad_field", problem, at="field")
        problem = check_comparison(Comparison(self.field, self.operator, self.value, self.unit))
        if problem:
            bad_unit = check_unit(OPERATORS[self.operator], self.unit) is not None
            bad_regex = self.operator == "matches" and isinstance(self.value, str)
            raise wrong("bad_regex" if bad_regex else "bad_operand", problem, at="unit" if bad_unit else "value")

        for path, text in self.texts():
            liquid(text, at=path)

    def condition(self) -> Condition:
        """What the engine tests."""
        if self.all is not None:
            return group(self.all)
        if self.any is not None:
            return AnyOf(tuple(part.condition() for part in self.any))
        if self.not_ is not None:
            return Not(self.not_.condition())
        assert self.field is not None
        assert self.operator is not None
        return Comparison(self.field, self.operator, self.value, self.unit)

    def texts(self, path: Path = ()) -> Iterator[tuple[Path, str]]:
        """The texts to compare with that are rendered first, and where they stand."""
        for name in _GROUPS[:2]:
            for index, part in enumerate(getattr(self, name) or ()):
                yield from part.texts((*path, name, index))
        if self.not_ is not None:
            yield from self.not_.texts((*path, "not"))
        values = enumerate(self.value) if isinstance(self.value, list) else [("value", self.value)]
        for part, value in values:
            if isinstance(value, str) and "{{" in value:
                yield (*path, "value", part), value


Conditions = Annotated[
    list[ConditionModel],
    BeforeValidator(_as_list),
    Field(min_length=1),
]
"""Conditions that are all to hold, or one of which is to hold: a list, or a single one."""

AnyNumberOfConditions = Annotated[list[ConditionModel], BeforeValidator(_as_list)]
"""As `Conditions`; an empty list holds always."""

ConditionModel.model_rebuild()


def group(conditions: list[ConditionModel]) -> Condition:
    """What a list of conditions means: all of them."""
    parts = tuple(part.condition() for part in conditions)
    return parts[0] if len(parts) == 1 else All(parts)
