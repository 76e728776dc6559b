"""The log is for ever: an event's shape changes only with a version, and every version ever written still folds."""

import json

import pytest

from domain import journal as j
from domain.catalogue import Catalogue, Entry, Version, evolve_catalogue
from domain.contact import Contact
from domain.definition import DefinitionEvent
from domain.enrollment import Enrollment, PendingAction, Timer
from domain.evolve import CONTACT_EVENTS, evolve, evolve_partition
from domain.state import ContactState, PartitionState
from schemas.definition_event import decode_definition_event
from schemas.journal import decode_event
from tests.support.engine_spec import step, workflow
from tests.support.event_shapes import GOLDEN, covered, goldens, incompatible, shape_of, wanted

REFRESH = "run `python -m tests.support.event_shapes`, and commit what it writes (docs/reference/journal.md)"
ALL = goldens()
by_type = pytest.mark.parametrize("golden", ALL, ids=lambda one: one.tag)


@by_type
def test_a_shape_changes_only_with_its_golden_file(golden):
    assert golden.shape == shape_of(golden.kind), REFRESH


@by_type
def test_every_version_ever_written_has_a_fixture(golden):
    missing = [n for n in range(1, golden.kind.VERSION + 1) if not golden.fixture(n)]

    assert missing == [], REFRESH


@by_type
def test_the_fixtures_of_the_newest_version_have_every_field(golden):
    assert wanted(golden.shape) - covered(golden.fixture(golden.kind.VERSION)) == set(), REFRESH


def test_no_type_is_forgotten_that_was_ever_written():
    kept = {path for folder in ("journal", "definition_events") for path in (GOLDEN / folder).iterdir()}

    assert kept == {golden.directory for golden in ALL}


RECORDS = [
    pytest.param(golden, record, id=f"{golden.tag}-v{n}-{index}")
    for golden in ALL
    for n in range(1, golden.kind.VERSION + 1)
    for index, record in enumerate(golden.fixture(n) or ())
]


@pytest.mark.parametrize(("golden", "record"), RECORDS)
def test_what_was_ever_written_still_folds(golden, record):
    decode = decode_definition_event if issubclass(golden.kind, DefinitionEvent) else decode_event
    event = decode(json.dumps(record).encode())
    assert isinstance(event, golden.kind)
    assert event.v == golden.kind.VERSION
    match event:
        case DefinitionEvent():
            evolve_catalogue(catalogue_before(event), event, lambda *_: workflow(step("here", "exit")))
        case _ if type(event) not in CONTACT_EVENTS:
            assert evolve_partition(PartitionState(seq=event.seq - 1), event).seq == event.seq
        case _:
            assert evolve(state_before(event), event).seq == event.seq


def catalogue_before(event: DefinitionEvent) -> Catalogue:
    version = Version(number=1, document={}, digest="", diagnostics=())
    return Catalogue(entries={event.workflow_id: Entry(id=event.workflow_id, name="W", versions={1: version})})


STATUS_BEFORE = {j.EnrollmentResumed: "paused", j.EnrollmentRetried: "failed"}


def state_before(event: j.JournalEvent) -> ContactState:
    """A contact to whom the event may happen next."""
    enrollment = Enrollment(
        id=getattr(event, "enrollment_id", None) or "none",
        workflow_id="w",
        version=1,
        status=STATUS_BEFORE.get(type(event), "active"),
        step_id="here",
        timer=Timer("delay", 1),
        action=PendingAction(
            key="k", step_id="here", step_type="send_sms", visit=1, channel="sms", request={}, requested_at_ms=1
        ),
    )
    before = {} if isinstance(event, j.Enrolled) else {enrollment.id: enrollment}
    return ContactState(contact=Contact(id=event.contact_id), seq=event.seq - 1, enrollments=before)


# ---------------------------------------------------------------- what may change without a version

FIELDS = {"seq": "int", "reason": "str | none = null", "personal": {"data": "dict[str, any] = {}"}}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({**FIELDS, "seq": "str"}, "the field seq was `int` and is `str`"),
        ({**FIELDS, "reason": 'str | none = "none"'}, "the field reason was `str | none = null`"),
        ({"seq": "int", "personal": FIELDS["personal"]}, "the field reason is gone"),
        ({**FIELDS, "more": "int"}, "the new field more has no default"),
        ({**FIELDS, "personal": {}}, "in personal: the field data is gone"),
    ],
)
def test_a_change_that_old_records_do_not_fit_needs_a_version(changed, why):
    (found,) = incompatible(FIELDS, changed)

    assert why in found


def test_a_field_with_a_default_needs_none():
    more = {**FIELDS, "more": "int = 0", "personal": {**FIELDS["personal"], "words": 'str = ""'}}

    assert incompatible(FIELDS, more) == []
