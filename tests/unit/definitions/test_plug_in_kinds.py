"""Step kinds of plug-ins in the language: what they may be called, and what becomes of their config."""

import pytest

from domain.action import Action, ActionResult, InvalidAction
from domain.steps.plug_in import PlugIn
from schemas.definition import compile_workflow, parse
from schemas.definition.steps import STEP_KINDS, add_plug_in, plug_in, step_kind
from tests.support.engine_spec import Spec, happened

SOURCE = b"name: x\ntrigger: {type: contact_created}\nsteps:\n  - {id: a, type: %s, config: {words: 'Hi {{first_name}}', n: 1}}\n"


def action(word, accepts=lambda config: True, channel=None):
    class Made(Action):
        action_type = word

        async def execute(self, contact, config, state):
            return ActionResult.succeeded()

        def validate_config(self, config):
            return accepts(config)

        @property
        def channel(self):
            return channel or word

    return Made()


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    for word in list(plug_in.KINDS):
        monkeypatch.delitem(plug_in.KINDS, word)
    yield
    plug_in.KINDS.clear()


def read(word="greet"):
    return parse(SOURCE % word.encode(), format="yaml")


def test_word_is_unknown_until_its_plug_in_is_there():
    assert [one.code for one in read().diagnostics] == ["unknown_step_kind"]
    add_plug_in(action("greet"))
    assert read().diagnostics == ()


@pytest.mark.parametrize("word", ["", "two words", "x" * 51, "1st", "delay", "condition", "wait_until", "añadir"])
def test_words_that_no_plug_in_may_take(word):
    with pytest.raises(InvalidAction):
        add_plug_in(action(word))


def test_plug_in_may_serve_a_kind_of_the_table_and_adds_no_word():
    add_plug_in(action("send_sms"))
    assert step_kind("send_sms") is STEP_KINDS["send_sms"]
    assert plug_in.KINDS == {}


def broken(config):
    raise ValueError("no words!")


@pytest.mark.parametrize(("accepts", "words"), [(lambda config: False, "refuses"), (broken, "no words!")])
def test_refused_config_is_a_finding_at_the_config(accepts, words):
    add_plug_in(action("greet", accepts))
    (found,) = read().diagnostics
    assert (found.code, found.path, found.line) == ("bad_config", "steps[0].config", 4)
    assert words in found.message


def test_step_asks_its_action_with_rendered_text():
    add_plug_in(action("greet", channel="sms"))
    workflow = compile_workflow(read().document, workflow_id="w", version=1, templates={})
    spec = Spec(workflow).created()
    spec.then(
        happened("contact_event_accepted"),
        happened("enrolled"),
        happened("action_requested", step_type="greet", channel="sms", request={"words": "Hi Ada", "n": 1}),
    )


def test_published_step_of_a_plug_in_that_is_gone_still_compiles():
    document = read("gone").document
    workflow = compile_workflow(document, workflow_id="w", version=1, templates={})
    config = workflow.steps["a"].config
    assert isinstance(config, PlugIn)
    assert config.channel == "gone"
