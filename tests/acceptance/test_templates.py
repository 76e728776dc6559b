"""DESIGN 5.2, templates and text: named texts are pinned at publish, unknown names are empty, nothing grows without end."""

from tests.support.headrace import fresh, step

NEXT = step("t", "add_tag", tag="t")


def test_templates_are_pinned_when_a_version_is_published(headrace):
    name = fresh("welcome")
    headrace.post("/templates", {"name": name, "channel": "sms", "body": "One, {{first_name}}"}, expect=201)
    workflow = headrace.workflow(step("hi", "send_sms", template=name), reentry="always")
    assert workflow["diagnostics"] == []
    headrace.post("/templates", {"name": name, "channel": "sms", "body": "Two"}, expect=200)

    def sent():
        return [one["body"] for one in headrace.messages(headrace.run(workflow))]

    assert sent() == ["One, Ada"]
    headrace.upload(
        f"/workflows/{workflow['id']}/import",
        {
            "name": workflow["name"],
            "trigger": {"type": "manual"},
            "steps": [step("hi", "send_sms", template=name), NEXT],
            "reentry": "always",
        },
    )
    headrace.post(f"/workflows/{workflow['id']}/publish")
    assert sent() == ["Two"]


def test_templates_of_email_and_templates_that_are_not_defined(headrace):
    text, dynamic, unknown = fresh("text"), fresh("dynamic"), fresh("unknown")
    headrace.post(
        "/templates",
        {"name": text, "channel": "email", "subject": "S {{first_name}}", "body": "B", "html": "<p>{{email}}</p>"},
        expect=201,
    )
    headrace.post("/templates", {"name": dynamic, "channel": "email", "sendgrid_template_id": "d-123"}, expect=201)
    workflow = headrace.workflow(
        step("text", "send_email", template=text),
        step("dynamic", "send_email", template=dynamic),
        step("unknown", "send_email", template=unknown),
        step("sms", "send_sms", template=unknown),
    )
    assert [one["code"] for one in workflow["diagnostics"]] == ["undefined_template"] * 2
    mails = headrace.messages(headrace.run(workflow))
    assert (mails[0]["subject"], mails[0]["body"], mails[0]["html"]) == ("S Ada", "B", "<p>ada@example.com</p>")
    assert (mails[1]["template_id"], mails[2]["template_id"]) == ("d-123", unknown)
    assert mails[1]["data"]["contact"]["first_name"] == "Ada"
    assert mails[3]["body"] == unknown


def test_template_documents_in_yaml(headrace):
    name = fresh("yaml")
    source = f"kind: template\nname: {name}\nchannel: sms\nbody: |\n  Hi {{{{first_name}}}}\n"
    made = headrace.upload("/templates", source)
    assert made["body"] == "Hi {{first_name}}\n"
    assert headrace.get(f"/templates/{name}") == made
    assert headrace.upload("/templates", f"name: {name}\nchannel: fax\nbody: x", expect=422)["diagnostics"]
    workflow = {"kind": "workflow", "name": "x", "trigger": {"type": "manual"}, "steps": [NEXT]}
    assert headrace.upload("/templates", workflow, expect=422)["code"] == "not_a_template"
    assert headrace.upload("/workflows", source, expect=422)["code"] == "not_a_workflow"


def test_unknown_names_in_text_are_warned_about_and_render_empty(headrace):
    workflow = headrace.workflow(step("hi", "send_sms", body="Hi {{frist_name}}{{custom_fields.nope}}!"))
    (warning,) = workflow["diagnostics"]
    assert (warning["code"], warning["severity"]) == ("unknown_name", "warning")
    assert "first_name" in warning["hint"]
    assert [one["body"] for one in headrace.messages(headrace.run(workflow))] == ["Hi !"]


def test_text_that_grows_too_long_fails_the_step_and_not_the_engine(headrace):
    body = "{% for a in (1..1000) %}{% for b in (1..1000) %}x{% endfor %}{% endfor %}"
    workflow = headrace.workflow(step("hi", "send_sms", body=body, on_failure="continue"), NEXT)
    enrollment = headrace.run(workflow)
    assert headrace.execution(enrollment, "hi")["status"] == "failed"
    assert headrace.messages(enrollment) == []
