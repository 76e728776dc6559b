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
