"""Definitions in JSON that are wrong: each with the code, the line and the column of its finding."""

SYNTAX = [
    ("nothing after a colon", '{\n  "name":\n}', "json_syntax", 3, 1),
    ("a comma too many in an object", '{\n  "name": "W",\n}', "json_syntax", 2, 14),
    ("a comma too many in a list", '{"steps": [\n  1,\n]}', "json_syntax", 2, 4),
    ("a comma too few", '{\n  "name": "W"\n  "steps": []\n}', "json_syntax", 3, 3),
    ("a colon too few", '{\n  "name" "W"\n}', "json_syntax", 2, 10),
    ("an object that is not closed", '{\n  "name": "W"\n', "json_syntax", 3, 1),
    ("text that is not closed", '{\n  "name": "W\n}', "json_syntax", 2, 11),
    ("single quotes", "{\n  'name': 'W'\n}", "json_syntax", 2, 3),
    ("a key without quotes", '{\n  name: "W"\n}', "json_syntax", 2, 3),
    ("text without quotes", '{\n  "name": W\n}', "json_syntax", 2, 11),
    ("a comment", '{\n  // the name\n  "name": "W"\n}', "json_syntax", 2, 3),
    ("an unknown escape", '{\n  "name": "a\\qb"\n}', "json_syntax", 2, 13),
    ("True for true", '{\n  "name": True\n}', "json_syntax", 2, 11),
    ("a leading zero", '{\n  "version": 010\n}', "json_syntax", 2, 14),
    ("a leading plus", '{\n  "version": +1\n}', "json_syntax", 2, 14),
    ("more after the end", '{"name": "W"}\n{"name": "V"}', "json_syntax", 2, 1),
    ("NaN", '{\n  "version": NaN\n}', "bad_number", 2, 14),
    ("Infinity", '{\n  "version": -Infinity\n}', "bad_number", 2, 14),
    ("a number past all bounds", '{\n  "version": 1e999\n}', "bad_number", 2, 14),
    ("a number of 5,000 digits", '{\n  "version": ' + "9" * 5_000 + "\n}", "bad_number", 2, 14),
    ("a key twice", '{\n  "name": "W",\n  "name": "V"\n}', "duplicate_key", 3, 3),
    ("a NUL by its escape", '{\n  "name": "a\\u0000b"\n}', "control_character", 2, 11),
    ("half a surrogate pair", '{\n  "name": "\\ud800"\n}', "control_character", 2, 11),
    ("a NUL byte", b'{\n  "name": "a\0b"\n}', "control_character", 2, 13),
    ("no UTF-8", b'{\n  "name": "\xff"\n}', "bad_encoding", 2, 12),
    ("an empty file", b"", "empty", 1, 1),
    ("a file of 2 MiB", b" " * (2 << 20), "too_large", 1, 1),
    ("too deep", '{"steps": ' + "[" * 100 + "]" * 100 + "}", "too_deep", 1, 74),
    ("very deep", "[" * 500_000, "too_deep", 1, 65),
    ("very many values", "[" + "1," * 60_000 + "1]", "too_many_values", 1, 100_000),
    ("a list as the document", "[]", "wrong_type", 1, 1),
    ("null as the document", "null", "wrong_type", 1, 1),
]

_DOCUMENT = """{{
  "name": "W",
  "trigger": {{"type": "manual"}},
  "steps": [
    {step}
  ]
}}"""

STEPS = [
    (name, _DOCUMENT.format(step=step), code, 5, column)
    for name, step, code, column in [
        ("an unknown key", '{"id": "a", "type": "delay", "nxt": "end"}', "unknown_key", 34),
        ("an unknown step kind", '{"id": "a", "type": "delai"}', "unknown_step_kind", 25),
        ("a negative delay", '{"id": "a", "type": "delay", "config": {"duration": -5}}', "out_of_range", 57),
        ("text for a number", '{"id": "a", "type": "delay", "config": {"duration": "5"}}', "wrong_type", 57),
        ("a boolean as next", '{"id": "a", "type": "delay", "next": false}', "wrong_type", 42),
        ("no id", '{"type": "delay"}', "missing_key", 5),
        ("a dangling next", '{"id": "a", "type": "delay", "next": "zz"}', "dangling_next", 42),
    ]
]

ALL = [*SYNTAX, *STEPS]
