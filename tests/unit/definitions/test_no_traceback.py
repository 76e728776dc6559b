"""No input whatever gives a traceback: arbitrary bytes, arbitrary text, and the user's examples with damage."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.definition import compile_workflow, digest, export, parse_all, template_warnings
from tests.unit.definitions.strategies import TRICKY, workflows
from tests.unit.definitions.test_seeds import SEEDS

FORMATS = st.sampled_from(["yaml", "json", None])
PIECES = st.sampled_from(
    [
        *(text.encode() for text in TRICKY),
        *(b"&a ", b"*a", b"<<: ", b"{", b"}", b"[", b"]", b"\t", b"|\n", b"---\n", b"%YAML 1.2\n", b"? ", b"!!str "),
        *(
            b"\x00",
            b"\xff",
            b"\\u0000",
            b"\\ud800",
            b"1e999",
            b"9" * 30,
            b"\xef\xbb\xbf",
            b"{{",
            b"{%",
            b"\r",
            b"[" * 80,
        ),
    ]
)


@st.composite
def damaged(draw):
    """One of the user's examples with some pieces put in, cut out or moved."""
    data = bytearray(SEEDS[draw(st.sampled_from(sorted(SEEDS)))])
    for _ in range(draw(st.integers(1, 6))):
        at, length = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        match draw(st.sampled_from(["put in", "cut out", "move"])):
            case "put in":
                data[at:at] = draw(PIECES)
            case "cut out":
                del data[at : at + length]
            case "move":
                to = draw(st.integers(0, len(data)))
                data[to:to] = data[at : at + length]
    return bytes(data)


@given(st.binary(max_size=200), FORMATS)
@example(b"\xef\xbb\xbf", "yaml")
@example(b"a: !<tag:yaml.org,2002:int> \n", "yaml")
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes(data, format):
    holds(data, format)


@given(st.text("{}[]\"':,-?&*!|>%@`#~<= \n\t\\a1.eE+_é\u2028", max_size=60), FORMATS)
@settings(max_examples=500, deadline=None)
def test_arbitrary_punctuation(text, format):
    holds(text.encode(), format)


@given(damaged(), FORMATS)
@settings(max_examples=300, deadline=None)
def test_damaged_examples(data, format):
    holds(data, format)


@given(workflows(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_definition_with_a_value_put_where_another_one_was(document, data):
    """Every value, at any depth, may be of any type."""
    place, key = document, None
    while isinstance(place, dict | list) and place and (key is None or data.draw(st.booleans())):
        parent = place
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        place = place[key]
    parent[key] = data.draw(st.sampled_from([None, True, 0, -1, 1.5, "", "x", "{{", "end", [], ["a"], {}, {"a": 1}]))
    holds(export(document, "yaml").encode(), "yaml")


@pytest.mark.parametrize("seed", sorted(SEEDS))
def test_every_truncated_example(seed):
    for length in range(0, len(SEEDS[seed]), 7):
        holds(SEEDS[seed][:length], None)


def holds(data, format):
    """What is true of all input."""
    lines = len(data.decode(errors="replace").splitlines()) + 1
    several = parse_all(data, format=format)
    assert several
    for parsed in several:
        for one in parsed.diagnostics:
            assert 1 <= one.line <= lines
            assert one.column >= 1
            assert one.message
        assert parsed.has_errors or not parsed.unreadable
        assert parsed.document is not None or parsed.unreadable
        if parsed.document is not None:
            assert parsed.digest == digest(parsed.document)
        if parsed.document is not None and not parsed.unreadable and parsed.kind == "workflow":
            compile_workflow(parsed.document, workflow_id="w", version=1, templates={})
            template_warnings(parsed, {})
