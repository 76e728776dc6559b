"""Named SQL: statements live in `.sql` files, each under a `-- name:` line, and are loaded by name."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load_sql(package: str, filename: str) -> dict[str, str]:
    """The statements of a package's `.sql` file by name."""
    text = files(package).joinpath(filename).read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return {name: sql.strip() for name, sql in zip(parts[::2], parts[1::2], strict=True)}
