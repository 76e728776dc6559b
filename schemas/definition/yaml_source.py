"""YAML text into documents of nodes with positions."""

from typing import Any, Final

import yaml

from schemas.definition.diagnostics import finding
from schemas.definition.yaml_composer import Composer, Stop, YamlDocument, position_of
from schemas.definition.yaml_errors import explain

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml where PyYAML was built with it (all of its wheels are); only its events are used, never its constructor."""

MAX_DOCUMENTS: Final = 1_000
"""A stream of more documents is refused."""


def read_yaml(text: str) -> list[YamlDocument]:
    """Every document of the stream; after an error of syntax there are no more."""
    documents: list[YamlDocument] = []
    composer = Composer(1)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.DocumentStartEvent):
                _check_count(documents, event)
                composer = Composer(position_of(event).line)
            elif isinstance(event, yaml.DocumentEndEvent):
                documents.append(composer.document())
            else:
                composer.take(event)
    except Stop as stop:
        documents.append(composer.document(stop.diagnostic))
    except yaml.YAMLError as error:
        documents.append(composer.document(explain(error, text)))
    return documents


def _check_count(documents: list[YamlDocument], event: Any) -> None:
    if len(documents) == MAX_DOCUMENTS:
        message = f"expected at most {MAX_DOCUMENTS:,} documents in a file, found more"
        raise Stop(finding("too_many_values", (), position_of(event), message, "split the file"))
