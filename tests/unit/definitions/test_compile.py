"""What a definition becomes: the workflow that the engine runs."""

import json

import pytest

from domain.conditions import All, AnyOf, Comparison, Not
from domain.definition import TemplateText
from domain.errors import HeadraceError
from domain.frequency import FrequencyCap
from domain.send_window import SendWindow
from domain.steps.ab_split import AbSplit
from domain.steps.change_tags import AddTag, RemoveTag
from domain.steps.condition import ConditionStep
from domain.steps.delay import Delay
from domain.steps.exit import Exit
from domain.steps.http_request import HttpRequest
from domain.steps.kinds import STEP_KINDS as RUNNABLE
from domain.steps.send_email import SendEmail
from domain.steps.send_sms import SendSms
from domain.steps.update_field import UpdateField
from domain.steps.wait_for_event import AwaitedDelivery, WaitForEvent
from domain.templates import compile_template as t
from domain.workflow import Lateness, RateLimit, Retry, Trigger
from schemas.definition import compile_workflow, parse
from schemas.definition.steps import STEP_KINDS

DAY_MS = 86_400_000


def compiled(document, templates=None):
    parsed = parse(json.dumps(document).encode())
    assert not parsed.unreadable, parsed.diagnostics
    return compile_workflow(parsed.document, workflow_id="w", version=3, templates=templates or {})


def workflow(*steps, **more):
    return {"name": "W", "trigger": {"type": "manual"}, "steps": list(steps), **more}


def step_of(kind, config=None, templates=None, **more):
    step = {"id": "a", "type": kind, **({"config": config} if config is not None else {}), **more}
    return compiled(workflow(step), templates).steps["a"]


def config_of(kind, config=None, templates=None):
    return step_of(kind, config, templates).config


def test_every_step_kind_of_the_language_can_be_run():
    assert STEP_KINDS.keys() == RUNNABLE.keys()


def test_a_workflow_has_its_id_version_name_and_reentry():
    found = compiled(workflow({"id": "a", "type": "delay"}, reentry="always"))
    assert (found.id, found.version, found.name, found.reentry, found.first_step) == ("w", 3, "W", "always", "a")
    assert compiled(workflow({"id": "a", "type": "delay"})).reentry == "once"


@pytest.mark.parametrize(
    ("config", "duration_ms"),
    [
        (None, DAY_MS),
        ({}, DAY_MS),
        ({"duration": 86400}, DAY_MS),
        ({"duration": 1, "unit": "days"}, DAY_MS),
        ({"unit": "hours"}, 3_600_000),
        ({"duration": 1.5, "unit": "minutes"}, 90_000),
        ({"duration": 0.001}, 1),
        ({"duration": 0}, 0),
        ({"duration": 2, "unit": "weeks"}, 14 * DAY_MS),
        ({"duration": 3650, "unit": "days"}, 3650 * DAY_MS),
    ],
)
def test_a_delay_is_a_day_by_default_and_seconds_without_a_unit(config, duration_ms):
    assert config_of("delay", config) == Delay(duration_ms=duration_ms)


def test_messages():
    assert config_of("send_sms", {"body": "Hi {{first_name}}"}) == SendSms(body=t("Hi {{first_name}}"), to=None)
    assert config_of("send_sms", {"body": "Hi", "to": "+1555"}) == SendSms(body=t("Hi"), to=t("+1555"))
    assert config_of("send_email", {"subject": "S", "html": "<p>"}) == SendEmail(subject=t("S"), html=t("<p>"))


TEMPLATES = {
    "hello": TemplateText(name="hello", channel="sms", body="Hi {{first_name}}"),
    "mail": TemplateText(name="mail", channel="email", subject="S", body="B"),
    "grid": TemplateText(name="grid", channel="email", sendgrid_template_id="d-1"),
}


def test_a_template_gives_its_text():
    assert config_of("send_sms", {"template": "hello"}, TEMPLATES).body == t("Hi {{first_name}}")
    assert config_of("send_email", {"template": "mail"}, TEMPLATES) == SendEmail(subject=t("S"), body=t("B"))
    assert config_of("send_email", {"template": "grid"}, TEMPLATES) == SendEmail(sendgrid_template_id="d-1")


@pytest.mark.parametrize("templates", [{}, {"mail": TEMPLATES["mail"], "x": TEMPLATES["hello"]}])
def test_a_template_that_is_not_defined_is_its_own_text_or_a_sendgrid_id(templates):
    assert config_of("send_sms", {"template": "mail"}, templates).body == t("mail")
    assert config_of("send_email", {"template": "x"}, templates) == SendEmail(sendgrid_template_id="x")


