"""Step kind `send_sms`: its `config`."""

from typing import ClassVar

from pydantic import model_validator

from domain.steps.send_sms import SendSms
from domain.templates import compile_template
from schemas.definition.checking import wrong
from schemas.definition.steps.kind import Config, StepKind, Templates
from schemas.definition.values import LiquidText


class SendSmsConfig(Config):
    """A text, or the name of one; to the contact's phone unless `to` is given."""

    RENDERED: ClassVar = ("body", "to")

    body: LiquidText | None = None
    template: LiquidText | None = None
    """Liquid too: where no template has this name, it is the text itself."""
    to: LiquidText | None = None

    @model_validator(mode="after")
    def _one_text(self) -> "SendSmsConfig":
        if self.body is not None and self.template is not None:
            message = "expected `body` or `template` in the config of send_sms, found both"
            raise wrong("conflicting_keys", message, "keep the one that is meant", at="template")
        if self.body is None and self.template is None:
            message = "expected `body` or `template` in the config of send_sms, found neither"
            raise wrong("missing_key", message, 'add `body: "Hi {{first_name}}"`, or `template:` and its name')
        return self


def _compile(config: SendSmsConfig, templates: Templates) -> SendSms:
    """A template that is not defined is its own text, as in the user's engine (DESIGN 5.6, Steps)."""
    named = templates.get(config.template or "")
    named_body = named.body if named and named.channel == "sms" else config.template
    return SendSms(
        body=compile_template(config.body or named_body or ""),
        to=compile_template(config.to) if config.to else None,
    )


KIND = StepKind("send_sms", SendSmsConfig, _compile)
