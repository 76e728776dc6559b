"""The provider sandbox: speaks Twilio's and SendGrid's HTTP, keeps an inbox, and fails when it is told to."""

from headrace.sandbox.server import RunningSandbox, SandboxPortTaken, create_sandbox, start_sandbox

__all__ = ["RunningSandbox", "SandboxPortTaken", "create_sandbox", "start_sandbox"]
