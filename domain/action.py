"""Actions: a step's effect outside the engine, as a plug-in writes it. The class and its signature are the user's.

An action runs in the dispatcher, never in `decide`. It says what became of the effect, and never guesses:
`succeeded` (the provider took it), `failed` (the provider surely did not) or `unknown` (nobody can tell).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal, Self

import msgspec

from domain.contact import Contact
from domain.errors import HeadraceError

Outcome = Literal["succeeded", "failed", "unknown"]

NOT_FOUND: Final = "not_found"
"""The code of the answer that the provider knows nothing of an attempt."""
CANNOT_ASK: Final = "cannot_ask"
"""The code of the answer that there is nobody to ask."""


class NoActionContext(HeadraceError):
    """`ActionContext.current()` was asked outside of an action's call; in a test, wrap the call in `calling(...)`."""


class InvalidAction(HeadraceError):
    """What was registered as an action is none."""


class ActionContext(msgspec.Struct, frozen=True, kw_only=True):
    """What an action may know about the attempt it is part of. Times are real seconds, not scaled ones."""

    idempotency_key: str
    """The action key: the same for every attempt of one visit of a step. Send it to the provider if you can."""
    attempt: int
    """1 for the first attempt."""
    enrollment_id: str
    step_id: str
    step_type: str
    timeout_s: float
    """The call must be over by then: after it, its outcome counts as unknown."""
    start_within_s: float
    """Nothing may be sent that has not begun by then."""
    has_secrets: bool = False
    """Whether secrets were put into the request: it must not be handed on to somebody else."""

    @classmethod
    def current(cls) -> "ActionContext":
        """The context of the call that is running.

        Raises:
            NoActionContext: no action is being called here.
        """
        context = _current.get()
        if context is None:
            raise NoActionContext
        return context


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What an action is asked about an attempt whose outcome is unknown. Times are real, in milliseconds since the epoch."""

    attempt: int
    since_ms: int
    until_ms: int
    """The attempt's call was made between these times, by this machine's clock."""
    not_ids: frozenset[str] = frozenset()
    """Messages of the provider that are known to be other attempts'."""


_current: ContextVar[ActionContext | None] = ContextVar("headrace_action_context", default=None)


@contextmanager
def calling(context: ActionContext) -> Iterator[None]:
    """Make `context` the current one for the calls inside the block, and for the tasks and threads they start."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


class ActionResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an action's effect. Make one by `succeeded`, `failed` or `unknown`."""

    outcome: Outcome
    output: dict[str, Any] = {}
    state: dict[str, Any] | None = None
    """The enrollment's state after the action; None leaves it as it is."""
    code: str | None = None
    """A short name of the failure, for rules and statistics: `twilio_21610`."""
    message: str | None = None
    """The failure in words, for a person; it may quote personal data."""
    retryable: bool = False
    retry_after_ms: int | None = None
    """The provider asked to be left alone for so long, in real milliseconds."""
    provider_id: str | None = None
    outage: bool = False
    """The provider did not answer as one that works: no connection, silence, 5xx. Many in a row pause its channel."""

    @classmethod
    def succeeded(
        cls,
        output: dict[str, Any] | None = None,
        *,
        state: dict[str, Any] | None = None,
        provider_id: str | None = None,
    ) -> Self:
        """The provider took it."""
        return cls(outcome="succeeded", output=output or {}, state=state, provider_id=provider_id)

    @classmethod
    def failed(
        cls,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after_ms: int | None = None,
        output: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        outage: bool = False,
    ) -> Self:
        """The provider surely did not take it; `retryable` says whether another attempt makes sense."""
        return cls(
            outcome="failed",
            code=code,
            message=message,
            retryable=retryable,
            retry_after_ms=retry_after_ms,
            output=output or {},
            state=state,
            outage=outage,
        )

    @classmethod
    def unknown(cls, code: str, message: str, *, provider_id: str | None = None, outage: bool = False) -> Self:
        """Nobody can tell whether the provider took it: the answer never came."""
        return cls(outcome="unknown", code=code, message=message, provider_id=provider_id, outage=outage)

    @classmethod
    def not_found(cls, message: str) -> Self:
        """The answer to a question: the provider knows nothing of the attempt, which proves nothing."""
        return cls.unknown(NOT_FOUND, message)

    @classmethod
    def of(cls, returned: object) -> "ActionResult":
        """What an action's `execute` returned, as a result: an `ActionResult`, or the user's plain dict.

        A dict holds `success`, `state`, `output` and `error`; without `success` it is one unless there is an `error`.
        Anything else says nothing about the effect, so it is unknown.
        """
        if isinstance(returned, ActionResult):
            return returned
        if isinstance(returned, Mapping):
            return cls._of_dict(returned)
        kind = type(returned).__name__
        return cls.unknown("bad_result", f"The action returned {kind}; expected an ActionResult, or a dict")

    @classmethod
    def _of_dict(cls, returned: Mapping[str, Any]) -> "ActionResult":
        output, state, error = returned.get("output"), returned.get("state"), returned.get("error")
        given: dict[str, Any] = {} if output is None else output if isinstance(output, dict) else {"value": output}
        kept = state if isinstance(state, dict) else None
        if returned.get("success", not error):
            return cls.succeeded(given, state=kept)
        words = str(error or "The action says that it did not succeed, and not why")
        return cls.failed(
            str(returned.get("code") or "action_failed"),
            words,
            retryable=bool(returned.get("retryable", False)),
            output=given,
            state=kept,
        )


