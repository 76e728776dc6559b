"""Step kind `send_email`: its `config`."""

from typing import ClassVar

from pydantic import model_validator

from domain.steps.send_email import SendEmail
from domain.templates import Template, compile_template
from schemas.definition.checking import wrong
from schemas.definition.steps.kind import Config, StepKind, Templates
from schemas.definition.values import Key, LiquidText


class SendEmailConfig(Config):
    """A subject with a text, with HTML or with both; or the name of a template."""

    RENDERED: ClassVar = ("subject", "body", "html", "to")

    template: Key | None = None
    subject: LiquidText | None = None
    body: LiquidText | None = None
    html: LiquidText | None = None
    to: LiquidText | None = None

    @model_validator(mode="after")
    def _one_text(self) -> "SendEmailConfig":
        written = [name for name in ("subject", "body", "html") if getattr(self, name) is not None]
        if self.template is not None:
            if written:
                message = f"expected `template` alone in the config of send_email, found `{written[0]}` beside it"
                raise wrong("conflicting_keys", message, "keep the one that is meant", at=written[0])
        elif not written:
            message = "expected `template`, or `subject` and `body`, in the config of send_email, found neither"
            raise wrong("missing_key", message, "add `template:` and its name, or `subject:` and `body:`")
        elif self.subject is None or len(written) == 1:
            missing = "subject" if self.subject is None else "body"
            message = f"expected the key '{missing}' in the config of send_email, found none"
            raise wrong("missing_key", message, f"add `{missing}: ...`")
        return self


def _compile(config: SendEmailConfig, templates: Templates) -> SendEmail:
    """A template that is not defined here is taken for a SendGrid template's id (DESIGN 5.6, Steps)."""
    to = _optional(config.to)
    if config.template is None:
        return SendEmail(
            subject=_optional(config.subject), body=_optional(config.body), html=_optional(config.html), to=to
        )
    named = templates.get(config.template)
    if named is None or named.channel != "email":
        return SendEmail(to=to, sendgrid_template_id=config.template)
    return SendEmail(
        subject=_optional(named.subject),
        body=_optional(named.body),
        html=_optional(named.html),
        to=to,
        sendgrid_template_id=named.sendgrid_template_id,
    )


def _optional(text: str | None) -> Template | None:
    return compile_template(text) if text else None


KIND = StepKind("send_email", SendEmailConfig, _compile)
