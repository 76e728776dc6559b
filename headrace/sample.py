"""The sample workflow of the first start: the user's own YAML example, imported and published over the API."""

from importlib.resources import files
from typing import Any

import aiohttp

SAMPLE = "new-lead-welcome.yaml"


async def publish_sample(url: str) -> dict[str, Any]:
    """Import and publish the sample; gives the workflow as the API answers it.

    Raises:
        RuntimeError: the API refused it.
    """
    source = files("headrace").joinpath(SAMPLE).read_bytes()
    headers = {"content-type": "application/yaml", "idempotency-key": "headrace-dev-sample"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/api/v1/workflows?publish=true", data=source, headers=headers) as response,
    ):
        body: dict[str, Any] = await response.json()
        if response.status >= 300:  # noqa: PLR2004 every 2xx is fine
            message = f"the sample workflow was refused: {body}"
            raise RuntimeError(message)
        return body
