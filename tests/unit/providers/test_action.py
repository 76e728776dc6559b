"""The user's action interface: what may be returned, what may be registered, what an action may know."""

import pytest

from domain.action import (
    Action,
    ActionContext,
    ActionRegistry,
    ActionResult,
    InvalidAction,
    NoActionContext,
    WorkflowAction,
    calling,
)


class GreetAction(WorkflowAction):
    """Written as the user's own examples are."""

    action_type = "greet"

    async def execute(self, contact, config, state):
        return {"success": True, "output": {"said": f"hi {contact.first_name}"}, "state": state}


CONTEXT = ActionContext(
    idempotency_key="e/s/1",
    attempt=2,
    enrollment_id="e",
    step_id="s",
    step_type="greet",
    timeout_s=1.0,
    start_within_s=1.0,
)


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ({"success": True}, ActionResult.succeeded()),
        ({"output": {"a": 1}}, ActionResult.succeeded({"a": 1})),
        (
            {"success": True, "output": [1, 2], "state": {"n": 1}},
            ActionResult.succeeded({"value": [1, 2]}, state={"n": 1}),
        ),
        ({"success": False, "error": "no credit"}, ActionResult.failed("action_failed", "no credit")),
        ({"error": "no credit"}, ActionResult.failed("action_failed", "no credit")),
        (
            {"success": False, "error": "busy", "code": "busy", "retryable": True, "output": {"queue": 9}},
            ActionResult.failed("busy", "busy", retryable=True, output={"queue": 9}),
        ),
        (ActionResult.unknown("timeout", "late"), ActionResult.unknown("timeout", "late")),
    ],
)
def test_a_plain_dict_is_taken_as_the_result_it_describes(returned, expected):
    assert ActionResult.of(returned) == expected


@pytest.mark.parametrize("returned", [None, True, "sent", 7])
def test_what_says_nothing_about_the_effect_is_unknown(returned):
    result = ActionResult.of(returned)
    assert (result.outcome, result.code) == ("unknown", "bad_result")


def test_a_dict_without_success_and_error_explains_itself_when_it_failed():
    assert ActionResult.of({"success": False}).message == "The action says that it did not succeed, and not why"


def test_the_registry_serves_an_action_by_its_type_and_its_aliases():
    registry = ActionRegistry()
    greet = GreetAction()
    registry.register(greet, "hello")
    assert (registry.get("greet"), registry.get("hello"), registry.get("wave")) == (greet, greet, None)
    assert registry.types() == ("greet", "hello")


def test_a_later_action_replaces_an_earlier_one_of_the_same_type():
    registry, mine = ActionRegistry(), GreetAction()
    registry.register(GreetAction())
    registry.register(mine)
    assert registry.get("greet") is mine


@pytest.mark.parametrize("wrong", [GreetAction, object(), None])
def test_only_an_instance_of_an_action_is_registered(wrong):
    with pytest.raises(InvalidAction, match="Expected an instance of a WorkflowAction"):
        ActionRegistry().register(wrong)


def test_an_action_without_a_type_is_refused():
    class Nameless(GreetAction):
        action_type = ""

    with pytest.raises(InvalidAction, match="action_type"):
        ActionRegistry().register(Nameless())


def test_action_is_the_short_name_of_workflow_action_and_needs_execute():
    assert Action is WorkflowAction
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (Action,), {"action_type": "half"})()


def test_a_channel_is_the_actions_own_type_unless_it_says_otherwise():
    assert GreetAction().channel == "greet"


def test_the_context_is_there_during_a_call_only():
    with calling(CONTEXT):
        assert ActionContext.current().idempotency_key == "e/s/1"
    with pytest.raises(NoActionContext):
        ActionContext.current()


async def test_closing_the_registry_closes_each_action_once():
    closed = []

    class Holder(GreetAction):
        async def close(self):
            closed.append(self)

    registry, holder = ActionRegistry(), Holder()
    registry.register(holder, "alias")
    await registry.close()
    assert closed == [holder]
