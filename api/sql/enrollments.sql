-- name: list_enrollments
-- The newest first, along the indexes on (workflow_id, [status,] enrolled_at DESC, id).
SELECT id, workflow_id, version, contact_id, status, current_step, state, next_action_at, enrolled_at, completed_at,
       exit_reason
  FROM workflow_enrollments
 WHERE workflow_id = %(workflow_id)s
   AND (%(status)s::text IS NULL OR status = %(status)s)
   AND enrolled_at <= %(after_enrolled_at)s::timestamptz
   AND (enrolled_at < %(after_enrolled_at)s::timestamptz OR id > %(after_id)s::uuid)
 ORDER BY enrolled_at DESC, id
 LIMIT %(limit)s

-- name: get_enrollment
SELECT id, workflow_id, version, contact_id, status, current_step, state, next_action_at, enrolled_at, completed_at,
       exit_reason, trigger_type, trigger_data, paused_by
  FROM workflow_enrollments
 WHERE id = %(enrollment_id)s

-- name: enrollments_of_contact
-- What re-entry needs to know: whether the contact was ever enrolled, and whether it is enrolled now.
SELECT count(*) > 0 AS before,
       count(*) FILTER (WHERE status IN ('active', 'paused', 'failed')) > 0 AS now
  FROM workflow_enrollments
 WHERE workflow_id = %(workflow_id)s AND contact_id = %(contact_id)s

-- name: list_executions
-- In the journal's order.
-- A message's status is the one that its provider reported last.
SELECT x.id, x.enrollment_id, x.step_id, x.step_type, x.status, x.input_data,
       CASE WHEN l.delivery IS NULL THEN x.output_data
            ELSE x.output_data || jsonb_build_object('status', l.delivery) END AS output_data,
       x.error_message, x.started_at, x.completed_at, x.visit, x.attempts, x.seq
  FROM workflow_executions x
  LEFT JOIN send_ledger l
    ON l.enrollment_id = x.enrollment_id AND l.step_id = x.step_id AND l.visit = x.visit
 WHERE x.enrollment_id = %(enrollment_id)s
   AND (x.seq, x.id) > (%(after_seq)s::bigint, %(after_id)s::uuid)
 ORDER BY x.seq, x.id
 LIMIT %(limit)s
