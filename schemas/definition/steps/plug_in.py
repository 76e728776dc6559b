"""Step kinds that installed plug-ins bring: their `config` is free, and the plug-in's own to judge."""

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from domain.action import WorkflowAction
from domain.steps.plug_in import PlugIn
from domain.templates import map_templates
from schemas.definition.checking import wrong
from schemas.definition.positions import Path
from schemas.definition.steps.config_schema import ConfigSchema
from schemas.definition.steps.kind import Config, StepKind, Templates, leaves
from schemas.definition.values import request_liquid

WORD_LENGTH: Final = 50
_WORD: Final = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)

KINDS: Final[dict[str, StepKind]] = {}
"""Every step kind of a plug-in, by name: `schemas.definition.steps.add_plug_in` adds to it when a process starts."""


class PlugInConfig(Config):
    """Whatever the plug-in asks for; all text in it is Liquid."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    ACTION: ClassVar[WorkflowAction | None] = None

    @model_validator(mode="after")
    def _readable(self) -> "PlugInConfig":
        for path, text in self.texts():
            try:
                request_liquid(text)
            except PydanticCustomError as error:
                found = error.context or {}
                raise wrong("bad_liquid", found["message"], found["hint"], at=path, line=found["line"]) from None
        return self

    @model_validator(mode="after")
    def _accepted(self) -> "PlugInConfig":
        if self.ACTION is None:
            return self
        try:
            accepted, reason = self.ACTION.validate_config(self.values()), ""
        except Exception as error:  # noqa: BLE001 a plug-in may refuse in its own words
            accepted, reason = False, f": {error or type(error).__name__}"
        if not accepted:
            message = f"{self.ACTION.action_type} refuses this config{reason}"
            raise wrong("bad_config", message, "the plug-in's own documentation says what it takes")
        return self

    def values(self) -> dict[str, Any]:
        """The config as it is written."""
        return dict(self.model_extra or {})

    def texts(self) -> Iterator[tuple[Path, str]]:
        """Every text in it."""
        return leaves(self.values(), ())


def is_word(word: str) -> bool:
    """Whether a plug-in's step kind may be called so: the read side's column and the language have room for it."""
    return len(word) <= WORD_LENGTH and _WORD.fullmatch(word) is not None


def kind_of(word: str, action: WorkflowAction) -> StepKind:
    """The step kind that an action serves.

    Raises:
        InvalidAction: what it declares as its config's shape is none.
    """
    config = type("PlugInConfig", (PlugInConfig,), {"ACTION": action, "__doc__": PlugInConfig.__doc__})
    return StepKind(word, config, _compiler(action.channel), shape=ConfigSchema.of(action))


def unchecked(word: str) -> StepKind:
    """The step kind of a definition that was published: what it may say was settled then, and is not asked again."""
    known = KINDS.get(word)
    return StepKind(word, PlugInConfig, known.compile if known else _compiler(word))


def _compiler(channel: str) -> Callable[[Any, Templates], PlugIn]:
    def compile_(found: PlugInConfig, _: Templates) -> PlugIn:
        return PlugIn(channel=channel, config=map_templates(found.values()))

    return compile_
