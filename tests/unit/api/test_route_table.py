"""The route table: each route is there once and tells what it is; handlers stay thin."""

from api import listings
from api.database import QUERIES
from api.listing import Listing
from api.routes import ROUTES
from schemas.api_bodies import EnrollBody, NoBody, PublishBody


def route(name):
    return next(found for found in ROUTES if found.name == name)


def test_every_route_is_there_once_and_says_what_it_does():
    addresses = [(found.method, found.path) for found in ROUTES]
    assert len(addresses) == len(set(addresses))
    assert len({found.name for found in ROUTES}) == len(ROUTES)
    assert all(found.summary.endswith((".", ":", "?")) or "`" in found.summary for found in ROUTES)


def test_the_routes_of_the_contract_are_there():
    """DESIGN 5.3, as far as this issue goes."""
    wanted = """
        POST /workflows | GET /workflows | GET /workflows/{workflow_id} | GET /workflows/{workflow_id}/versions
        GET /workflows/{workflow_id}/versions/{version} | POST /workflows/{workflow_id}/import
        GET /workflows/{workflow_id}/export | POST /workflows/{workflow_id}/publish | POST /workflows/{workflow_id}/pause
        POST /workflows/{workflow_id}/resume | POST /workflows/{workflow_id}/archive | POST /workflows/{workflow_id}/test
        GET /workflows/{workflow_id}/enrollments | POST /workflows/{workflow_id}/enrollments
        GET /workflows/{workflow_id}/stats | GET /enrollments/{enrollment_id}
        GET /enrollments/{enrollment_id}/executions | POST /enrollments/{enrollment_id}/cancel
        POST /enrollments/{enrollment_id}/pause | POST /enrollments/{enrollment_id}/resume
        POST /enrollments/{enrollment_id}/retry | GET /contacts/{contact_id} | GET /contacts/{contact_id}/timeline
        GET /contacts/{contact_id}/why | POST /contacts/{contact_id}/events | GET /incidents | GET /dead-letters | GET /dead-letters/{dead_letter_id}
        POST /dead-letters/{dead_letter_id}/replay | POST /templates | GET /commands/{command_id}
    """
    addresses = {f"{found.method} {found.path.removeprefix('/api/v1')}" for found in ROUTES}
    assert {line.strip() for line in wanted.replace("\n", "|").split("|") if line.strip()} <= addresses
    assert {"GET /healthz", "GET /readyz", "GET /openapi.json"} <= addresses


def test_a_handlers_signature_says_what_it_reads():
    assert route("publish_workflow").body is PublishBody
    assert route("publish_workflow").body_optional
    assert route("enroll_contact").body is EnrollBody
    assert not route("enroll_contact").body_optional
    assert route("pause_workflow").body is NoBody
    assert route("get_workflow").body is None
    assert route("create_workflow").upload_kind == "workflow"
    assert route("set_template").upload_kind == "template"


def test_every_write_may_answer_later_and_every_other_route_may_not():
    webhooks = {found.name for found in ROUTES if found.takes_payload}  # answered once they are durable
    writes = {found.name for found in ROUTES if found.method == "POST"} - {"test_workflow", "run_job"} - webhooks
    assert {found.name for found in ROUTES if found.waits} == writes


def test_every_list_has_its_query_with_a_parameter_for_each_key():
    lists = [found for found in vars(listings).values() if isinstance(found, Listing)]
    assert len({found.name for found in lists}) == len(lists) == 13
    for found in lists:
        text = QUERIES[found.query].decode()
        for key in found.keys:
            assert f"%(after_{key.column})s" in text
        assert "LIMIT %(limit)s" in text
        assert "ORDER BY" in text