def test_tags_and_fields():
    assert config_of("add_tag", {"tag": "x"}) == AddTag(tag=t("x"))
    assert config_of("remove_tag", {"tag": "{{source}}"}) == RemoveTag(tag=t("{{source}}"))
    assert config_of("update_field", {"field": "plan", "value": "pro"}) == UpdateField(field="plan", value="pro")
    assert config_of("update_field", {"field": "a", "value": "{{b}}"}) == UpdateField(field="a", value=t("{{b}}"))
    assert config_of("update_field", {"field": "a", "value": None}) == UpdateField(field="a", value=None)
    assert config_of("update_field", {"field": "custom_fields.plan", "value": 1}).field == "plan"


def test_conditions():
    exists = {"field": "email", "operator": "exists"}
    recent = {"field": "created_at", "operator": "within_last", "value": 3, "unit": "days"}
    one, two = Comparison("email", "exists"), Comparison("created_at", "within_last", 3, "days")
    assert config_of("condition", exists) == ConditionStep(test=one)
    assert config_of("condition", {"all": [exists, recent]}) == ConditionStep(test=All((one, two)))
    assert config_of("condition", {"any": exists}) == ConditionStep(test=AnyOf((one,)))
    assert config_of("condition", {"not": [exists, recent]}) == ConditionStep(test=Not(All((one, two))))


def test_an_ab_split_has_two_equal_arms_by_default():
    assert config_of("ab_split") == AbSplit(paths=("a", "b"), weights=(0.5, 0.5))
    assert config_of("ab_split", {"paths": ["x", "y", "z", "w"]}).weights == (0.25, 0.25, 0.25, 0.25)
    assert config_of("ab_split", {"weights": [90, 30]}).weights == (0.75, 0.25)


@pytest.mark.parametrize("word", ["http_request", "webhook"])
def test_a_webhook_is_an_http_request(word):
    config = {
        "url": "https://example.com/{{id}}",
        "method": "PUT",
        "headers": {"X-A": "{{email}}", "X-N": 5},
        "query": {"on": True},
        "json": {"a": ["{{email}}", 1]},
        "timeout": "2s",
        "success": 204,
        "save": {"order": "data.id"},
    }
    step = step_of(word, config)
    assert step.kind == "http_request"
    assert step.config == HttpRequest(
        url=t("https://example.com/{{id}}"),
        method="PUT",
        headers={"X-A": t("{{email}}"), "X-N": t("5")},
        query={"on": t("true")},
        json={"a": [t("{{email}}"), 1]},
        timeout_ms=2_000,
        success=(204,),
        save={"order": "data.id"},
    )


def test_an_http_request_by_default():
    url = "https://example.com"
    assert config_of("webhook", {"url": url}) == HttpRequest(url=t(url), method="POST", timeout_ms=10_000)


def test_an_exit_says_why():
    assert config_of("exit") == Exit()
    assert config_of("exit", {"reason": "not interested"}) == Exit(reason="not interested")


def test_without_next_a_step_goes_on_to_the_following_one_and_the_last_one_ends():
    steps = compiled(workflow({"id": "a", "type": "delay"}, {"id": "b", "type": "delay"})).steps
    assert [step.next for step in steps.values()] == ["b", None]


@pytest.mark.parametrize("target", ["end", None])
def test_next_may_end(target):
    steps = compiled(workflow({"id": "a", "type": "delay", "next": target}, {"id": "b", "type": "delay"})).steps
    assert steps["a"].next is None


def test_branches_lead_to_steps_or_to_the_end():
    split = {"id": "a", "type": "ab_split", "branches": {"a": "b", "b": "end"}}
    step = compiled(workflow(split, {"id": "b", "type": "delay"})).steps["a"]
    assert (step.branches, step.next) == ({"a": "b", "b": None}, "b")


PAID = Trigger("event", {"name": "order.paid"})
REPLY = Trigger("sms_received", {"contains": "yes"})


