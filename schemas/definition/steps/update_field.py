"""Step kind `update_field`: its `config`."""

from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator

from domain.steps.update_field import UpdateField
from domain.templates import compile_template, has_tokens
from schemas.definition.checking import wrong
from schemas.definition.steps.kind import Config, StepKind, Templates
from schemas.definition.values import Key, liquid

_CUSTOM: Final = "custom_fields."
_FIXED: Final = {
    "tags": "use add_tag and remove_tag",
    "id": "a contact keeps its id",
    "created_at": "the engine sets it",
    "updated_at": "the engine sets it",
}


def _settable(field: str) -> str:
    if field in _FIXED:
        message = f"the field '{field}' can't be set"
        raise wrong("bad_field", message, _FIXED[field])
    return field


def _rendered(value: Any) -> Any:
    return liquid(value) if isinstance(value, str) else value


class UpdateFieldConfig(Config):
    """An attribute or a custom field, and its new value: rendered when it is text, else taken as it is."""

    RENDERED: ClassVar = ("value",)

    field: Annotated[Key, AfterValidator(_settable)]
    value: Annotated[Any, AfterValidator(_rendered)]


def _compile(config: UpdateFieldConfig, _: Templates) -> UpdateField:
    value = config.value
    if isinstance(value, str) and has_tokens(value):
        value = compile_template(value)
    return UpdateField(field=config.field.removeprefix(_CUSTOM), value=value)


KIND = StepKind("update_field", UpdateFieldConfig, _compile)
