"""Reading a request: its path, its query string, its body and its headers; what does not fit is a problem."""

from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from aiohttp import web
from pydantic import ValidationError

from api.problems import BadRequest, NotFound, Unprocessable, UnsupportedMediaType
from schemas.api_bodies import MAX_CONTACT_ID, Body, NoQuery

JSON_TYPES: Final = ("application/json",)
YAML_TYPES: Final = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")

BodyType = TypeVar("BodyType", bound=Body)
QueryType = TypeVar("QueryType", bound=NoQuery)


def path_uuid(request: web.Request, name: str) -> UUID:
    """A UUID of the path. What is none names nothing: 404.

    Raises:
        NotFound: the path's text is not a UUID.
    """
    text = request.match_info[name]
    try:
        return UUID(text)
    except ValueError as error:
        noun = name.removesuffix("_id")
        message = f"there is no {noun} {text[:100]!r}: the id of {_article(noun)} {noun} is a UUID"
        raise NotFound(message) from error


def path_text(request: web.Request, name: str, *, longest: int = 200) -> str:
    """A name of the path. What no row can have names nothing: 404.

    Raises:
        NotFound: the text is too long or holds the NUL character.
    """
    text = request.match_info[name]
    if len(text) > longest or "\0" in text:
        message = f"there is no {name} of this name"
        raise NotFound(message)
    return text


def path_contact(request: web.Request) -> str:
    """The contact id of the path; raises like `contact_id`."""
    return contact_id(request.match_info["contact_id"])


def contact_id(text: str) -> str:
    """The text itself, when a contact can have it as its id.

    Raises:
        Unprocessable: it is longer than a contact id can be, or holds the NUL character.
    """
    if len(text) > MAX_CONTACT_ID:
        message = f"a contact id has at most {MAX_CONTACT_ID} characters; this one has {len(text)}"
        raise Unprocessable(message, code="invalid_contact_id")
    if "\0" in text:
        message = "a contact id must not hold the NUL character"
        raise Unprocessable(message, code="invalid_contact_id")
    return text


def path_number(request: web.Request, name: str) -> int:
    """A positive number of the path (a version). What is none names nothing: 404.

    Raises:
        NotFound: the path's text is not a number from 1 to 2147483647.
    """
    text = request.match_info[name]
    if text.isascii() and text.isdigit() and 0 < int(text[:11]) <= 2**31 - 1:
        return int(text)
    message = f"there is no {name} {text[:100]!r}: versions are numbered 1, 2, 3 ..."
    raise NotFound(message)


def read_query(request: web.Request, model: type[QueryType]) -> QueryType:
    """The query string, checked.

    Raises:
        BadRequest: a parameter is unknown, given twice, or has a value out of its range.
    """
    given = {name: values[0] for name in request.query if len(values := request.query.getall(name)) == 1}
    if twice := sorted(set(request.query) - set(given)):
        message = f"expected each query parameter once; found more of {', '.join(twice)}"
        raise BadRequest(message, code="bad_query")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        findings = _findings(error, "parameter")
        known = ", ".join(model.model_fields) or "none"
        message = f"{_summary(findings, 'parameter')} (known parameters: {known})"
        raise BadRequest(message, code="bad_query", errors=findings) from error


async def read_body(request: web.Request, model: type[BodyType], *, optional: bool = False) -> BodyType:
    """The JSON body, checked; with `optional`, no body is the same as `{}`.

    Raises:
        UnsupportedMediaType: the content type is not JSON.
        BadRequest: the body is no JSON.
        Unprocessable: the JSON has not the model's shape.
        HTTPRequestEntityTooLarge: it is over the application's limit.
    """
    raw = await request.read()
    if optional and not raw:
        return model()
    require_type(request, JSON_TYPES)
    try:
        return model.model_validate(decode_json(raw))
    except ValidationError as error:
        findings = _findings(error, "path")
        raise Unprocessable(_summary(findings, "path"), code="invalid_body", errors=findings) from error


def decode_json(raw: bytes) -> Any:
    """What the JSON text says, by the letter of RFC 8259 (no NaN, no comments, UTF-8).

    Raises:
        BadRequest: it is no JSON, or too deeply nested.
        Unprocessable: a text in it holds the NUL character, which Postgres cannot keep.
    """
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"expected JSON in UTF-8: {error}"
        raise BadRequest(message, code="bad_json") from error
    if b"\\u0000" in raw and "\0" in _texts(value):
        message = "a text of the body holds the NUL character, which cannot be kept; leave it out"
        raise Unprocessable(message, code="invalid_body")
    return value


def require_type(request: web.Request, allowed: tuple[str, ...]) -> None:
    """Checks the content type.

    Raises:
        UnsupportedMediaType: it is none of those allowed.
    """
    if request.content_type not in allowed:
        message = f"expected the content type {' or '.join(allowed)}; found {request.content_type[:100]!r}"
        raise UnsupportedMediaType(message, headers={"Accept-Post": ", ".join(allowed)})


def prefers_async(request: web.Request) -> bool:
    """Whether the caller wants no waiting (`Prefer: respond-async`, RFC 7240)."""
    preferences = ",".join(request.headers.getall("Prefer", []))
    return "respond-async" in {part.strip().lower() for part in preferences.replace(";", ",").split(",")}


def _findings(error: ValidationError, where: str) -> list[dict[str, str]]:
    return [
        {where: ".".join(map(str, finding["loc"])), "message": _sentence(finding["msg"])}
        for finding in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _sentence(message: str) -> str:
    text = message.removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _summary(findings: list[dict[str, str]], where: str) -> str:
    first = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{first[where] or 'the body'}: {first['message']}{more}"


def _texts(value: Any) -> str:
    """All texts of a JSON value in one, its keys too."""
    parts: list[str] = []
    todo = [value]
    while todo:
        current = todo.pop()
        if isinstance(current, str):
            parts.append(current)
        elif isinstance(current, dict):
            parts.extend(current)
            todo.extend(current.values())
        elif isinstance(current, list):
            todo.extend(current)
    return "".join(parts)


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"
