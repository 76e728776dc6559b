-- name: list_contacts
-- By id, along the primary key.
SELECT id, first_name, last_name, email, phone, source, timezone, tags, custom_fields, created_at, updated_at
  FROM contacts
 WHERE id > %(after_id)s
 ORDER BY id
 LIMIT %(limit)s

-- name: get_contact
SELECT id, first_name, last_name, email, phone, source, timezone, tags, custom_fields, created_at, updated_at, created,
       last_sms_reply
  FROM contacts
 WHERE id = %(contact_id)s

-- name: list_timeline
SELECT contact_id, seq, at, type, summary, data, enrollment_id
  FROM timeline
 WHERE contact_id = %(contact_id)s AND seq > %(after_seq)s AND at <= %(until)s::timestamptz
 ORDER BY seq
 LIMIT %(limit)s

-- name: list_timeline_newest_first
SELECT contact_id, seq, at, type, summary, data, enrollment_id
  FROM timeline
 WHERE contact_id = %(contact_id)s AND seq < %(after_seq)s AND at <= %(until)s::timestamptz
 ORDER BY seq DESC
 LIMIT %(limit)s

-- name: journal_of_contact
-- Where in its partition of the journal each event of the contact stands.
SELECT seq, "offset"
  FROM timeline
 WHERE contact_id = %(contact_id)s AND at <= %(until)s::timestamptz
 ORDER BY seq

-- name: catalogue_advances
-- From which record of a partition on which definitions are in force.
SELECT "offset", catalogue_offset FROM catalogue_advances WHERE partition = %(partition)s ORDER BY "offset"

-- name: enrollments_by_contact
SELECT e.id, e.workflow_id, e.version, e.status, e.current_step, e.next_action_at, e.enrolled_at, w.name AS workflow_name
  FROM workflow_enrollments e
  LEFT JOIN workflows w ON w.id = e.workflow_id
 WHERE e.contact_id = %(contact_id)s
 ORDER BY e.enrolled_at DESC, e.id
 LIMIT %(limit)s
