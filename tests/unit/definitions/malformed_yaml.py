"""Definitions in YAML that are wrong: each with the code and the line of its finding."""

HEAD = "name: W\ntrigger: {type: manual}\nsteps:\n"
"""Three lines: the first step stands in line 4."""

TAIL = "steps:\n  - {id: a, type: delay}\n"


def steps(*lines: str) -> str:
    return HEAD + "\n".join(lines) + "\n"


def config(kind: str, *lines: str) -> str:
    """One step; its config begins in line 7."""
    return steps("  - id: a", f"    type: {kind}", "    config:", *(f"      {line}" for line in lines))


def trigger(*lines: str) -> str:
    """A trigger; its first key stands in line 3."""
    return "name: W\ntrigger:\n" + "".join(f"  {line}\n" for line in lines) + TAIL


def bomb() -> str:
    """Nine levels of nine: 9**9 values from ten lines."""
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    levels += [f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    return "\n".join(levels) + "\n"


SIZE_AND_ENCODING = [
    ("a file of 2 MiB", b"# " + b"x" * (2 << 20), "too_large", 1),
    ("an empty file", b"", "empty", 1),
    ("blank lines only", b"\n \n\t\n", "empty", 1),
    ("comments only", b"# nothing\n# here\n", "empty", 1),
    ("no UTF-8", b"name: W\ntrigger: \xff\n", "bad_encoding", 2),
    ("Latin-1", "name: W\ndescription: caf\xe9\n".encode("latin-1"), "bad_encoding", 2),
    ("UTF-16", "name: W\n".encode("utf-16"), "bad_encoding", 1),
    ("UTF-32", "name: W\n".encode("utf-32"), "bad_encoding", 1),
    ("a NUL byte", b"name: W\ntrigger: a\0b\n", "control_character", 2),
    ("a NUL by its escape", 'name: W\ndescription: "a\\0b"\n' + TAIL, "control_character", 2),
    ("a bell", b"name: W\n\n\ndescription: \x07\n", "control_character", 4),
    ("random bytes", bytes(range(128, 256)), "bad_encoding", 1),
]

SYNTAX = [
    ("a tab as indentation", "name: W\ntrigger:\n\ttype: manual\n", "tab_indentation", 3),
    ("a tab among spaces", "name: W\ntrigger:\n  type: manual\n \tconfig: {}\n", "tab_indentation", 4),
    ("a colon within text", "name: W\ndescription: one: two\n", "yaml_syntax", 2),
    ("a list that is not closed", "name: W\ntrigger: {type: manual}\nsteps: [{id: a, type: delay}\n", "yaml_syntax", 4),
    ("a quote that is not closed", "name: 'W\ntrigger: {type: manual}\n", "yaml_syntax", 3),
    ("bad indentation", "name: W\ntrigger:\n  type: manual\n config: {}\n", "yaml_syntax", 4),
    ("a list's item among keys", "name: W\n- a\n", "yaml_syntax", 2),
    ("text that begins with @", "name: @W\n", "yaml_syntax", 1),
    ("an unknown escape", 'name: W\ndescription: "a\\qb"\n', "yaml_syntax", 2),
    ("Liquid without quotes, and text", steps("  - {id: a, type: add_tag, config: {tag: {{x}} y}}"), "yaml_syntax", 4),
    ("Liquid without quotes", config("add_tag", "tag: {{source}}"), "bad_key", 7),
    ("a tag of Python", "name: !!python/object/apply:os.system [ls]\n", "unknown_tag", 1),
    ("a tag of one's own", "name: W\ndescription: !secret x\n" + TAIL, "unknown_tag", 2),
    ("a tag that does not fit", "name: W\nversion: !!int x\n" + TAIL, "bad_value", 2),
    ("an alias of nothing", "name: W\ntrigger: *none\n", "unknown_anchor", 2),
    ("an alias of itself", "name: W\ntrigger: &t\n  config: *t\n", "unknown_anchor", 3),
    ("an alias bomb", bomb(), "alias_bomb", 5),
    ("a merge of text", "name: W\ntrigger:\n  <<: text\n  type: manual\n" + TAIL, "bad_merge", 3),
    ("too deep", "name: W\ntrigger: " + "[" * 100 + "]" * 100 + "\n", "too_deep", 2),
    ("very deep", "[" * 500_000, "too_deep", 1),
    ("very many values", "name: W\nsteps: [" + "1," * 60_000 + "]\n", "too_many_values", 2),
    ("a key twice", "name: W\ntrigger: {type: manual}\nname: V\n" + TAIL, "duplicate_key", 3),
    ("a key twice, deep inside", config("delay", "duration: 1", "unit: days", "duration: 2"), "duplicate_key", 9),
    ("a list as a key", "name: W\n? [a, b]\n: c\n", "bad_key", 2),
    ("an empty key", "name: W\n?\n: c\n", "bad_key", 2),
    ("a number of 400 digits", "name: W\nversion: " + "9" * 400 + "\n" + TAIL, "bad_number", 2),
    ("several documents", "name: W\n---\nname: V\n", "several_documents", 3),
]

DOCUMENT = [
    ("a list as the document", "- name: W\n", "wrong_type", 1),
    ("text as the document", "just some text\n", "wrong_type", 1),
    ("a number as the document", "42\n", "wrong_type", 1),
    ("no name", "trigger: {type: manual}\n" + TAIL, "missing_key", 1),
    ("no steps", "name: W\ntrigger: {type: manual}\n", "missing_key", 1),
    ("no trigger", "name: W\n" + TAIL, "missing_key", 1),
    (
        "two kinds of trigger",
        "name: W\ntrigger: {type: manual}\ntriggers: [{type: manual}]\n" + TAIL,
        "conflicting_keys",
        3,
    ),
    ("an empty name", 'name: ""\ntrigger: {type: manual}\n' + TAIL, "empty", 1),
    ("a name of spaces", 'name: "  "\ntrigger: {type: manual}\n' + TAIL, "empty", 1),
    ("a number as the name", "name: 5\ntrigger: {type: manual}\n" + TAIL, "wrong_type", 1),
    ("a boolean as the name", "name: true\ntrigger: {type: manual}\n" + TAIL, "wrong_type", 1),
    ("a name that is too long", f"name: {'x' * 201}\ntrigger: {{type: manual}}\n" + TAIL, "too_long", 1),
    ("an unknown key", "name: W\ntrigger: {type: manual}\ndescripton: x\n" + TAIL, "unknown_key", 3),
    ("a key for later", "name: W\ntrigger: {type: manual}\ngoal: {}\n" + TAIL, "not_available", 3),
    ("exit_on, for later", "name: W\ntrigger: {type: manual}\nexit_on: []\n" + TAIL, "not_available", 3),
    ("a goal, for later", "name: W\ngoal: {}\ntrigger: {type: manual}\n" + TAIL, "not_available", 2),
    (
        "a send window without an end",
        "name: W\nsend_window: {from: '09:00'}\ntrigger: {type: manual}\n" + TAIL,
        "missing_key",
        2,
    ),
    (
        "a time that is none",
        "name: W\nsend_window:\n  from: '09:00'\n  to: '24:30'\ntrigger: {type: manual}\n" + TAIL,
        "bad_value",
        4,
    ),
    (
        "a window of no length",
        "name: W\nsend_window:\n  from: '09:00'\n  to: '09:00'\ntrigger: {type: manual}\n" + TAIL,
        "bad_value",
        4,
    ),
    (
        "a day that is none",
        "name: W\nsend_window:\n  from: '09:00'\n  to: '10:00'\n  days: [mon, tuesday]\ntrigger: {type: manual}\n"
        + TAIL,
        "bad_value",
        5,
    ),
    (
        "a zone that is none",
        "name: W\nsend_window:\n  from: '09:00'\n  to: '10:00'\n  timezone: Europe/Berln\ntrigger: {type: manual}\n"
        + TAIL,
        "bad_value",
        5,
    ),
    (
        "a window of an unknown key",
        "name: W\nsend_window:\n  from: '09:00'\n  to: '10:00'\n  day: [mon]\ntrigger: {type: manual}\n" + TAIL,
        "unknown_key",
        5,
    ),
    (
        "a cap of nothing",
        "name: W\nfrequency_cap: {messages: 0, per: 1d}\ntrigger: {type: manual}\n" + TAIL,
        "out_of_range",
        2,
    ),
    (
        "a cap of more than is remembered",
        "name: W\nfrequency_cap: {messages: 51, per: 1d}\ntrigger: {type: manual}\n" + TAIL,
        "out_of_range",
        2,
    ),
    (
        "a cap for longer than is remembered",
        "name: W\nfrequency_cap:\n  messages: 2\n  per: 31d\ntrigger: {type: manual}\n" + TAIL,
        "out_of_range",
        4,
    ),
    (
        "a cap without a span",
        "name: W\nfrequency_cap: {messages: 2}\ntrigger: {type: manual}\n" + TAIL,
        "missing_key",
        2,
    ),
    (
        "a cap that does what nobody knows",
        "name: W\nfrequency_cap:\n  messages: 2\n  per: 1d\n  when_over: drop\ntrigger: {type: manual}\n" + TAIL,
        "bad_value",
        5,
    ),
    (
        "a cap of a channel that is none",
        "name: W\nfrequency_cap:\n  messages: 2\n  per: 1d\n  channel: fax\ntrigger: {type: manual}\n" + TAIL,
        "bad_value",
        5,
    ),
    (
        "a cap of a step that sends nothing",
        steps("  - id: a", "    type: delay", "    frequency_cap: none"),
        "unknown_key",
        6,
    ),
    (
        "a rate of nothing",
        "name: W\nrate_limit: {messages: 0, per: 1m}\ntrigger: {type: manual}\n" + TAIL,
        "out_of_range",
        2,
    ),
    (
        "a rate for too short a time",
        "name: W\nrate_limit: {messages: 5, per: 500ms}\ntrigger: {type: manual}\n" + TAIL,
        "out_of_range",
        2,
    ),
    (
        "a rate of a step",
        steps("  - id: a", "    type: send_sms", "    config: {body: x}", "    rate_limit: {messages: 5, per: 1m}"),
        "unknown_key",
        7,
    ),
    ("a window that is a word", "name: W\nsend_window: always\ntrigger: {type: manual}\n" + TAIL, "wrong_type", 2),
    (
        "a window of a step that sends nothing",
        steps("  - id: a", "    type: delay", "    send_window: always"),
        "unknown_key",
        6,
    ),
    (
        "a default lateness of nonsense",
        "name: W\ntrigger: {type: manual}\ndefaults:\n  max_lateness: soon\n" + TAIL,
        "bad_value",
        4,
    ),
    (
        "a default for late steps that is none",
        "name: W\ntrigger: {type: manual}\ndefaults:\n  when_late: stop\n" + TAIL,
        "bad_value",
        4,
    ),
    ("an unknown kind of document", "kind: workflows\nname: W\n", "unknown_kind", 1),
    ("a list as the kind", "name: W\nkind: [workflow]\n", "unknown_kind", 2),
    ("an unknown rule of re-entry", "name: W\nreentry: sometimes\ntrigger: {type: manual}\n" + TAIL, "bad_value", 2),
    ("empty steps", "name: W\ntrigger: {type: manual}\nsteps: []\n", "empty", 3),
    ("no value for steps", "name: W\ntrigger: {type: manual}\nsteps:\n", "wrong_type", 3),
    ("steps as a mapping", "name: W\ntrigger: {type: manual}\nsteps:\n  a: {type: delay}\n", "wrong_type", 4),
]

TRIGGERS = [
    ("a trigger as text", "name: W\ntrigger: manual\n" + TAIL, "wrong_type", 2),
    ("an unknown trigger", trigger("type: tag_add", "config: {tag: x}"), "unknown_trigger", 3),
    ("a trigger without type", trigger("config: {tag: x}"), "missing_key", 3),
    ("empty triggers", "name: W\ntriggers: []\n" + TAIL, "empty", 2),
    ("the second trigger is wrong", "name: W\ntriggers:\n  - type: manual\n  - type: nope\n" + TAIL, "unknown_trigger", 4),
    ("a tag trigger without a tag", trigger("type: tag_added"), "missing_key", 3),
    ("a number as the tag", trigger("type: tag_added", "config:", "  tag: 5"), "wrong_type", 5),
    ("a filter of another trigger", trigger("type: contact_created", "config:", "  tag: x"), "unknown_key", 5),
    ("two filters of an SMS", trigger("type: sms_received", "config:", "  contains: a", "  equals: b"), "conflicting_keys", 6),
    ("a bad pattern", trigger("type: sms_received", "config:", "  matches: '('"), "bad_regex", 5),
    ("a look-ahead, which RE2 has not", trigger("type: sms_received", "config:", "  matches: 'a(?=b)'"), "bad_regex", 5),
    ("an unknown operator", trigger("type: manual", "conditions:", "  - field: source", "    operator: equal", "    value: x"), "unknown_operator", 6),
    ("an operator without its value", trigger("type: manual", "conditions:", "  - field: score", "    operator: greater_than"), "bad_operand", 5),
    ("text for a number", trigger("type: manual", "conditions:", "  - field: score", "    operator: less_than", "    value: many"), "bad_operand", 7),
    ("within_last without a unit", trigger("type: manual", "conditions:", "  - {field: created_at, operator: within_last, value: 3}"), "bad_operand", 5),
    ("a condition without a field", trigger("type: manual", "conditions:", "  - operator: exists"), "missing_key", 5),
    ("an empty condition", trigger("type: manual", "conditions:", "  - {}"), "missing_key", 5),
    ("two forms of condition", trigger("type: manual", "conditions:", "  - {field: a, operator: exists, all: []}"), "empty", 5),
    ("both any and all", trigger("type: manual", "conditions:", "  any: [{field: a, operator: exists}]", "  all: [{field: a, operator: exists}]"), "conflicting_keys", 5),
    ("an empty group", trigger("type: manual", "conditions:", "  - any: []"), "empty", 5),
    ("a bad path", trigger("type: manual", "conditions:", "  - operator: exists", "    field: steps.a.result"), "bad_field", 6),
    ("an unknown key, deep in a group", trigger("type: manual", "conditions:", "  not:", "    any:", "      - {field: a, operater: exists}"), "unknown_key", 7),
]  # fmt: skip

STEPS = [
    ("a step as text", steps("  - wait"), "wrong_type", 4),
    ("a step of nothing", steps("  -"), "wrong_type", 4),
    ("a step without an id", steps("  - type: delay"), "missing_key", 4),
    ("a step without a type", steps("  - id: a"), "missing_key", 4),
    ("a number as the id", steps("  - type: delay", "    id: 1"), "wrong_type", 5),
    ("a slash in an id", steps("  - type: delay", "    id: a/b"), "bad_value", 5),
    ("an id that is too long", steps("  - type: delay", f"    id: {'x' * 101}"), "too_long", 5),
    ("an unknown step kind", steps("  - id: a", "    type: send_smss"), "unknown_step_kind", 5),
    ("a number as the type", steps("  - id: a", "    type: 5"), "wrong_type", 5),
    ("wait_until, for later", steps("  - id: a", "    type: wait_until"), "not_available", 5),
    ("switch, for later", steps("  - id: a", "    type: switch"), "not_available", 5),
    ("enroll, for later", steps("  - id: a", "    type: enroll"), "not_available", 5),
    ("late without a time", steps("  - id: a", "    type: delay", "    when_late: skip"), "missing_key", 6),
    ("a negative lateness", steps("  - id: a", "    type: delay", "    max_lateness: -1"), "out_of_range", 6),
    ("a lateness of years", steps("  - id: a", "    type: delay", "    max_lateness: 400d"), "out_of_range", 6),
    ("an unknown word for late", steps("  - id: a", "    type: delay", "    max_lateness: 1h", "    when_late: stop"), "bad_value", 7),
    ("an unknown word for unknown", steps("  - id: a", "    type: delay", "    when_unknown: twice"), "bad_value", 6),
    ("more jitter than all", steps("  - id: a", "    type: delay", "    retry: {jitter: 1.5}"), "out_of_range", 6),
    ("an unknown key of a step", steps("  - id: a", "    type: delay", "    nxt: end"), "unknown_key", 6),
    ("a list as the config", steps("  - id: a", "    type: delay", "    config: []"), "wrong_type", 6),
    ("a number as next", steps("  - id: a", "    type: delay", "    next: 5"), "wrong_type", 6),
    ("a list of branches", steps("  - id: a", "    type: ab_split", "    branches: [b]"), "wrong_type", 6),
    ("branches of a delay", steps("  - id: a", "    type: delay", "    branches:", "      true: end"), "unknown_branch", 7),
    ("yes for true", config("condition", "field: source", "operator: exists") + "    branches:\n      yes: end\n      no: end\n", "unknown_branch", 10),
    ("retry as a number", steps("  - id: a", "    type: delay", "    retry: 3"), "wrong_type", 6),
    ("no attempts", steps("  - id: a", "    type: delay", "    retry:", "      max_attempts: 0"), "out_of_range", 7),
    ("half an attempt", steps("  - id: a", "    type: delay", "    retry:", "      max_attempts: 1.5"), "wrong_type", 7),
    ("a back-off of nonsense", steps("  - id: a", "    type: delay", "    retry:", "      backoff: soon"), "bad_value", 7),
    ("a negative back-off", steps("  - id: a", "    type: delay", "    retry: {backoff: -1}"), "out_of_range", 6),
    ("a back-off past its limit", steps("  - id: a", "    type: delay", "    retry:", "      backoff: 1m", "      max_backoff: 30s"), "out_of_range", 8),
    ("an unknown key of retry", steps("  - id: a", "    type: delay", "    retry:", "      max_atempts: 3"), "unknown_key", 7),
]  # fmt: skip

CONFIGS = [
    ("an SMS of nothing", steps("  - id: a", "    type: send_sms"), "missing_key", 4),
    ("an SMS of an empty config", config("send_sms", "{}"), "missing_key", 7),
    ("an SMS with a misspelt key", config("send_sms", "tempalte: welcome"), "unknown_key", 7),
    ("an SMS with body and template", config("send_sms", "body: hi", "template: hi"), "conflicting_keys", 8),
    ("an empty SMS", config("send_sms", "body: ''"), "empty", 7),
    ("a number as an SMS", config("send_sms", "body: 5"), "wrong_type", 7),
    ("a phone number without quotes", config("send_sms", "body: hi", "to: 15551234567"), "wrong_type", 8),
    ("a text with broken Liquid", config("send_sms", "body: 'Hi {{first_name'"), "bad_liquid", 7),
    ("an unknown Liquid filter", config("send_sms", "body: '{{first_name | shout}}'"), "bad_liquid", 7),
    ("broken Liquid, far down a text", config("send_sms", "body: |", "  one", "  two", "  {{ first_name | shout }}"), "bad_liquid", 10),
    ("an e-mail without a subject", config("send_email", "body: hi"), "missing_key", 7),
    ("an e-mail with a subject alone", config("send_email", "subject: hi"), "missing_key", 7),
    ("an e-mail of two kinds", config("send_email", "template: a", "subject: hi"), "conflicting_keys", 8),
    ("an e-mail of nothing", config("send_email", "to: a@example.com"), "missing_key", 7),
    ("no tag", config("add_tag", "{}"), "missing_key", 7),
    ("a list of tags", config("add_tag", "tag: [a, b]"), "wrong_type", 7),
    ("no as a tag is text, null is not", config("remove_tag", "tag: null"), "wrong_type", 7),
    ("no value for a field", config("update_field", "field: plan"), "missing_key", 7),
    ("the field tags", config("update_field", "value: x", "field: tags"), "bad_field", 8),
    ("a negative delay", config("delay", "duration: -1"), "out_of_range", 7),
    ("text as a delay", config("delay", "duration: 1 day"), "wrong_type", 7),
    ("a boolean as a delay", config("delay", "duration: true"), "wrong_type", 7),
    ("an unknown unit", config("delay", "duration: 1", "unit: fortnights"), "bad_value", 8),
    ("a unit that is a word of YAML 1.1", config("delay", "duration: 1", "unit: on"), "bad_value", 8),
    ("a delay past ten years", config("delay", "duration: 11", "unit: weeks").replace("11", "522"), "out_of_range", 7),
    ("not a number", config("delay", "duration: .nan"), "wrong_type", 7),
    ("an octal number", config("delay", "duration: 010"), "wrong_type", 7),
    ("a condition of nothing", steps("  - id: a", "    type: condition"), "missing_key", 4),
    ("a condition with a bad pattern", config("condition", "field: email", "operator: matches", "value: '['"), "bad_regex", 9),
    ("a unit without need", config("condition", "field: email", "operator: exists", "unit: days"), "bad_operand", 9),
    ("one weight too few", config("ab_split", "paths: [x, y, z]", "weights: [1, 2]"), "bad_weights", 8),
    ("a negative weight", config("ab_split", "weights: [50, -50]"), "out_of_range", 7),
    ("weights of zero", config("ab_split", "weights: [0, 0]"), "bad_weights", 7),
    ("text as a weight", config("ab_split", "weights: [50, half]"), "wrong_type", 7),
    ("no paths", config("ab_split", "paths: []"), "empty", 7),
    ("a path twice", config("ab_split", "paths: [x, x]"), "bad_value", 7),
    ("a branch that is no path", config("ab_split", "paths: [x, y]") + "    branches:\n      z: end\n", "unknown_branch", 9),
    ("no URL", config("http_request", "method: GET"), "missing_key", 7),
    ("a URL of a file", config("http_request", "url: file:///etc/passwd"), "bad_value", 7),
    ("an unknown method", config("http_request", "url: https://example.com", "method: SEND"), "bad_value", 8),
    ("two bodies", config("webhook", "url: https://example.com", "json: {}", "body: x"), "conflicting_keys", 9),
    ("a header that is none", config("webhook", "url: https://example.com", "headers:", "  'a b': x"), "bad_key", 9),
    ("a header with a line end", config("webhook", "url: https://example.com", "headers:", '  X: "a\\r\\nb"'), "bad_value", 9),
    ("a list as a query's value", config("webhook", "url: https://example.com", "query:", "  a: []"), "wrong_type", 9),
    ("broken Liquid deep in JSON", config("webhook", "url: https://example.com", "json:", "  a:", "    - '{{'"), "bad_liquid", 10),
    ("a timeout of an hour", config("webhook", "url: https://example.com", "timeout: 1h"), "out_of_range", 8),
    ("a timeout of 0", config("webhook", "url: https://example.com", "timeout: 0"), "out_of_range", 8),
    ("a status of 42", config("webhook", "url: https://example.com", "success: [200, 42]"), "out_of_range", 8),
    ("a class of statuses that is none", config("webhook", "url: https://example.com", "success: [9xx]"), "bad_value", 8),
    ("a status that is none", config("webhook", "url: https://example.com", "success: [200, [204]]"), "wrong_type", 8),
    ("a signature without a secret", config("webhook", "url: https://example.com", "sign: whsec_abc"), "bad_value", 8),
    ("a secret with a filter", config("webhook", "url: https://example.com", "body: '{{ secrets.A | upcase }}'"), "bad_liquid", 8),
    ("a secret in an SMS", config("send_sms", "body: |", "  Hi,", "  {{ secrets.A }}"), "bad_secret", 9),
    ("a secret in a tag", config("add_tag", "tag: '{{ secrets.A }}'"), "bad_secret", 7),
    ("a secret in a field", config("update_field", "field: a", "value: '{{ secrets.A }}'"), "bad_secret", 8),
    ("a secret that is compared", config("condition", "field: secrets.A", "operator: exists"), "bad_field", 7),
    ("a secret to compare with", config("condition", "field: a", "operator: equals", "value: '{{ secrets.A }}'"), "bad_secret", 9),
    ("an output's name with a dot", config("webhook", "url: https://example.com", "save:", "  a.b: id"), "bad_key", 9),
    ("an exit with a number", config("exit", "reason: 5"), "wrong_type", 7),
    ("a wait for nothing", config("wait_for_event", "timeout: 2d"), "missing_key", 7),
    ("a wait for none of any", config("wait_for_event", "event: []"), "empty", 7),
    ("a wait for a number", config("wait_for_event", "event: 5"), "wrong_type", 7),
    ("a wait for an unknown kind of event", config("wait_for_event", "event: {type: sms_recived}"), "unknown_trigger", 7),
    ("a wait for what only a person does", config("wait_for_event", "event: {type: manual}"), "unknown_trigger", 7),
    ("a wait for a tag without its name", config("wait_for_event", "event:", "  - order.paid", "  - {type: tag_added}"), "missing_key", 9),
    ("a wait with an unknown filter", config("wait_for_event", "event:", "  type: sms_received", "  config: {body: x}"), "unknown_key", 9),
    ("a wait with a broken condition", config("wait_for_event", "event:", "  type: sms_received", "  conditions: [{field: a}]"), "missing_key", 9),
    ("a wait for an unknown status", config("wait_for_event", "event:", "  type: delivery", "  config: {step: a, status: [opened, clickd]}"), "bad_value", 9),
    ("a wait for a delivery with conditions", config("wait_for_event", "event:", "  type: delivery", "  config: {step: a, status: opened}", "  conditions: []"), "conflicting_keys", 10),
    ("a wait of nonsense", config("wait_for_event", "event: a", "timeout: soon"), "bad_value", 8),
    ("a wait of a hundred years", config("wait_for_event", "event: a", "timeout: {duration: 5200, unit: weeks}"), "out_of_range", 8),
    ("a way for a time-out that is not there", config("wait_for_event", "event: a") + "    branches:\n      timeout: end\n", "unknown_branch", 9),
]  # fmt: skip

TEMPLATES = [
    ("a template without a channel", "kind: template\nname: t\nbody: hi\n", "missing_key", 1),
    ("a template of an unknown channel", "kind: template\nname: t\nchannel: fax\nbody: hi\n", "bad_value", 3),
    ("a template without a body", "kind: template\nname: t\nchannel: sms\n", "missing_key", 1),
    ("an SMS with a subject", "kind: template\nname: t\nchannel: sms\nsubject: s\nbody: hi\n", "conflicting_keys", 4),
    ("an e-mail template without a subject", "kind: template\nname: t\nchannel: email\nbody: hi\n", "missing_key", 1),
    ("a template with a secret", "kind: template\nname: t\nchannel: sms\nbody: '{{ secrets.A }}'\n", "bad_secret", 4),
    ("a template with broken Liquid", "kind: template\nname: t\nchannel: sms\nbody: '{% if %}'\n", "bad_liquid", 4),
    ("a template with steps", "kind: template\nname: t\nchannel: sms\nbody: hi\nsteps: []\n", "unknown_key", 5),
]

DRAFTS = [
    ("a next to nowhere", steps("  - id: a", "    type: delay", "    next: b"), "dangling_next", 6),
    ("a branch to nowhere", config("ab_split", "weights: [1, 1]") + "    branches:\n      a: end\n      b: gone\n", "dangling_branch", 10),
    ("an on_failure to nowhere", steps("  - id: a", "    type: delay", "    on_failure: giveup"), "dangling_on_failure", 6),
    ("a default on_failure to nowhere", "name: W\ntrigger: {type: manual}\ndefaults:\n  on_failure: x\n" + TAIL, "dangling_on_failure", 4),
    ("a wait for the message of no step", config("wait_for_event", "event: {type: delivery, config: {step: b, status: opened}}"), "dangling_delivery", 7),
    ("a wait for the message of a step that sends none", config("wait_for_event", "event: {type: delivery, config: {step: a, status: opened}}"), "dangling_delivery", 7),
    ("an id twice", steps("  - {id: a, type: delay}", "  - {id: b, type: delay}", "  - {id: a, type: delay}"), "duplicate_step_id", 6),
    ("an id that is reserved", steps("  - {id: a, type: delay}", "  - {id: end, type: delay}"), "reserved_step_id", 5),
]  # fmt: skip

WARNINGS = [
    ("a step that is not reached", steps("  - {id: a, type: delay, next: end}", "  - {id: b, type: delay}"), "unreachable_step", 5),
    ("a step after an exit", steps("  - {id: a, type: exit}", "  - {id: b, type: delay}"), "unreachable_step", 5),
    ("a round without a wait", steps("  - {id: a, type: add_tag, config: {tag: x}}", "  - id: b", "    type: add_tag", "    config: {tag: y}", "    next: a"), "cycle_without_wait", 8),
    ("a step that leads to itself", steps("  - id: a", "    type: ab_split", "    branches:", "      a: a", "      b: end"), "cycle_without_wait", 7),
    ("a round of a delay of nothing", steps("  - {id: a, type: delay, config: {duration: 0}, next: a}"), "cycle_without_wait", 4),
    ("a round by on_failure", steps("  - id: a", "    type: add_tag", "    config: {tag: x}", "    on_failure: a"), "cycle_without_wait", 7),
    ("a round of a wait of nothing", config("wait_for_event", "event: a", "timeout: {duration: 0}") + "    next: a\n", "cycle_without_wait", 9),
    ("a wait for a click on an SMS", steps("  - {id: s, type: send_sms, config: {body: x}}", "  - id: a", "    type: wait_for_event", "    config:", "      event: {type: delivery, config: {step: s, status: clicked}}"), "never_reported", 8),
    ("a missing branch", config("condition", "field: source", "operator: exists") + "    branches:\n      true: end\n", "missing_branch", 10),
    ("an unknown name in a text", config("send_sms", "body: 'Hi {{frist_name}}'"), "unknown_name", 7),
    ("an unknown name, far down a text", config("send_sms", "body: |", "  Hi,", "  {{frist_name}}"), "unknown_name", 9),
    ("an unknown name deep in JSON", config("webhook", "url: https://example.com", "json:", "  a: ['{{frist_name}}']"), "unknown_name", 9),
    ("an unknown name in a condition", trigger("type: manual", "conditions:", "  - {field: a, operator: equals, value: '{{frist_name}}'}"), "unknown_name", 5),
    ("an unknown name in a wait", config("wait_for_event", "event:", "  type: sms_received", "  conditions: {field: a, operator: equals, value: '{{frist_name}}'}"), "unknown_name", 9),
    ("an unknown name in a template", "kind: template\nname: t\nchannel: sms\nbody: 'Hi {{frist_name}}'\n", "unknown_name", 4),
]  # fmt: skip

UNREADABLE = [
    *SIZE_AND_ENCODING,
    *SYNTAX,
    *DOCUMENT,
    *TRIGGERS,
    *STEPS,
    *CONFIGS,
    *TEMPLATES,
]
