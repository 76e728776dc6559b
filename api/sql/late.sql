-- name: list_late
-- What is late, or failed in a way that another attempt may mend, the latest first: what a repair may settle. Each arm
-- gives a page's worth, in the page's order; only those of the page are joined with what else is told of them.
WITH found AS (
  SELECT * FROM (
    (SELECT CASE WHEN paused_by = 'lateness' THEN 'held' WHEN status = 'paused' THEN 'paused' ELSE 'timer' END AS kind,
            next_action_at AS due_at, id, status, updated_at
       FROM workflow_enrollments
      WHERE status IN ('active', 'paused')
        AND next_action_at <= %(now)s::timestamptz - %(late)s::interval
        -- What stands still by somebody's wish got no later since.
        AND (status = 'active' OR paused_by = 'lateness' OR next_action_at <= updated_at - %(late)s::interval)
        AND (%(workflow_id)s::uuid IS NULL OR workflow_id = %(workflow_id)s)
        AND (%(step_id)s::text IS NULL OR current_step = %(step_id)s)
        AND (next_action_at, id) > (%(after_due_at)s::timestamptz, %(after_id)s::uuid)
      ORDER BY next_action_at, id
      LIMIT %(limit)s)
     UNION ALL
    (SELECT 'action', e.updated_at, e.id, e.status, e.updated_at
       FROM workflow_enrollments e
      WHERE e.status = 'active' AND e.next_action_at IS NULL AND NOT e.awaits_event AND e.updated_at <= %(now)s::timestamptz - %(late)s::interval
        AND (%(workflow_id)s::uuid IS NULL OR e.workflow_id = %(workflow_id)s)
        AND (%(step_id)s::text IS NULL OR e.current_step = %(step_id)s)
        AND (e.updated_at, e.id) > (%(after_due_at)s::timestamptz, %(after_id)s::uuid)
      ORDER BY e.updated_at, e.id
      LIMIT %(limit)s)
     UNION ALL
    (SELECT 'failed', i.opened_at, i.enrollment_id, 'failed', i.opened_at
       FROM incidents i
       JOIN LATERAL (
         -- The last attempt says whether its provider was to blame: only then another one may succeed.
         SELECT t.type, t.data FROM timeline t
          WHERE t.contact_id = i.contact_id AND t.enrollment_id = i.enrollment_id
            AND t.type IN ('attempt_failed', 'attempt_unknown', 'attempt_succeeded')
          ORDER BY t.seq DESC LIMIT 1
       ) last ON last.type = 'attempt_failed' AND (last.data ->> 'retryable')::boolean
             AND last.data ->> 'step_id' = i.step_id
      WHERE i.status = 'open' AND i.enrollment_id IS NOT NULL
        AND i.opened_at <= %(now)s::timestamptz - %(late)s::interval
        AND (%(workflow_id)s::uuid IS NULL OR i.workflow_id = %(workflow_id)s)
        AND (%(step_id)s::text IS NULL OR i.step_id = %(step_id)s)
        AND (i.opened_at, i.enrollment_id) > (%(after_due_at)s::timestamptz, %(after_id)s::uuid)
      ORDER BY i.opened_at, i.enrollment_id
      LIMIT %(limit)s)
  ) arms
  ORDER BY due_at, id
  LIMIT %(limit)s
)
SELECT CASE WHEN f.kind = 'timer' THEN CASE WHEN x.status = 'running' AND x.attempts = 0 THEN 'wait' ELSE 'retry' END
            ELSE f.kind END AS kind,
       f.due_at, f.id, e.contact_id, e.workflow_id, e.version, e.current_step AS step_id, COALESCE(x.step_type, '') AS step_type,
       COALESCE(x.visit, 1) AS visit,
       CASE WHEN f.kind = 'paused' THEN LEAST(f.updated_at, %(now)s::timestamptz) ELSE %(now)s::timestamptz END AS late_at,
       w.name AS workflow_name, x.error_message
  FROM found f
  JOIN workflow_enrollments e ON e.id = f.id
  JOIN workflows w ON w.id = e.workflow_id
  LEFT JOIN LATERAL (
    SELECT step_type, visit, status, attempts, error_message FROM workflow_executions
     WHERE enrollment_id = f.id AND step_id = e.current_step
     ORDER BY visit DESC LIMIT 1
  ) x ON true
 ORDER BY f.due_at, f.id
