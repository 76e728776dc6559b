"""The catalogue: versions are kept for ever, publishing is refused for drafts with errors, statuses change by rule."""

import pytest

from domain import definition as d
from domain.catalogue import Catalogue, decide_definition, evolve_catalogue, touches_enrollments
from domain.errors import HeadraceError
from domain.workflow import Trigger
from tests.support.engine_spec import happened, step, workflow

DANGLING = d.Diagnostic(
    code="dangling_next", severity="error", path="steps[0].next", line=1, column=1, message="no step 'x'"
)
DUPLICATE = d.Diagnostic(
    code="duplicate_step_id", severity="error", path="steps[1].id", line=1, column=1, message="twice"
)
WARNING = d.Diagnostic(code="cycle_without_wait", severity="warning", path="", line=1, column=1, message="round")


def compile_(document, workflow_id, version, templates, accept):
    if document.get("broken"):
        raise HeadraceError("it does not compile")
    return workflow(
        step("w", "delay"),
        id=workflow_id,
        version=version,
        triggers=(Trigger("tag_added", {"tag": document.get("tag")}),),
    )


class Catalog:
    def __init__(self):
        self.catalogue, self.events, self.now = Catalogue(), [], 1_000

    def when(self, kind, workflow_id="w", **fields):
        self.now += 1
        command = kind(command_id=f"c{self.now}", workflow_id=workflow_id, **fields)
        self.events = decide_definition(self.catalogue, command, self.now, compile_)
        for event in self.events:
            self.catalogue = evolve_catalogue(self.catalogue, event, compile_)
        return self

    def imported(self, digest="d1", *, create=True, diagnostics=(), document=None, publish=False, workflow_id="w"):
        document = {"tag": digest} if document is None else document
        return self.when(
            d.ImportDefinition, workflow_id, name="N", document=document, source="", format="yaml", digest=digest,
            diagnostics=diagnostics, create=create, publish=publish,
        )  # fmt: skip

    def then(self, *expected):
        kinds = [event.__struct_config__.tag for event in self.events]
        assert kinds == [one["type"] for one in expected]
        for wanted, event in zip(expected, self.events, strict=True):
            for name, value in wanted.items():
                if name != "type":
                    assert getattr(event, name) == value, name
        assert all(event.command_id == f"c{self.now}" for event in self.events)
        return self

    def refused(self, code):
        return self.then(happened("definition_command_resulted", result="rejected", code=code))

    @property
    def entry(self):
        return self.catalogue.entries["w"]


ACCEPTED = happened("definition_command_resulted", result="accepted")


def test_versions_are_numbered_and_equal_content_answers_the_existing_one():
    catalog = Catalog().imported().then(happened("definition_imported", version=1), ACCEPTED)
    catalog.imported("d2").then(happened("definition_imported", version=2), ACCEPTED)
    catalog.imported("d1").then(happened("definition_command_resulted", result="duplicate", version=1))
    assert catalog.entry.status == "draft"
    assert sorted(catalog.entry.versions) == [1, 2]


def test_import_into_an_unknown_workflow_is_refused_unless_it_makes_one():
    Catalog().imported(create=False).refused("not_found")


def test_publish_makes_the_latest_live_and_versions_never_change():
    catalog = Catalog().imported().imported("d2")
    catalog.when(d.PublishVersion).then(happened("version_published", version=2, in_flight="pin"), ACCEPTED)
    assert (catalog.entry.status, catalog.entry.published) == ("active", 2)
    assert [armed.workflow.version for armed in catalog.catalogue.triggers["tag_added", "d2"]] == [2]
    catalog.when(d.PublishVersion, version=1)
    assert list(catalog.catalogue.triggers) == [("tag_added", "d1")]
    assert catalog.catalogue.workflow("w", 2).version == 2
    catalog.when(d.PublishVersion, version=9).refused("not_found")


