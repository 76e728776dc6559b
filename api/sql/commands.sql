-- name: get_command_result
SELECT command_id, command_type, result, code, reason, contact_id, workflow_id, enrollment_id, version,
       definition_offset, at
  FROM command_results
 WHERE command_id = %(command_id)s

-- name: find_command_results
SELECT command_id, command_type, result, code, reason, contact_id, workflow_id, enrollment_id, version,
       definition_offset, at
  FROM command_results
 WHERE command_id = ANY(%(command_ids)s)

-- name: command_results_of_key
-- Ids that come from one Idempotency-Key share their first half: a range of the primary key.
SELECT command_id, command_type, result, code, reason, contact_id, workflow_id, enrollment_id, version,
       definition_offset, at
  FROM command_results
 WHERE command_id BETWEEN %(lowest)s AND %(highest)s
 ORDER BY at
 LIMIT 2

-- name: catalogue_offset
-- Below this offset the definitions are in force everywhere; nothing is while a partition was not heard of.
SELECT CASE WHEN count(*) >= %(partitions)s THEN min(catalogue_offset) ELSE 0 END AS "offset" FROM partitions

-- name: ping
SELECT 1 AS ok

-- name: journal_checkpoints
SELECT partition, "offset" FROM checkpoints WHERE topic = %(topic)s
