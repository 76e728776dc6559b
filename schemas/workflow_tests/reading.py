"""From bytes to workflow tests: whatever comes in, what comes out is tests, diagnostics, or both."""

from typing import Any, Final

import msgspec

from domain.contact import Contact
from domain.definition import Diagnostic, TemplateText
from domain.operating import RETRIES
from domain.path import Path, Visit
from domain.repairing import HOWS
from domain.times import read_time_ms
from domain.workflow_test import AttemptOutcome, Consent, Delivery, Fact, Happening, Lateness, Wish, WorkflowTest
from schemas.definition.checking import Report, describe
from schemas.definition.json_source import read_json
from schemas.definition.positions import Node, plain
from schemas.definition.positions import Path as KeyPath
from schemas.definition.source import read_text
from schemas.definition.yaml_source import read_yaml
from schemas.workflow_tests.model import KIND, HappensModel, VisitModel, WorkflowTestModel

_HAPPENINGS: Final = ("event", "operator", "consent", "delivery")
_HOWS: Final = {"retry": RETRIES, "repair": HOWS}
"""What an operator's command may come `as`."""


class ReadTest(msgspec.Struct, frozen=True, kw_only=True):
    """What a document says: the test and the definition to play it on, or why it could not be read."""

    name: str
    test: WorkflowTest | None = None
    workflow_name: str = ""
    definition: str | dict[str, Any] = ""
    templates: dict[str, TemplateText] = {}
    diagnostics: tuple[Diagnostic, ...] = ()


def read_tests(data: bytes, filename: str) -> list[ReadTest]:
    """Every test of a file, in order; a document that is none has diagnostics."""
    text = read_text(data, None, filename)
    if text.problem is not None:
        return [ReadTest(name=filename, diagnostics=(text.problem,))]
    if text.format == "json":
        root, problems = read_json(text.text)
        return [_document(root, problems, filename)]
    return [_document(one.root, one.problems, filename) for one in read_yaml(text.text)]


def _document(root: Node | None, problems: tuple[Diagnostic, ...], filename: str) -> ReadTest:
    if root is None or problems:
        return ReadTest(name=filename, diagnostics=problems)
    document, report = plain(root), Report(root)
    if not isinstance(document, dict) or document.get("kind") != KIND:
        found = describe(document.get("kind")) if isinstance(document, dict) else describe(document)
        report.add(
            "unknown_kind",
            (),
            f"expected a document with `kind: {KIND}`, found {found}",
            "write one by `headrace record`",
        )
        return ReadTest(name=filename, diagnostics=tuple(report.diagnostics))
    model = report.check(WorkflowTestModel, document, (), "the workflow test")
    contact = _contact(report, document) if model is not None else None
    if model is None or contact is None or not _happens_hold(report, model):
        return ReadTest(name=filename, diagnostics=tuple(report.diagnostics))
    templates = {one.name: TemplateText(**one.model_dump()) for one in model.templates}
    return ReadTest(
        name=model.name,
        test=_test(model, contact),
        workflow_name=model.workflow.name,
        definition=model.definition,
        templates=templates,
    )


def _contact(report: Report, document: dict[str, Any]) -> Contact | None:
    given = dict(document["given"]["contact"])
    for name in ("created_at", "updated_at"):
        if isinstance(given.get(name), str):
            given[f"{name}_ms"] = read_time_ms(given.pop(name)) or 0
    unknown = given.keys() - set(Contact.__struct_fields__)
    for name in sorted(unknown):
        hint = "put fields of your own under custom_fields"
        report.add("unknown_key", ("given", "contact", name), f"unknown key '{name}' in the contact", hint, key=True)
    try:
        return None if unknown else msgspec.convert(given, Contact)
    except msgspec.ValidationError as error:
        report.add("bad_value", ("given", "contact"), f"the contact can't be used: {error}")
        return None


def _happens_hold(report: Report, model: WorkflowTestModel) -> bool:
    for index, one in enumerate(model.when):
        found = [name for name in _HAPPENINGS if getattr(one, name) is not None]
        if len(found) != 1:
            what = f"expected one of {', '.join(_HAPPENINGS)}, found {' and '.join(found) or 'none'}"
            report.add("conflicting_keys", ("when", index), what)
        _wish_holds(report, ("when", index), one)
    return not report.diagnostics


def _wish_holds(report: Report, path: KeyPath, one: HappensModel) -> None:
    """Each repair says how, and which step it settles; what `as` may be hangs on the command."""
    known = _HOWS.get(one.operator or "", ())
    if one.operator == "repair":
        for name, missing in (("as", not one.how), ("step", one.step is None)):
            if missing:
                hint = f"add `{name}: {'|'.join(known) if name == 'as' else '...'}`"
                report.add(
                    "missing_key", path, f"expected the key '{name}' beside `operator: repair`, found none", hint
                )
    elif one.model_fields_set & {"step", "visit"}:
        report.add(
            "conflicting_keys", path, "expected 'step' and 'visit' only beside `operator: repair`", "leave them out"
        )
    if one.how and known and one.how not in known:
        what = f"expected 'as' of `operator: {one.operator}` to be one of {', '.join(known)}, found {describe(one.how)}"
        report.add("bad_value", (*path, "as"), what)


def _test(model: WorkflowTestModel, contact: Contact) -> WorkflowTest:
    return WorkflowTest(
        name=model.name,
        workflow_id=model.workflow.id,
        version=model.workflow.version,
        starts_at_ms=model.given.time,
        lasts_ms=model.lasts,
        contact=contact,
        last_sms_reply=model.given.last_sms_reply,
        opted_out=tuple(Consent(**one.model_dump()) for one in model.given.opted_out),
        enrolled_before=model.given.enrolled_before,
        phone_region=model.given.phone_region,
        happens=tuple(_happens(one) for one in model.when),
        outcomes=tuple(
            AttemptOutcome(
                after_ms=one.after,
                retry_after_ms=one.again_after,
                **one.model_dump(exclude={"after", "again_after"}),
            )
            for one in model.outcomes
        ),
        late=tuple(Lateness(late_ms=one.by, **one.model_dump(exclude={"by"})) for one in model.late),
        expects=Path(
            trigger=model.then.enrolled,
            visits=tuple(_visit(one) for one in model.then.steps),
            ends=model.then.ends,
        ),
    )


def _happens(one: HappensModel) -> Happening:
    if one.consent is not None:
        return Consent(at_ms=one.at, **one.consent.model_dump())
    if one.delivery is not None:
        return Delivery(at_ms=one.at, **one.delivery.model_dump())
    if one.operator is not None:
        return Wish(at_ms=one.at, what=one.operator, how=one.how, step=one.step or "", visit=one.visit)
    return Fact(at_ms=one.at, type=one.event or "", data=one.data, source=one.source, time=one.time, hops=one.hops)


def _visit(one: VisitModel) -> Visit:
    changes = tuple(change.model_dump() for change in one.changes)
    fields = one.model_dump(exclude={"waits", "changes"})
    return Visit(**fields, waits_ms=one.waits, changes=changes)
