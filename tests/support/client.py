"""A client of a running Headrace and its sandbox, as tests talk to it; and waiting for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests


class HeadraceClient:
    """Calls the API at `url` and the sandbox at `sandbox`; an unexpected status fails the test with its body."""

    url = ""
    sandbox = ""

    def call(self, method: str, path: str, *, expect: int | tuple[int, ...] = 200, **given: Any) -> Any:
        response = requests.request(method, self.url + path, timeout=30, **given)
        expected = (expect,) if isinstance(expect, int) else expect
        assert response.status_code in expected, f"{method} {path}: {response.status_code} {response.text[:2000]}"
        return response.json() if "json" in response.headers.get("content-type", "") else response.text

    def get(self, path: str, **given: Any) -> Any:
        return self.call("GET", f"/api/v1{path}", **given)

    def post(self, path: str, body: Any = None, **given: Any) -> Any:
        return self.call("POST", f"/api/v1{path}", json=body, **given)

    def send(self, contact_id: str, type: str, data: dict[str, Any], **fields: Any) -> Any:
        return self.post(f"/contacts/{contact_id}/events", {"type": type, "data": data, **fields}, expect=(200, 202))

    def publish(self, source: str, *, expect: int = 201) -> Any:
        headers = {"content-type": "application/yaml"}
        return self.call("POST", "/api/v1/workflows?publish=true", data=source.encode(), headers=headers, expect=expect)

    def inbox(self) -> list[dict[str, Any]]:
        return requests.get(f"{self.sandbox}/inbox.json", timeout=30).json()["messages"]

    def executions(self, enrollment_id: str) -> list[dict[str, Any]]:
        return self.get(f"/enrollments/{enrollment_id}/executions")["items"]


def eventually(condition: Callable[[], Any], what: str, *, seconds: float = 30.0) -> Any:
    """Wait for a condition and give its value; fails, saying what was waited for, when it does not come true."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.02)
