"""The shape that a plug-in declares: what breaks it is told as of a built-in step, and editors are told, too."""

from typing import Literal

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, Field

from domain.action import Action, ActionResult, InvalidAction
from domain.steps.plug_in import PlugIn
from schemas.definition import compile_workflow, parse
from schemas.definition.steps import add_plug_in, plug_in
from schemas.json_schema import workflow_schema

SOURCE = "name: x\ntrigger: {type: manual}\nsteps:\n  - id: a\n    type: greet\n    config:\n"


class Gift(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: str


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    words: str = Field(min_length=2, max_length=9)
    times: int = Field(1, ge=1)
    tone: Literal["warm", "cool"] = "warm"
    gifts: list[Gift] = []


SCHEMA = {
    "type": "object",
    "properties": {
        "words": {"type": "string", "minLength": 2, "maxLength": 9},
        "times": {"type": "integer", "minimum": 1},
        "tone": {"enum": ["warm", "cool"]},
        "gifts": {"type": "array", "items": {"$ref": "#/$defs/Gift"}},
    },
    "required": ["words"],
    "additionalProperties": False,
    "$defs": {
        "Gift": {
            "type": "object",
            "properties": {"kind": {"type": "string"}},
            "required": ["kind"],
            "additionalProperties": False,
        }
    },
}


def action(shape, accepts=lambda config: True):
    class Greet(Action):
        action_type = "greet"
        config_schema = shape

        async def execute(self, contact, config, state):
            return ActionResult.succeeded()

        def validate_config(self, config):
            return accepts(config)

    return Greet()


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    for word in list(plug_in.KINDS):
        monkeypatch.delitem(plug_in.KINDS, word)
    yield
    plug_in.KINDS.clear()


@pytest.fixture(params=[Config, SCHEMA], ids=["pydantic", "json schema"])
def declared(request):
    add_plug_in(action(request.param))
    return request.param


def findings(*config):
    source = SOURCE + "".join(f"      {line}\n" for line in config)
    return parse(source.encode(), format="yaml")


@pytest.mark.parametrize(
    "config",
    [
        ["words: hello"],
        ["words: hello", "times: 3", "tone: cool", "gifts: [{kind: book}, {kind: pen}]"],
        ["words: '{{ first_name }} {{ last_name }}'", "tone: '{{ event.tone }}'"],
    ],
)
def test_config_that_fits_is_no_finding(declared, config):
    assert findings(*config).diagnostics == ()


@pytest.mark.parametrize(
    ("config", "code", "path", "line", "words"),
    [
        (["times: 3"], "missing_key", "", 7, "expected the key 'words' in the config of greet, found none"),
        (["words: hello", "tims: 3"], "unknown_key", "tims", 8, "unknown key 'tims' in the config of greet"),
        (["words: 5"], "wrong_type", "words", 7, "expected text for 'words', found the number 5"),
        (["words: hello", "times: 1.5"], "wrong_type", "times", 8, "expected a whole number for 'times'"),
        (["words: hello", "times: '{{ n }}'"], "wrong_type", "times", 8, "expected a whole number for 'times'"),
        (["words: hello", "times: 0"], "out_of_range", "times", 8, "'times' can't be used"),
        (["words: x"], "empty", "words", 7, "'words' can't be used"),
        (["words: much too long"], "too_long", "words", 7, "'words' can't be used"),
        (["words: hello", "tone: hot"], "bad_value", "tone", 8, "'tone' can't be used"),
        (["words: hello", "gifts: book"], "wrong_type", "gifts", 8, "expected a list for 'gifts'"),
        (
            ["words: hello", "gifts:", "  - {kind: pen}", "  - {}"],
            "missing_key",
            "gifts[1]",
            10,
            "'kind' in 'gifts'",
        ),
        (["words: hello", "gifts: [{kind: pen, n: 1}]"], "unknown_key", "gifts[0].n", 8, "unknown key 'n' in 'gifts'"),
    ],
)
def test_what_breaks_the_shape_is_told_at_its_place(declared, config, code, path, line, words):
    (found,) = findings(*config).diagnostics
    assert (found.code, found.path, found.line) == (code, f"steps[0].config.{path}".rstrip("."), line)
    assert words in found.message


def test_misspelt_key_has_a_hint(declared):
    assert findings("words: hello", "tims: 3").diagnostics[0].hint == "did you mean 'times'?"


def test_all_of_it_is_told_at_once(declared):
    found = findings("times: 0", "tone: hot", "other: 1").diagnostics
    assert [one.code for one in found] == ["missing_key", "out_of_range", "bad_value", "unknown_key"]


def test_several_missing_keys_are_told_once_each():
    add_plug_in(action({"type": "object", "required": ["a", "b"]}))
    assert [one.hint for one in findings("c: 1").diagnostics] == ["add `a: ...`", "add `b: ...`"]


def test_of_alternatives_the_nearest_is_told():
    shape = {"type": "object", "properties": {"at": {"anyOf": [{"type": "integer", "minimum": 5}, {"type": "null"}]}}}
    add_plug_in(action(shape))
    (found,) = findings("at: 3").diagnostics
    assert (found.code, found.path) == ("out_of_range", "steps[0].config.at")


def test_plug_ins_own_judgement_comes_after_the_shape():
    asked = []
    add_plug_in(action(SCHEMA, lambda config: asked.append(config) or False))
    assert [one.code for one in findings("words: x").diagnostics] == ["empty"]
    assert asked == []
    assert [one.code for one in findings("words: hello").diagnostics] == ["bad_config"]


@pytest.mark.parametrize(
    "shape",
    [{}, {"type": "string"}, {"type": "object", "properties": 5}, "words", int, {"type": "object", "required": 1}],
)
def test_what_is_no_shape_is_refused_when_the_plug_in_is_loaded(shape):
    with pytest.raises(InvalidAction, match="config_schema"):
        add_plug_in(action(shape))


def test_what_was_published_runs_on_when_a_newer_plug_in_would_refuse_it():
    document = {
        "name": "x",
        "trigger": {"type": "manual"},
        "steps": [{"id": "a", "type": "greet", "config": {"old": 1}}],
    }
    add_plug_in(action(SCHEMA, lambda config: False))
    compiled = compile_workflow(document, workflow_id="w", version=1, templates={})
    assert compiled.steps["a"].config == PlugIn(channel="greet", config={"old": 1})


def valid(config):
    schema = workflow_schema(plug_in.KINDS)
    jsonschema.Draft202012Validator.check_schema(schema)
    step = {"id": "a", "type": "greet", "config": config}
    document = {"name": "x", "trigger": {"type": "manual"}, "steps": [step]}
    return jsonschema.Draft202012Validator(schema).is_valid(document)


def test_published_schema_has_the_shape(declared):
    assert valid({"words": "hello", "gifts": [{"kind": "book"}]})
    assert not valid({"words": "hello", "gifts": [{"kind": 5}]})
    assert not valid({"times": 3})
    assert not valid(None)
    assert "greet.Gift" in workflow_schema(plug_in.KINDS)["$defs"]
    assert "greet.Gift" not in workflow_schema()["$defs"]


def test_shape_that_refers_to_itself_is_published_as_a_document_of_its_own():
    tree = {"type": "object", "properties": {"inner": {"$ref": "#"}}, "additionalProperties": False}
    add_plug_in(action(tree))
    assert valid({"inner": {"inner": {}}})
    assert not valid({"inner": {"outer": {}}})
    assert [one.path for one in findings("inner: {outer: {}}").diagnostics] == ["steps[0].config.inner.outer"]


def test_plug_in_without_a_shape_is_a_word_whose_config_is_free():
    add_plug_in(action(None))
    assert valid({"anything": [1]})