class WorkflowAction(ABC):
    """Base class for all workflow actions."""

    @property
    @abstractmethod
    def action_type(self) -> str:
        """Unique identifier for this action: the step type that it serves. A plain class attribute will do."""

    @property
    def channel(self) -> str:
        """Which calls share a limit of concurrency: `sms`, `email`, `http`; by default the action's own type."""
        return self.action_type

    @property
    def config_schema(self) -> Any:
        """The shape of the step's config: a JSON Schema (a dict with `type: object`) or a pydantic model class; None: free.

        What breaks it is told with its line and column when a definition is read, and editors know it from
        `headrace schema`. A plain class attribute will do.
        """
        return None

    @abstractmethod
    async def execute(
        self, contact: Contact, config: dict[str, Any], state: dict[str, Any]
    ) -> ActionResult | dict[str, Any]:
        """Execute the action.

        Args:
            contact: the contact, read-only, as it was when the action was requested.
            config: the step's configuration with its text rendered.
            state: the enrollment's state; return a new dict to change it.

        Returns:
            An `ActionResult`, or a dict with `success` (bool), `state`, `output` and `error`.
            `ActionContext.current()` gives the idempotency key, the attempt's number and the time that is left.
        """

    async def reconcile(
        self,
        contact: Contact,  # noqa: ARG002 - for those who override it
        config: dict[str, Any],  # noqa: ARG002
        question: Question,  # noqa: ARG002
    ) -> ActionResult:
        """Ask the provider what became of an attempt whose outcome is unknown; called once or several times.

        Returns:
            `succeeded` when the provider has it, with its id; `failed` only when the provider proves that it does not and
            will not; `not_found` when it knows nothing of it (yet); `unknown` with any other code when it could not be
            asked. Without an own `reconcile`, nobody is asked.
        """
        return ActionResult.unknown(CANNOT_ASK, "It cannot be asked whether it took it")

    def validate_config(self, config: dict[str, Any]) -> bool:  # noqa: ARG002 - for those who override it
        """Validate action configuration, before its text is rendered."""
        return True

    async def close(self) -> None:  # noqa: B027 - most actions hold nothing
        """Let go of connections and threads."""


Action = WorkflowAction


class ActionRegistry:
    """Registry of available actions."""

    def __init__(self) -> None:
        self._actions: dict[str, WorkflowAction] = {}

    def register(self, action: WorkflowAction, *also: str) -> None:
        """Serve the action's type (and the types in `also`) by it; a later one replaces an earlier one.

        Raises:
            InvalidAction: it is no instance of `WorkflowAction`, or has no type.
        """
        if not isinstance(action, WorkflowAction):
            raise InvalidAction(
                f"Expected an instance of a WorkflowAction, found {action!r}; register it as `MyAction()`"
            )
        if not isinstance(action.action_type, str) or not action.action_type:
            raise InvalidAction(f"{type(action).__name__}.action_type must be a text, found {action.action_type!r}")
        for action_type in (action.action_type, *also):
            self._actions[action_type] = action

    def get(self, action_type: str) -> WorkflowAction | None:
        """The action that serves a step type, or None."""
        return self._actions.get(action_type)

    def types(self) -> tuple[str, ...]:
        """The step types that are served, sorted."""
        return tuple(sorted(self._actions))

    async def close(self) -> None:
        """Close every action once."""
        for action in {id(action): action for action in self._actions.values()}.values():
            await action.close()
