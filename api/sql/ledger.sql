-- name: list_ledger
-- The newest intents first; each filter is optional.
SELECT action_key, contact_id, workflow_id, enrollment_id, step_id, step_type, visit, channel, recipient, outcome, code,
       attempts, provider_id, delivery, delivery_at, price, requested_at, settled_at
  FROM send_ledger
 WHERE (requested_at < %(after_requested_at)s::timestamptz
        OR (requested_at = %(after_requested_at)s::timestamptz AND action_key > %(after_action_key)s))
   AND (%(contact_id)s::text IS NULL OR contact_id = %(contact_id)s)
   AND (%(workflow_id)s::uuid IS NULL OR workflow_id = %(workflow_id)s::uuid)
   AND (%(enrollment_id)s::uuid IS NULL OR enrollment_id = %(enrollment_id)s::uuid)
   AND (%(channel)s::text IS NULL OR channel = %(channel)s)
   AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
   AND (%(provider_id)s::text IS NULL OR provider_id = %(provider_id)s)
 ORDER BY requested_at DESC, action_key
 LIMIT %(limit)s

-- name: contacts_of_actions
SELECT action_key, contact_id FROM send_ledger WHERE action_key = ANY(%(action_keys)s)

-- name: contacts_by_phone
-- `spellings`: the ways in which the number may be written, without punctuation. Whom we wrote to last comes first, then
-- who is known longest.
SELECT c.id
  FROM contacts c
 WHERE translate(c.phone, ' -().', '') = ANY(%(spellings)s::text[])
 ORDER BY (SELECT max(l.requested_at) FROM send_ledger l WHERE l.contact_id = c.id AND l.channel = 'sms') DESC NULLS LAST,
          c.created_at, c.id
 LIMIT 1000

-- name: contacts_with_phones
-- As `contacts_by_phone`, for many numbers at once, and with the spelling that each contact has.
SELECT c.id, translate(c.phone, ' -().', '') AS spelling
  FROM contacts c
 WHERE translate(c.phone, ' -().', '') = ANY(%(spellings)s::text[])

-- name: contacts_with_emails
-- `spellings`: addresses in lower case, without the names that they may stand with.
SELECT c.id, lower(btrim(regexp_replace(c.email, '.*<([^>]*)>.*', '\1'))) AS spelling
  FROM contacts c
 WHERE lower(btrim(regexp_replace(c.email, '.*<([^>]*)>.*', '\1'))) = ANY(%(spellings)s::text[])

-- name: suppressed_addresses
-- Which of these contacts' addresses are not written to.
SELECT contact_id, channel, address FROM consents WHERE contact_id = ANY(%(contact_ids)s::text[]) AND NOT allowed

-- name: consents_of_contact
SELECT channel, address, allowed, reason, at FROM consents WHERE contact_id = %(contact_id)s ORDER BY channel, address

-- name: messages_of_contact
-- What frequency caps count: the last messages that went to a provider, or may have, from the start of their attempt.
SELECT l.channel, l.action_key, coalesce(x.started_at, l.requested_at) AS at
  FROM send_ledger l
  LEFT JOIN workflow_executions x
    ON x.enrollment_id = l.enrollment_id AND x.step_id = l.step_id AND x.visit = l.visit
 WHERE l.contact_id = %(contact_id)s AND l.channel = ANY (%(channels)s)
   AND l.outcome IN ('running', 'succeeded', 'unknown')
   AND l.requested_at > %(since)s
 ORDER BY l.requested_at DESC
 LIMIT %(limit)s
