-- name: list_stuck
-- Enrollments that look stuck on the read side, the longest so first. In good health every arm is empty: the first two
-- read the past end of ix_enrollments_due and the old end of ix_enrollments_in_hand; the third the failed ones.
SELECT s.reason, s.since, s.id, s.contact_id, s.workflow_id, s.step_id, w.name AS workflow_name
  FROM (
    SELECT 'timer_overdue' AS reason, next_action_at AS since, id, contact_id, workflow_id, current_step AS step_id
      FROM workflow_enrollments
     WHERE status = 'active' AND next_action_at < %(timer_before)s::timestamptz
     UNION ALL
    SELECT CASE x.status WHEN 'pending' THEN 'action_waiting' WHEN 'running' THEN 'attempt_overdue'
                         ELSE 'nothing_pending' END,
           e.updated_at, e.id, e.contact_id, e.workflow_id, e.current_step
      FROM workflow_enrollments e
      LEFT JOIN LATERAL (
        SELECT status FROM workflow_executions
         WHERE enrollment_id = e.id AND status IN ('pending', 'running')
         ORDER BY seq DESC LIMIT 1
      ) x ON true
     WHERE e.status = 'active' AND e.next_action_at IS NULL AND NOT e.awaits_event AND e.updated_at < %(timer_before)s::timestamptz
       AND e.updated_at < CASE WHEN x.status IS NULL THEN %(timer_before)s::timestamptz
                               ELSE %(action_before)s::timestamptz END
     UNION ALL
    SELECT 'nothing_pending', e.updated_at, e.id, e.contact_id, e.workflow_id, e.current_step
      FROM workflow_enrollments e
     WHERE e.status = 'failed'
       AND NOT EXISTS (SELECT 1 FROM incidents i WHERE i.enrollment_id = e.id AND i.status = 'open')
  ) s
  LEFT JOIN workflows w ON w.id = s.workflow_id
 WHERE (s.since, s.id) > (%(after_since)s::timestamptz, %(after_id)s::uuid)
 ORDER BY s.since, s.id
 LIMIT %(limit)s

-- name: definitions_in_force
-- How far each partition goes by the definitions, and how far it has brought its open enrollments in line with them.
SELECT partition, catalogue_offset, reconciled_offset FROM partitions
