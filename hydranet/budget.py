"""The budget of a run and what has been spent of it."""

from typing import Annotated

from pydantic import Field

from hydranet.bounded_models import BoundedModel, Name


class Budget(BoundedModel):
    """The limits of one run, which ends with the verdict exhausted when it reaches one."""

    attempts: Annotated[int, Field(ge=0)] = 0
    """The number of attempts of all branches together; 0 sets no limit."""

    attempts_per_branch: Annotated[int, Field(ge=1, le=200)] = 8
    """The number of attempts of one branch."""

    branches: Annotated[int, Field(ge=1, le=50)] = 12
    """The number of branches of a run; templates beside a model have as many of their own."""

    tokens: Annotated[int, Field(ge=0)] = 200_000
    """The number of prompt and output tokens of a run; 0 sets no limit."""

    seconds: Annotated[float, Field(gt=0)] = 3600.0
    """The time of a run in seconds, without pauses and without waiting for people, workers, Temporal or PostgreSQL."""


class Usage(BoundedModel):
    """What model calls cost: tokens, calls and seconds.

    Of `seconds`, `waiting` passed before the first token; `context` is the most tokens one call has used, prompt
    and answer together.
    """

    model: Name = ""
    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    waiting: float = 0.0
    context: int = 0

    @property
    def speed(self) -> float:
        """Output tokens per second of generating, 0 when none were."""
        generating = self.seconds - self.waiting
        return self.output_tokens / generating if generating > 0 else 0.0

    @property
    def tokens(self) -> int:
        """Prompt and output tokens together, the figure a budget counts."""
        return self.prompt_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            model=self.model or other.model,
            calls=self.calls + other.calls,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            seconds=self.seconds + other.seconds,
            waiting=self.waiting + other.waiting,
            context=max(self.context, other.context),
        )


class Spent(BoundedModel):
    """What the model calls for one `purpose` (plan, implement, reflect) cost."""

    purpose: Name
    usage: Usage


def tokens_left(limit: int | None, spent: int) -> int | None:
    """Return what is left of `limit`, at least 0; None without a limit."""
    return None if limit is None else max(0, limit - spent)


def find_breach(budget: Budget, *, attempts: int, tokens: int) -> str | None:
    """Return the sentence that says that the attempts or tokens of a run are spent, or None."""
    if attempts >= budget.attempts > 0:
        return f"The attempt budget is spent: {attempts} of {budget.attempts} attempts."
    if tokens >= budget.tokens > 0:
        return f"The token budget is spent: {tokens} of {budget.tokens} tokens."
    return None
