"""Write the published JSON Schemas: `python -m schemas.json_schema`."""

from schemas.json_schema.files import FILES, FOLDER, rendered

for name in FILES:
    (FOLDER / name).write_text(rendered(name), encoding="utf-8")
