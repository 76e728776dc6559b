"""Bearer tokens for aiokafka, by OAuth's client credentials (RFC 6749, 4.4); librdkafka has its own."""

import asyncio
import ssl
import time
from typing import Final

import aiohttp
import msgspec
from aiokafka.abc import AbstractTokenProvider
from pydantic import SecretStr

from streams.kafka.errors import KafkaUnreachable

_TIMEOUT: Final = aiohttp.ClientTimeout(total=15)
_RENEW_BEFORE_S: Final = 30.0
_WITHOUT_A_SPAN_S: Final = 300.0
"""How long a token is used whose answer does not say how long it may be."""


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float = _WITHOUT_A_SPAN_S


class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]
    """Asks the token endpoint, and again shortly before a token expires."""

    def __init__(
        self, *, url: str, client_id: str, client_secret: SecretStr, scope: str | None, ca: str | None = None
    ) -> None:
        self._url, self._scope, self._ca = url, scope, ca
        self._login = aiohttp.BasicAuth(client_id, client_secret.get_secret_value())
        self._token, self._good_until = "", 0.0
        self._asking = asyncio.Lock()

    def __repr__(self) -> str:
        return f"ClientCredentials(url={self._url!r})"

    async def token(self) -> str:
        """A token that is still good.

        Raises:
            KafkaUnreachable: the endpoint gave none.
        """
        async with self._asking:
            if time.monotonic() >= self._good_until:
                answer = await self._ask()
                self._token = answer.access_token
                self._good_until = time.monotonic() + max(0.0, answer.expires_in - _RENEW_BEFORE_S)
            return self._token

    async def _ask(self) -> _Answer:
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
        context = ssl.create_default_context(cafile=self._ca) if self._url.startswith("https:") else True
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.post(self._url, data=form, auth=self._login, ssl=context) as response,
            ):
                if response.status != 200:  # noqa: PLR2004 OK
                    message = (
                        f"the token endpoint {self._url} answered {response.status}: check the client id and secret"
                    )
                    raise KafkaUnreachable(message)
                return msgspec.json.decode(await response.read(), type=_Answer)
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            message = f"no token came from {self._url}: {type(error).__name__}"
            raise KafkaUnreachable(message) from error
