"""A document's digest: equal for definitions that say the same, however they were laid out."""

import json
from hashlib import blake2b
from typing import Any


def digest(document: dict[str, Any]) -> str:
    """A hash (64 hex digits) of the document as canonical JSON: keys sorted, no spaces, ASCII.

    Comments, layout, the order of keys, and YAML or JSON make no difference; 1 and 1.0 do, as text shows them.
    """
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return blake2b(canonical.encode(), digest_size=32).hexdigest()
