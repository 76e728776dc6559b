"""Recording workflow tests from a running Headrace: history from its journal, versions from its API."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from domain import journal as j
from domain.definition import TemplateText
from domain.errors import HeadraceError
from domain.masking import mask
from domain.path import first_divergence
from domain.recording import NotRecordable, record
from domain.workflow import Workflow
from headrace.api_client import ApiClient, ApiProblem
from headrace.cli.naming import is_id
from headrace.compiling import compile_document
from headrace.journal_source import events, journal_at
from headrace.rehearsing import play_document
from schemas.definition import export
from schemas.journal import decode_event
from schemas.workflow_tests import read_tests, write_test

_NOT_FOUND = 404


class NothingToRecord(HeadraceError):
    """The contact was never in such a workflow."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A test that leads to the recorded path, as a document; `kept` says what of the person had to stay."""

    enrollment_id: str
    name: str
    document: dict[str, Any]
    kept: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An enrollment that makes no test, and why."""

    enrollment_id: str
    reason: str


class Recorder:
    """Records the enrollments of one contact."""

    def __init__(
        self,
        url: str,
        *,
        fields: Sequence[str] = (),
        personal: bool = False,
        definition: str | None = None,
        phone_region: str | None = None,
    ) -> None:
        """Make one.

        Args:
            url: a running Headrace.
            fields: custom fields that are personal too.
            personal: keep personal data.
            definition: what the test names as its definition, a file beside it; None: it holds the recorded one.
            phone_region: the country of phone numbers that name none.
        """
        self._api, self._url = ApiClient(url), url
        self._fields, self._personal, self._definition = fields, personal, definition
        self._phone_region = phone_region
        self._versions: dict[tuple[str, int], tuple[dict[str, Any], dict[str, TemplateText], Workflow]] = {}

    def record(self, target: str, workflow_id: str | None, directory: Path) -> list[Recorded | Refused]:
        """The tests of an enrollment, or of all enrollments of a contact (in one workflow, if it is given).

        Args:
            target: a contact's or an enrollment's id.
            workflow_id: only enrollments in this workflow.
            directory: where the tests will stand.

        Raises:
            NothingToRecord: there is no such enrollment.
            ApiProblem: there is no such contact.
        """
        contact_id, enrollment_id = self._find(target)
        with journal_at(self._url, here=False) as fetch:
            items = list(events(fetch, contact_id=contact_id, personal=True))
        history = [decode_event(msgspec.json.encode(item["event"])) for item in items]
        wanted = [
            event
            for event in history
            if isinstance(event, j.Enrolled)
            and enrollment_id in (None, event.enrollment_id)
            and workflow_id in (None, event.workflow_id)
        ]
        if not wanted:
            raise NothingToRecord(
                f"the contact {contact_id!r} was never in such a workflow; its timeline says where it was"
            )
        return [self._one(history, event, directory) for event in wanted]

    def _find(self, target: str) -> tuple[str, str | None]:
        if is_id(target):
            try:
                return str(self._api.get(f"/enrollments/{target}")["contact_id"]), target
            except ApiProblem as problem:
                if problem.status != _NOT_FOUND:
                    raise
        return str(self._api.get(f"/contacts/{_quoted(target)}")["id"]), None

    def _one(self, history: Sequence[j.JournalEvent], enrolled: j.Enrolled, directory: Path) -> Recorded | Refused:
        document, templates, workflow = self._version(enrolled.workflow_id, enrolled.version)
        try:
            test = record(history, enrolled.enrollment_id, workflow, phone_region=self._phone_region)
            kept: tuple[str, ...] = ()
            if not self._personal:
                test, kept = _masked(test, workflow, self._fields, document)
        except NotRecordable as error:
            return Refused(enrollment_id=enrolled.enrollment_id, reason=str(error))
        written = write_test(
            test,
            workflow_name=workflow.name,
            definition=document if self._definition is None else self._definition,
            templates=templates,
        )
        problem = _problem(written, directory)
        if problem is not None:
            return Refused(enrollment_id=enrolled.enrollment_id, reason=problem)
        return Recorded(enrollment_id=enrolled.enrollment_id, name=test.name, document=written, kept=kept)

    def _version(self, workflow_id: str, number: int) -> tuple[dict[str, Any], dict[str, TemplateText], Workflow]:
        if (workflow_id, number) not in self._versions:
            found = self._api.get(f"/workflows/{workflow_id}/versions/{number}")
            templates = msgspec.convert(found["templates"], dict[str, TemplateText])
            workflow = compile_document(found["document"], workflow_id, number, templates, ())
            self._versions[workflow_id, number] = (found["document"], templates, workflow)
        return self._versions[workflow_id, number]


def _masked(test: Any, workflow: Workflow, fields: Sequence[str], document: Mapping[str, Any]) -> tuple[Any, Any]:
    masked = mask(test, workflow, fields=fields, words=tuple(dict.fromkeys(_texts(document))))
    return masked.test, masked.kept


def _texts(value: Any) -> Iterator[str]:
    """Every text of a definition: those that a condition may look for are among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _problem(written: dict[str, Any], directory: Path) -> str | None:
    """Why the test, as it will be read, does not lead to the path that it says; None when it does."""
    (read,) = read_tests(export(written, "yaml").encode(), "the recorded test")
    played = play_document(read, directory, None)
    if played.problem is not None or played.path is None or read.test is None:
        return f"the recorded test can't be played: {played.problem}"
    found = first_divergence(read.test.expects, played.path)
    return None if found is None else f"the definition leads elsewhere, at place {found.place}: {found.what}"


def _quoted(contact_id: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415

    return quote(contact_id, safe="")
