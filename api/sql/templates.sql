-- name: list_templates
SELECT name, channel, subject, body, html, sendgrid_template_id, updated_at
  FROM templates
 WHERE name > %(after_name)s
 ORDER BY name
 LIMIT %(limit)s

-- name: get_template
SELECT name, channel, subject, body, html, sendgrid_template_id, updated_at
  FROM templates
 WHERE name = %(name)s

-- name: all_templates
SELECT name, channel, subject, body, html, sendgrid_template_id FROM templates
