"""Step kinds `add_tag` and `remove_tag`: their `config`."""

from typing import ClassVar

from domain.steps.change_tags import AddTag, RemoveTag
from domain.templates import compile_template
from schemas.definition.steps.kind import Config, StepKind, Templates
from schemas.definition.values import LiquidText


class TagConfig(Config):
    """The tag in question."""

    RENDERED: ClassVar = ("tag",)

    tag: LiquidText


def _add(config: TagConfig, _: Templates) -> AddTag:
    return AddTag(tag=compile_template(config.tag))


def _remove(config: TagConfig, _: Templates) -> RemoveTag:
    return RemoveTag(tag=compile_template(config.tag))


ADD = StepKind("add_tag", TagConfig, _add)
REMOVE = StepKind("remove_tag", TagConfig, _remove)
