"""The population: who it is comes from what the workflows listen to."""

from headrace.compiling import compile_document
from headrace.simulator.history import DAY_MS
from headrace.simulator.population import BY_HAND, Life
from headrace.simulator.vocabulary import vocabulary_of
from schemas.definition import parse

UNTIL = 1_800_000_000_000

WORKFLOW = """
name: All ears
triggers:
  - {type: tag_added, config: {tag: vip}, conditions: [{field: source, operator: equals, value: shop}]}
  - {type: field_updated, config: {field: stage, to: won}}
  - {type: sms_received, config: {contains: offer}}
  - {type: event, config: {name: basket.abandoned}, conditions: [{field: event.total, operator: greater_than, value: 50}]}
  - {type: manual}
steps:
  - id: rich
    type: condition
    config:
      any:
        - {field: custom_fields.budget, operator: greater_or_equal, value: 1000}
        - {not: {field: plan, operator: in, value: [free, trial]}}
        - {field: last_sms_reply, operator: contains, value: "yes"}
        - {field: tags, operator: contains, value: loud}
        - {field: first_name, operator: equals, value: "{{last_name}}"}
        - {field: created_at, operator: after, value: "2026-01-01"}
  - id: ask
    type: send_email
    config: {subject: S, body: B}
  - id: hear
    type: wait_for_event
    config:
      event:
        - {type: delivery, config: {step: ask, status: clicked}}
        - {type: sms_received, config: {contains: call me}}
        - {type: event, config: {name: order.paid}, conditions: {field: event.total, operator: greater_than, value: 7}}
      timeout: 1d
"""


def known():
    return vocabulary_of([compile_document(parse(WORKFLOW.encode()).document, "w-1", 1, {}, ())])


def test_the_vocabulary_is_what_triggers_and_conditions_name():
    found = known()

    assert found.values == {"source": ("shop",), "budget": (1000,), "plan": ("free", "trial"), "first_name": ()}
    assert found.tags == ("vip", "loud")
    assert found.fields == {"stage": ("won",)}
    assert found.events == {"basket.abandoned": {"total": (50,)}, "order.paid": {"total": (7,)}}
    assert found.words == ("offer", "yes", "call me")
    assert found.manual == ("w-1",)
    assert found.reported == {("w-1", "ask")}


def lives(count=400):
    vocabulary = known()
    return [Life(number, vocabulary, seed=1, since_ms=UNTIL - 90 * DAY_MS, until_ms=UNTIL) for number in range(count)]


def test_the_population_gives_every_trigger_and_branch_a_reason():
    facts = [fact for life in lives() for fact in life.facts()]
    contacts = [fact.data["contact"] for fact in facts if fact.type == "contact.created"]

    assert {fact.type for fact in facts} >= {
        "contact.tag_added",
        "contact.tag_removed",
        "contact.field_updated",
        "basket.abandoned",
        BY_HAND,
    }
    assert 0.4 < sum(contact["source"] == "shop" for contact in contacts) / len(contacts) < 0.8
    budgets = [contact["custom_fields"]["budget"] for contact in contacts if "budget" in contact["custom_fields"]]
    assert any(budget >= 1000 for budget in budgets)
    assert any(budget < 1000 for budget in budgets)
    assert any(fact.data["total"] > 50 for fact in facts if fact.type == "basket.abandoned")
    assert any("phone" not in contact for contact in contacts), "nobody lacks a phone, as some always do"


def test_a_life_begins_with_its_contact_and_keeps_to_its_time():
    for life in lives(100):
        facts = life.facts()
        assert facts[0].type == "contact.created"
        assert [fact.at_ms for fact in facts] == sorted(fact.at_ms for fact in facts)
        assert UNTIL - 90 * DAY_MS <= facts[0].at_ms <= facts[-1].at_ms < UNTIL


def test_some_answer_and_some_do_not():
    answers = [life.answer(UNTIL - 60 * DAY_MS) for life in lives()]
    bodies = {answer.data["body"] for answer in answers if answer is not None}

    assert 0.2 < sum(answer is not None for answer in answers) / len(answers) < 0.5
    assert {"offer", "yes", "STOP"} < bodies
    assert all(answer.at_ms > UNTIL - 60 * DAY_MS for answer in answers if answer is not None)
