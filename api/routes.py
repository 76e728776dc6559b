"""The route table of the API: each route once, with what it answers. The OpenAPI document is made from it."""

from typing import Final

from api.handlers import (
    commands,
    consent,
    consents,
    contacts,
    dead_letters,
    definitions,
    dry_run,
    enrollments,
    health,
    incidents,
    jobs,
    journal,
    late,
    ledger,
    lifecycle,
    stuck,
    templates,
    webhooks,
    workflows,
)
from api.route import Route
from schemas import api_repair as repair
from schemas import api_reports as report
from schemas import api_resources as resource
from schemas import api_sending as sending

_API: Final = "/api/v1"
_WORKFLOW: Final = f"{_API}/workflows/{{workflow_id}}"
_ENROLLMENT: Final = f"{_API}/enrollments/{{enrollment_id}}"
_CONTACT: Final = f"{_API}/contacts/{{contact_id}}"
_DEAD_LETTER: Final = f"{_API}/dead-letters/{{dead_letter_id}}"

ROUTES: Final[tuple[Route, ...]] = (
    Route("GET", f"{_API}/workflows", workflows.list_workflows, {200: resource.Page[resource.Workflow]}),
    Route("POST", f"{_API}/workflows", definitions.create_workflow, {201: resource.Workflow, 202: resource.Pending}),
    Route("GET", _WORKFLOW, workflows.get_workflow, {200: resource.Workflow}),
    Route("GET", f"{_WORKFLOW}/versions", workflows.list_versions, {200: resource.Page[resource.Version]}),
    Route("GET", f"{_WORKFLOW}/versions/{{version}}", workflows.get_version, {200: resource.VersionDetail}),
    Route(
        "POST",
        f"{_WORKFLOW}/import",
        definitions.import_definition,
        {200: resource.Workflow, 201: resource.Workflow, 202: resource.Pending},
    ),
    Route("GET", f"{_WORKFLOW}/export", definitions.export_definition, {200: ("application/json", "application/yaml")}),
    Route("POST", f"{_WORKFLOW}/publish", lifecycle.publish_workflow, {200: resource.Workflow, 202: resource.Pending}),
    Route("POST", f"{_WORKFLOW}/pause", lifecycle.pause_workflow, {200: resource.Workflow, 202: resource.Pending}),
    Route("POST", f"{_WORKFLOW}/resume", lifecycle.resume_workflow, {200: resource.Workflow, 202: resource.Pending}),
    Route("POST", f"{_WORKFLOW}/archive", lifecycle.archive_workflow, {200: resource.Workflow, 202: resource.Pending}),
    Route("POST", f"{_WORKFLOW}/test", dry_run.test_workflow, {200: report.DryRun}),
    Route("GET", f"{_WORKFLOW}/stats", workflows.get_stats, {200: report.Stats}),
    Route("GET", f"{_WORKFLOW}/enrollments", enrollments.list_enrollments, {200: resource.Page[resource.Enrollment]}),
    Route(
        "POST",
        f"{_WORKFLOW}/enrollments",
        enrollments.enroll_contact,
        {201: resource.Enrollment, 202: resource.Pending},
    ),
    Route("GET", _ENROLLMENT, enrollments.get_enrollment, {200: resource.Enrollment}),
    Route("GET", f"{_ENROLLMENT}/executions", enrollments.list_executions, {200: resource.Page[resource.Execution]}),
    *(
        Route("POST", f"{_ENROLLMENT}/{verb}", handler, {200: resource.Enrollment, 202: resource.Pending})
        for verb, handler in (
            ("cancel", enrollments.cancel_enrollment),
            ("pause", enrollments.pause_enrollment),
            ("resume", enrollments.resume_enrollment),
            ("retry", enrollments.retry_enrollment),
            ("repair", enrollments.repair_enrollment),
        )
    ),
    Route("GET", f"{_API}/contacts", contacts.list_contacts, {200: resource.Page[resource.Contact]}),
    Route("GET", _CONTACT, contacts.get_contact, {200: resource.Contact}),
    Route("GET", f"{_CONTACT}/consent", consent.get_consent, {200: sending.ContactConsent}),
    Route(
        "POST",
        f"{_CONTACT}/consent",
        consent.change_consent,
        {200: sending.ContactConsent, 202: resource.Pending},
    ),
    Route("POST", f"{_API}/consents", consents.change_consents, {200: sending.AddressesTaken, 202: resource.Pending}),
    Route("GET", f"{_CONTACT}/timeline", contacts.get_timeline, {200: resource.Page[resource.TimelineItem]}),
    Route("GET", f"{_CONTACT}/why", contacts.get_why, {200: report.Why}),
    Route("POST", f"{_CONTACT}/events", contacts.post_event, {200: resource.EventResult, 202: resource.Pending}),
    Route("GET", f"{_API}/incidents", incidents.list_incidents, {200: resource.Page[resource.Incident]}),
    Route("GET", f"{_API}/incidents/{{incident_id}}", incidents.get_incident, {200: resource.Incident}),
    Route("GET", f"{_API}/journal", journal.read_journal_page, {200: resource.JournalPage}),
    Route("GET", f"{_API}/ledger", ledger.list_ledger, {200: resource.Page[sending.LedgerEntry]}),
    Route("POST", f"{_API}/webhooks/twilio/sms", webhooks.twilio_sms, {200: ("text/xml",)}),
    Route("POST", f"{_API}/webhooks/twilio/status", webhooks.twilio_status, {204: ()}),
    Route("POST", f"{_API}/webhooks/sendgrid/events", webhooks.sendgrid_events, {204: ()}),
    Route("GET", f"{_API}/stuck", stuck.list_stuck, {200: resource.Page[repair.Stuck]}),
    Route("GET", f"{_API}/late", late.list_late, {200: resource.Page[repair.Late]}),
    Route("GET", f"{_API}/dead-letters", dead_letters.list_dead_letters, {200: resource.Page[resource.DeadLetter]}),
    Route("GET", _DEAD_LETTER, dead_letters.get_dead_letter, {200: resource.DeadLetter}),
    Route(
        "POST",
        f"{_DEAD_LETTER}/replay",
        dead_letters.replay_dead_letter,
        {200: resource.Replay, 202: resource.Pending},
    ),
    Route("GET", f"{_API}/templates", templates.list_templates, {200: resource.Page[resource.Template]}),
    Route(
        "POST",
        f"{_API}/templates",
        templates.set_template,
        {200: resource.Template, 201: resource.Template, 202: resource.Pending},
    ),
    Route("GET", f"{_API}/templates/{{name}}", templates.get_template, {200: resource.Template}),
    Route("GET", f"{_API}/commands/{{command_id}}", commands.get_command, {200: resource.CommandStatus}),
    Route("POST", f"{_API}/jobs/{{kind}}", jobs.run_job, {200: ("application/x-ndjson", "application/json")}),
    Route("GET", "/healthz", health.healthz, {200: resource.Health}),
    Route("GET", "/readyz", health.readyz, {200: resource.Health}),
    Route("GET", "/metrics", health.metrics, {200: ("text/plain",)}),
    Route("GET", "/openapi.json", health.openapi, {200: ("application/json",)}),
)
