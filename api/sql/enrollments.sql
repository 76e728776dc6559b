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
       exit_reason, trigger_type, trigger_data
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
SELECT id, enrollment_id, step_id, step_type, status, input_data, output_data, error_message, started_at, completed_at,
       visit, attempts, seq
  FROM workflow_executions
 WHERE enrollment_id = %(enrollment_id)s
   AND (seq, id) > (%(after_seq)s::bigint, %(after_id)s::uuid)
 ORDER BY seq, id
 LIMIT %(limit)s