@pytest.mark.parametrize(
    ("event", "awaited"),
    [
        ("order.paid", (PAID,)),
        ({"type": "sms_received", "config": {"contains": "yes"}}, (REPLY,)),
        (["order.paid", {"type": "sms_received", "config": {"contains": "yes"}}], (PAID, REPLY)),
        (
            {"type": "delivery", "config": {"step": "a", "status": "opened"}},
            (AwaitedDelivery(step="a", statuses=("opened",)),),
        ),
        (
            [{"type": "delivery", "config": {"step": "a", "status": ["opened", "clicked"]}}],
            (AwaitedDelivery(step="a", statuses=("opened", "clicked")),),
        ),
        (
            {"type": "tag_added", "config": {"tag": "x"}, "conditions": {"field": "source", "operator": "exists"}},
            (Trigger("tag_added", {"tag": "x"}, Comparison("source", "exists")),),
        ),
    ],
)
def test_a_wait_is_for_one_event_or_any_of_several(event, awaited):
    assert config_of("wait_for_event", {"event": event}) == WaitForEvent(events=awaited)


@pytest.mark.parametrize(
    ("timeout", "timeout_ms"),
    [
        ("2d", 2 * DAY_MS),
        (90, 90_000),
        ({"duration": 2, "unit": "days"}, 2 * DAY_MS),
        ({"duration": 5}, 5_000),
        ({}, DAY_MS),
    ],
)
def test_a_time_out_is_written_as_a_delay_or_as_a_span(timeout, timeout_ms):
    assert config_of("wait_for_event", {"event": "x", "timeout": timeout}).timeout_ms == timeout_ms


def test_a_wait_leads_by_what_ended_it():
    wait = {"type": "wait_for_event", "config": {"event": "x", "timeout": "2d"}}
    both = compiled(workflow({"id": "a", **wait, "branches": {"received": "end", "timeout": "a"}})).steps["a"]
    assert both.branches == {"received": None, "timeout": "a"}
    one = compiled(workflow({"id": "a", **wait, "branches": {"timeout": "a"}}, {"id": "b", "type": "delay"})).steps["a"]
    assert (one.branches, one.next) == ({"timeout": "a"}, "b")
    assert parse(json.dumps(workflow({"id": "a", **wait})).encode()).diagnostics == ()


def test_a_missing_branch_follows_next():
    split = {"id": "a", "type": "ab_split", "branches": {"a": "end"}}
    step = compiled(workflow(split, {"id": "b", "type": "delay"})).steps["a"]
    assert (step.branches, step.next) == ({"a": None}, "b")


def test_what_leads_nowhere_ends_there():
    split = {"id": "a", "type": "ab_split", "branches": {"a": "gone"}, "next": "gone too", "on_failure": "gone three"}
    step = compiled(workflow(split)).steps["a"]
    assert (step.branches, step.next, step.on_failure) == ({"a": None}, None, "incident")


def test_of_steps_with_one_id_the_first_one_counts():
    found = compiled(workflow({"id": "a", "type": "delay"}, {"id": "a", "type": "exit"}))
    assert [step.kind for step in found.steps.values()] == ["delay"]


def test_retry_and_on_failure_are_those_of_the_step_over_the_defaults():
    defaults = {"retry": {"max_attempts": 5, "backoff": "2s"}, "on_failure": "exit"}
    steps = compiled(
        workflow(
            {"id": "a", "type": "delay"},
            {"id": "b", "type": "delay", "retry": {"backoff": 0.5, "max_backoff": "1m"}, "on_failure": "a"},
            defaults=defaults,
        )
    ).steps
    assert (steps["a"].retry, steps["a"].on_failure) == (Retry(5, 2_000, 300_000), "exit")
    assert (steps["b"].retry, steps["b"].on_failure) == (Retry(5, 500, 60_000), "a")
    assert step_of("delay").retry == Retry()
    assert step_of("delay", retry={"backoff": "1h"}).retry == Retry(3, 3_600_000, 3_600_000)
    assert step_of("delay", retry={"max_backoff": 0.5}).retry == Retry(3, 500, 500)


def test_a_send_window_is_that_of_the_step_over_the_workflows():
    window = {"from": "09:00", "to": "20:00", "days": ["sat", "mon", "mon"], "timezone": "Europe/Berlin"}
    text = {"body": "hi"}
    steps = compiled(
        workflow(
            {"id": "a", "type": "send_sms", "config": text},
            {"id": "b", "type": "send_sms", "config": text, "send_window": {"from": "22:30", "to": "6:00"}},
            {"id": "c", "type": "send_sms", "config": text, "send_window": "always"},
            {"id": "d", "type": "delay"},
            send_window=window,
        )
    ).steps
    assert steps["a"].send_window == SendWindow(from_minute=540, to_minute=1200, days=(0, 5), timezone="Europe/Berlin")
    assert steps["b"].send_window == SendWindow(from_minute=1350, to_minute=360)
    assert (steps["c"].send_window, steps["d"].send_window) == (None, None)
    whole_week = {"from": "00:00", "to": "24:00"}
    assert step_of("send_sms", text, send_window=whole_week).send_window is None
    assert step_of(
        "send_sms", text, send_window={"from": "00:00", "to": "24:00", "days": ["sun"]}
    ).send_window.days == (6,)


