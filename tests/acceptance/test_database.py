"""DESIGN 5.3, the read side by plain SQL: the user's tables and columns in the Postgres of HEADRACE_DATABASE_URL."""

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.support.dev_process import DevProcess, eventually
from tests.support.headrace import Headrace, step

EXECUTION_COLUMNS = {
    "id": "uuid",
    "enrollment_id": "uuid",
    "step_id": "character varying",
    "step_type": "character varying",
    "status": "character varying",
    "input_data": "jsonb",
    "output_data": "jsonb",
    "error_message": "text",
    "started_at": "timestamp with time zone",
    "completed_at": "timestamp with time zone",
    "visit": "integer",
    "attempts": "integer",
}
ENROLLMENT_COLUMNS = {
    "id", "workflow_id", "version", "contact_id", "status", "current_step", "state", "next_action_at", "enrolled_at",
    "completed_at", "exit_reason",
}  # fmt: skip


@pytest.fixture
def own(tmp_path, database_url):
    """A `headrace dev` on a Postgres that somebody else runs."""
    environment = {"HEADRACE_DATABASE_URL": database_url}
    process = DevProcess(tmp_path / "data", "--no-sample", "--log-level", "warning", environment=environment)
    yield process
    process.end()


def test_executions_and_enrollments_are_plain_tables(own, database_url):
    headrace = Headrace(own.start())
    workflow = headrace.workflow(
        step("hi", "send_sms", body="Hi {{first_name}}"), step("wait", "delay"), step("t", "add_tag", tag="t")
    )
    contact_id = headrace.contact()
    enrollment = headrace.enrol(workflow, contact_id)
    headrace.step(enrollment, "wait", "running")
    failed = headrace.run(workflow, headrace.contact(phone=None), "failed")
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        columns = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'workflow_executions'"
        ).fetchall()
        assert {one["column_name"]: one["data_type"] for one in columns}.items() >= EXECUTION_COLUMNS.items()
        rows = connection.execute(
            """
            SELECT x.step_id, x.step_type, x.status, x.input_data ->> 'body' AS body, x.output_data, x.error_message,
                   x.started_at, x.completed_at, x.visit, x.attempts, e.contact_id, e.status AS enrollment_status
            FROM workflow_executions x JOIN workflow_enrollments e ON e.id = x.enrollment_id
            WHERE e.contact_id = %s ORDER BY x.started_at, x.completed_at NULLS LAST
            """,
            [contact_id],
        ).fetchall()
        assert [(one["step_id"], one["step_type"], one["status"]) for one in rows] == [
            ("hi", "send_sms", "completed"),
            ("wait", "delay", "running"),
        ]
        assert (rows[0]["body"], rows[0]["visit"], rows[0]["attempts"]) == ("Hi Ada", 1, 1)
        assert "delay_until" in rows[1]["output_data"]
        row = connection.execute("SELECT * FROM workflow_enrollments WHERE id = %s", [enrollment["id"]]).fetchone()
        assert row.keys() >= ENROLLMENT_COLUMNS
        assert (row["status"], row["current_step"], str(row["workflow_id"])) == ("active", "wait", workflow["id"])
        broken = connection.execute(
            "SELECT status, error_message FROM workflow_executions WHERE enrollment_id = %s", [failed["id"]]
        ).fetchone()
        assert broken["status"] == "failed"
        assert "phone" in broken["error_message"]


def test_the_read_side_is_there_again_after_a_restart_on_an_emptied_database(own, database_url):
    """The tables are a view of the journal: without them, they are made anew."""
    headrace = Headrace(own.start())
    workflow = headrace.workflow(step("wait", "delay"))
    enrollment = headrace.enrol(workflow, headrace.contact())
    before = (
        headrace.get("/workflows"),
        headrace.executions(enrollment),
        headrace.get(f"/enrollments/{enrollment['id']}"),
    )
    assert own.stop() == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    headrace = Headrace(own.start())
    eventually(lambda: headrace.get("/workflows")["items"], "the workflows")
    path = f"/enrollments/{enrollment['id']}/executions"
    eventually(lambda: headrace.get(path, expect=(200, 404)).get("items"), "the executions")
    after = (
        headrace.get("/workflows"),
        headrace.executions(enrollment),
        headrace.get(f"/enrollments/{enrollment['id']}"),
    )
    assert after == before