def test_draft_with_errors_is_refused_and_a_dangling_target_alone_may_be_accepted():
    catalog = Catalog().imported(diagnostics=(DANGLING, WARNING))
    catalog.when(d.PublishVersion).refused("has_errors")
    assert "no step 'x'" in catalog.events[0].reason
    catalog.when(d.PublishVersion, accept=("dangling_next",)).then(happened("version_published"), ACCEPTED)
    both = Catalog().imported(diagnostics=(DANGLING, DUPLICATE))
    both.when(d.PublishVersion, accept=("dangling_next",)).refused("has_errors")


def test_import_and_publish_in_one_breath():
    catalog = Catalog().imported(publish=True)
    catalog.then(happened("definition_imported"), happened("version_published"), ACCEPTED)
    catalog.imported(publish=True).then(happened("definition_command_resulted", result="duplicate"))
    draft = Catalog().imported(publish=True, diagnostics=(DANGLING,))
    draft.then(happened("definition_imported"), ACCEPTED)
    assert draft.entry.status == "draft"


def test_what_does_not_compile_is_not_published():
    catalog = Catalog().imported(document={"broken": True})
    catalog.when(d.PublishVersion).refused("has_errors")


def test_statuses_change_by_rule():
    catalog = Catalog().imported()
    catalog.when(d.PauseWorkflow).refused("conflict")
    catalog.when(d.PublishVersion).when(d.ResumeWorkflow).refused("conflict")
    catalog.when(d.PauseWorkflow).then(happened("workflow_paused"), ACCEPTED)
    assert (catalog.entry.status, catalog.entry.paused_at_ms) == ("paused", catalog.now)
    catalog.imported("d2").when(d.PublishVersion)
    assert catalog.entry.status == "paused"
    catalog.when(d.ResumeWorkflow).then(happened("workflow_resumed"), ACCEPTED)
    catalog.when(d.ArchiveWorkflow).then(happened("workflow_archived"), ACCEPTED)
    assert catalog.catalogue.triggers == {}
    for kind in (d.PublishVersion, d.PauseWorkflow, d.ResumeWorkflow, d.ArchiveWorkflow):
        catalog.when(kind).refused("conflict")
    catalog.imported("d3").refused("conflict")


@pytest.mark.parametrize("kind", [d.PublishVersion, d.PauseWorkflow, d.ResumeWorkflow, d.ArchiveWorkflow])
def test_unknown_workflow_is_not_found(kind):
    Catalog().when(kind).refused("not_found")


def test_publish_pins_the_templates_that_the_steps_name():
    catalog = Catalog()
    for name, body in (("welcome", "Hi"), ("other", "x")):
        catalog.when(d.DefineTemplate, f"template:{name}", template=d.TemplateText(name=name, channel="sms", body=body))
    document = {"steps": [{"id": "a", "type": "send_sms", "config": {"template": "welcome"}}]}
    catalog.imported(document=document).when(d.PublishVersion)
    assert list(catalog.events[0].templates) == ["welcome"]


def test_in_flight_choices_are_kept_and_reach_enrollments():
    catalog = Catalog().imported().when(d.PublishVersion).imported("d2")
    catalog.when(d.PublishVersion, in_flight="cancel")
    assert catalog.entry.in_flight == {1: None}
    assert touches_enrollments(catalog.events[0])
    catalog.imported("d3").when(d.PublishVersion, in_flight="migrate")
    assert catalog.entry.in_flight == {1: 3, 2: 3}
    catalog.imported("d4").when(d.PublishVersion, in_flight="pin")
    assert not touches_enrollments(catalog.events[0])
    assert catalog.entry.in_flight == {1: 3, 2: 3}


@pytest.mark.parametrize("in_flight", ["cancel", "migrate"])
def test_version_that_goes_live_again_keeps_its_new_enrollments(in_flight):
    catalog = Catalog().imported().when(d.PublishVersion).imported("d2")
    catalog.when(d.PublishVersion, in_flight=in_flight).when(d.PublishVersion, version=1)
    assert catalog.entry.in_flight == {}
    catalog.when(d.PublishVersion, version=2).when(d.PublishVersion, version=1, in_flight=in_flight)
    assert catalog.entry.in_flight == {2: None if in_flight == "cancel" else 1}
