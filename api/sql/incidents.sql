-- name: list_incidents
SELECT id, enrollment_id, contact_id, workflow_id, step_id, code, message, status, opened_at, resolved_at
  FROM incidents
 WHERE (%(status)s::text IS NULL OR status = %(status)s)
   AND opened_at <= %(after_opened_at)s::timestamptz
   AND (opened_at < %(after_opened_at)s::timestamptz OR id > %(after_id)s::uuid)
 ORDER BY opened_at DESC, id
 LIMIT %(limit)s

-- name: get_incident
SELECT id, enrollment_id, contact_id, workflow_id, step_id, code, message, status, opened_at, resolved_at
  FROM incidents
 WHERE id = %(incident_id)s

-- name: incidents_of_enrollment
SELECT id, code, message, status, resolution, step_id, opened_at, resolved_at
  FROM incidents
 WHERE enrollment_id = %(enrollment_id)s
 ORDER BY opened_at DESC, id

-- name: count_open_incidents
SELECT count(*) AS count FROM incidents WHERE status = 'open'

-- name: count_open
SELECT (SELECT count(*) FROM incidents WHERE status = 'open') AS incidents,
       (SELECT count(*) FROM dead_letters WHERE status = 'open') AS dead_letters

-- name: list_dead_letters
SELECT id, reason, message, topic, partition, "offset", key, value, headers, at, status, replayed_at, replayed_by
  FROM dead_letters
 WHERE (%(status)s::text IS NULL OR status = %(status)s)
   AND (%(reason)s::text IS NULL OR reason = %(reason)s)
   AND at <= %(after_at)s::timestamptz
   AND (at < %(after_at)s::timestamptz OR id > %(after_id)s)
 ORDER BY at DESC, id
 LIMIT %(limit)s

-- name: get_dead_letter
SELECT id, reason, message, topic, partition, "offset", key, value, headers, at, status, replayed_at, replayed_by
  FROM dead_letters
 WHERE id = %(dead_letter_id)s
