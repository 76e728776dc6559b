-- name: list_workflows
SELECT id, name, status, version, published_version, diagnostics, created_at, updated_at
  FROM workflows
 WHERE (%(status)s::text IS NULL OR status = %(status)s)
   AND (created_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
 ORDER BY created_at DESC, id DESC
 LIMIT %(limit)s

-- name: get_workflow
SELECT id, name, status, version, published_version, diagnostics, created_at, updated_at, paused_at
  FROM workflows
 WHERE id = %(workflow_id)s

-- name: workflow_names
SELECT id, name FROM workflows ORDER BY status = 'archived', name, id LIMIT %(limit)s

-- name: list_versions
SELECT version, status, created_at, published_at, diagnostics
  FROM workflow_versions
 WHERE workflow_id = %(workflow_id)s AND version < %(after_version)s
 ORDER BY version DESC
 LIMIT %(limit)s

-- name: get_version
-- Without a number: the published version, else the latest.
SELECT v.workflow_id, v.version, v.status, v.name, v.document, v.source, v.format, v.digest, v.diagnostics,
       v.templates, v.created_at, v.published_at
  FROM workflow_versions v
  JOIN workflows w ON w.id = v.workflow_id
 WHERE v.workflow_id = %(workflow_id)s
   AND v.version = COALESCE(%(version)s::int, w.published_version, w.version)

-- name: enrollment_counts
SELECT status, count(*) AS count
  FROM workflow_enrollments
 WHERE workflow_id = %(workflow_id)s
 GROUP BY status

-- name: counts_as_of
-- The workflow's enrollments of then, in one statement, so that none is counted twice. One that had ended, or to which nothing
-- happened since, `stands`: its rows are as they were. Of the others (`moved`): where their events up to then stand in the journal.
WITH past AS MATERIALIZED (
    SELECT e.id, e.contact_id, e.status,
           COALESCE(e.completed_at <= %(at)s::timestamptz, FALSE)
           OR NOT EXISTS (SELECT FROM timeline t
                           WHERE t.contact_id = e.contact_id AND t.enrollment_id = e.id
                             AND t.at > %(at)s::timestamptz) AS stands
      FROM workflow_enrollments e
     WHERE e.workflow_id = %(workflow_id)s AND e.enrolled_at <= %(at)s::timestamptz
)
SELECT 'enrollments' AS kind, NULL AS id, NULL AS contact_id, NULL AS step_id, NULL AS step_type, status,
       count(*) AS count, NULL::bigint[] AS offsets
  FROM past WHERE stands GROUP BY status
UNION ALL
SELECT 'steps', NULL, NULL, x.step_id, x.step_type, x.status, count(*), NULL
  FROM workflow_executions x JOIN past ON past.id = x.enrollment_id
 WHERE past.stands GROUP BY x.step_id, x.step_type, x.status
UNION ALL
SELECT 'moved', past.id::text, past.contact_id, NULL, NULL, NULL, NULL, array_agg(t."offset" ORDER BY t.seq)
  FROM past JOIN timeline t ON t.contact_id = past.contact_id AND t.enrollment_id = past.id
 WHERE NOT past.stands AND t.at <= %(at)s::timestamptz GROUP BY past.id, past.contact_id

-- name: enrollment_counts_of_workflows
SELECT workflow_id, status, count(*) AS count
  FROM workflow_enrollments
 WHERE workflow_id = ANY(%(workflow_ids)s)
 GROUP BY workflow_id, status

-- name: step_counts
SELECT e.step_id, e.step_type, e.status, count(*) AS count
  FROM workflow_executions e
  JOIN workflow_enrollments n ON n.id = e.enrollment_id
 WHERE n.workflow_id = %(workflow_id)s
 GROUP BY e.step_id, e.step_type, e.status
 ORDER BY e.step_id, e.step_type, e.status