def test_a_frequency_cap_is_that_of_the_step_over_the_workflows():
    text, mail = {"body": "hi"}, {"subject": "s", "body": "b"}
    steps = compiled(
        workflow(
            {"id": "a", "type": "send_sms", "config": text},
            {"id": "b", "type": "send_sms", "config": text, "frequency_cap": {"messages": 9, "per": 60}},
            {"id": "c", "type": "send_sms", "config": text, "frequency_cap": "none"},
            {"id": "d", "type": "send_email", "config": mail},
            {"id": "e", "type": "delay"},
            frequency_cap={"messages": 2, "per": "24h", "when_over": "skip", "channel": "sms"},
        )
    ).steps
    assert steps["a"].frequency_cap == FrequencyCap(messages=2, span_ms=DAY_MS, channel="sms", skips=True)
    assert steps["b"].frequency_cap == FrequencyCap(messages=9, span_ms=60_000)
    assert [steps[name].frequency_cap for name in "cde"] == [None, None, None]  # the cap is of SMS alone


def test_a_rate_limit_is_the_workflows():
    assert compiled(workflow({"id": "a", "type": "delay"})).rate_limit is None
    given = compiled(workflow({"id": "a", "type": "delay"}, rate_limit={"messages": 100, "per": "1m"}))
    assert given.rate_limit == RateLimit(100, 60_000)


def test_lateness_is_that_of_the_step_over_the_defaults():
    defaults = {"max_lateness": "2h", "when_late": "exit"}
    steps = compiled(
        workflow(
            {"id": "a", "type": "delay"},
            {"id": "b", "type": "delay", "max_lateness": 90.5},
            {"id": "c", "type": "delay", "when_late": "run"},
            defaults=defaults,
        )
    ).steps
    assert steps["a"].lateness == Lateness(7_200_000, "exit")
    assert steps["b"].lateness == Lateness(90_500, "exit")
    assert steps["c"].lateness == Lateness(7_200_000, "run")
    assert step_of("delay").lateness is None
    assert step_of("delay", max_lateness=0).lateness == Lateness(0, "skip")
    assert step_of("delay", when_late="run").lateness == Lateness(0, "run")


def test_triggers_keep_their_filters_and_conditions():
    condition = {"field": "source", "operator": "equals", "value": "ad"}
    found = compiled(
        {
            "name": "W",
            "triggers": [
                {"type": "field_updated", "config": {"field": "plan", "to": None}},
                {"type": "contact_created", "conditions": [condition, {"not": condition}]},
                {"type": "sms_received", "conditions": []},
                {"type": "event", "config": {"name": "order.paid"}, "conditions": condition},
            ],
            "steps": [{"id": "a", "type": "delay"}],
        }
    ).triggers
    one = Comparison("source", "equals", "ad")
    assert found == (
        Trigger("field_updated", {"field": "plan", "to": None}),
        Trigger("contact_created", {}, All((one, Not(one)))),
        Trigger("sms_received"),
        Trigger("event", {"name": "order.paid"}, one),
    )


def test_what_can_not_be_read_can_not_be_compiled():
    with pytest.raises(HeadraceError, match="expected the key 'name'"):
        compile_workflow({"steps": []}, workflow_id="w", version=1, templates={})


def test_what_becomes_of_an_unknown_outcome_is_the_steps_word_then_the_defaults_then_nobodys():
    steps = compiled(
        workflow(
            {"id": "a", "type": "delay", "when_unknown": "never_twice"},
            {"id": "b", "type": "delay"},
            defaults={"when_unknown": "retry"},
        )
    ).steps
    assert (steps["a"].when_unknown, steps["b"].when_unknown) == ("never_twice", "retry")
    assert step_of("delay").when_unknown is None


def test_jitter_is_kept_in_thousandths():
    assert step_of("delay", retry={"jitter": 0.5}).retry.jitter_permille == 500
    assert step_of("delay", retry={"jitter": 0}).retry.jitter_permille == 0
    assert step_of("delay").retry.jitter_permille == 100
