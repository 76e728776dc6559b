"""Commands and definition commands on the wire: what is written reads back the same, and garbage is named as such."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import command as c
from domain import definition as d
from domain.errors import HeadraceError
from schemas.command import UnreadableCommand, decode_command, encode_command
from schemas.definition_command import (
    UnreadableDefinitionCommand,
    decode_definition_command,
    encode_definition_command,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=4)
IDS = {"command_id": TEXT, "contact_id": TEXT}
COMMANDS = st.one_of(
    st.builds(c.EnrollContact, **IDS, workflow_id=TEXT),
    st.builds(c.CancelEnrollment, **IDS, enrollment_id=TEXT, reason=TEXT),
    st.builds(c.PauseEnrollment, **IDS, enrollment_id=TEXT),
    st.builds(c.ResumeEnrollment, **IDS, enrollment_id=TEXT),
    st.builds(c.RetryEnrollment, **IDS, enrollment_id=TEXT, how=TEXT),
    st.builds(
        c.ReportOutcome,
        **IDS,
        enrollment_id=TEXT,
        action_key=TEXT,
        attempt=st.integers(1, 9),
        outcome=TEXT,
        output=OBJECT,
        state=st.none() | OBJECT,
        retry_after_ms=st.none() | st.integers(0, 10**9),
    ),
)
FINDING = st.builds(
    d.Diagnostic, code=TEXT, severity=TEXT, path=TEXT, line=st.integers(1, 99), column=st.integers(1, 99), message=TEXT
)
KEYS = {"command_id": TEXT, "workflow_id": TEXT}
DEFINITION_COMMANDS = st.one_of(
    st.builds(
        d.ImportDefinition,
        **KEYS,
        name=TEXT,
        document=OBJECT,
        source=TEXT,
        format=TEXT,
        digest=TEXT,
        diagnostics=st.lists(FINDING, max_size=2).map(tuple),
        create=st.booleans(),
        publish=st.booleans(),
    ),
    st.builds(d.PublishVersion, **KEYS, version=st.none() | st.integers(1, 9), accept=st.lists(TEXT).map(tuple)),
    st.builds(d.PauseWorkflow, **KEYS),
    st.builds(d.ResumeWorkflow, **KEYS),
    st.builds(d.ArchiveWorkflow, **KEYS),
    st.builds(d.DefineTemplate, **KEYS, template=st.builds(d.TemplateText, name=TEXT, channel=TEXT, body=TEXT)),
)
GARBAGE = [
    b"",
    b"\xff",
    b"null",
    b"[]",
    b"{}",
    b'{"type":"dance"}',
    b'{"type":7}',
    b'{"type":"enroll_contact","command_id":"1"}',
    b'{"type":"enroll_contact","command_id":"1","contact_id":2,"workflow_id":"w"}',
    b'{"type":"import_definition","command_id":"1","workflow_id":"w","document":[]}',
    b'{"type":"report_outcome","output":' + b'{"a":' * 100_000,
    b'{"type":"import_definition","document":' + b'{"a":' * 100_000,
]


@given(COMMANDS)
def test_a_command_reads_back_as_it_was(command):
    assert decode_command(encode_command(command)) == command


@given(DEFINITION_COMMANDS)
def test_a_definition_command_reads_back_as_it_was_in_the_order_of_its_document(command):
    back = decode_definition_command(encode_definition_command(command))
    assert back == command
    if isinstance(command, d.ImportDefinition):
        assert list(back.document) == list(command.document)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_no_command(garbage):
    with pytest.raises(UnreadableCommand, match="expected a command"):
        decode_command(garbage)
    with pytest.raises(UnreadableDefinitionCommand, match="expected a definition command"):
        decode_definition_command(garbage)
    assert issubclass(UnreadableCommand, HeadraceError)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data):
    for decode in (decode_command, decode_definition_command):
        try:
            decode(data)
        except HeadraceError as error:
            assert "expected" in str(error)  # noqa: PT017 any bytes may also be a command
