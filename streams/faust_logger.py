"""For what Faust logs in the name of our subclasses: it would use their modules' names, and speak as if it were us."""

import logging
from typing import Final

FAUST_LOGGER: Final = logging.getLogger("faust.headrace")
