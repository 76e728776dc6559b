-- name: create
CREATE TABLE IF NOT EXISTS meta (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS contacts (
    id TEXT PRIMARY KEY, state BLOB NOT NULL, due_ms INTEGER, is_open INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS contacts_due ON contacts (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS contacts_open ON contacts (id) WHERE is_open;
CREATE TABLE IF NOT EXISTS pending (
    contact_id TEXT, enrollment_id TEXT, channel TEXT, since_ms INTEGER, workflow_id TEXT,
    PRIMARY KEY (contact_id, enrollment_id)
);
CREATE INDEX IF NOT EXISTS pending_order ON pending (channel, since_ms);

-- name: get_meta
SELECT body FROM meta WHERE id = 1;

-- name: put_meta
INSERT OR REPLACE INTO meta (id, body) VALUES (1, ?);

-- name: get_contact
SELECT state FROM contacts WHERE id = ?;

-- name: put_contact
INSERT INTO contacts (id, state, due_ms, is_open) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_ms = excluded.due_ms, is_open = excluded.is_open;

-- name: clear_pending
DELETE FROM pending WHERE contact_id = ?;

-- name: put_pending
INSERT INTO pending (contact_id, enrollment_id, channel, since_ms, workflow_id) VALUES (?, ?, ?, ?, ?);

-- name: has_pending
SELECT 1 FROM pending LIMIT 1;

-- name: pending_contacts
SELECT contact_id, enrollment_id FROM pending
 WHERE channel = ? AND workflow_id NOT IN (SELECT value FROM json_each(?)) ORDER BY since_ms LIMIT ?;

-- name: pending_channels
SELECT DISTINCT channel FROM pending;

-- name: due_contacts
SELECT id FROM contacts WHERE due_ms <= ? ORDER BY due_ms LIMIT ?;

-- name: count_timers
SELECT count(*) FROM contacts WHERE due_ms IS NOT NULL;

-- name: next_due
SELECT due_ms FROM contacts WHERE due_ms IS NOT NULL ORDER BY due_ms LIMIT 1;

-- name: open_contacts
SELECT id FROM contacts WHERE is_open AND id > ? ORDER BY id LIMIT ?;

-- name: all_contacts
SELECT id, state FROM contacts ORDER BY id;

-- name: all_filed
SELECT id, state, due_ms, is_open, (
    SELECT json_group_array(json_array(enrollment_id, channel, since_ms, workflow_id)) FROM (
        SELECT enrollment_id, channel, since_ms, workflow_id FROM pending
         WHERE contact_id = contacts.id ORDER BY enrollment_id
    )
)
FROM contacts
WHERE due_ms IS NOT NULL OR is_open OR instr(state, CAST('"enrollments":' AS BLOB))
   OR EXISTS (SELECT 1 FROM pending WHERE contact_id = contacts.id)
ORDER BY id;

-- name: pending_strays
SELECT DISTINCT contact_id FROM pending WHERE contact_id NOT IN (SELECT id FROM contacts) ORDER BY contact_id;
