"""What activities count: the cost of model calls, and outages."""

from temporalio import activity
from temporalio.common import MetricMeter

from hydranet.budget import Usage


def count_tokens(purpose: str, usage: Usage) -> None:
    """Count what the model calls of a step cost, by purpose and model."""
    if not usage.calls or (meter := _meter()) is None:
        return
    meter = meter.with_additional_attributes({"purpose": purpose, "model": usage.model})
    tokens = meter.create_counter("hydra_tokens", "Tokens by purpose, model and kind.")
    tokens.add(usage.prompt_tokens - usage.cached_tokens, {"kind": "prompt"})
    tokens.add(usage.cached_tokens, {"kind": "cached"})
    tokens.add(usage.output_tokens, {"kind": "output"})
    meter.create_histogram_float("hydra_tokens_per_second", "Output tokens per second of a step.").record(usage.speed)
    meter.create_histogram_float("hydra_first_token_seconds", "Seconds until the first token, mean of a step.").record(
        usage.waiting / usage.calls
    )


def count_outage() -> None:
    """Count a call that something outside (a model server, a database, an engine) did not let through."""
    if (meter := _meter()) is not None:
        meter.create_counter("hydra_outages", "Calls that an outage has put off.").add(1)


def _meter() -> MetricMeter | None:
    # Outside a worker, as in a test that calls the function, nobody counts.
    return activity.metric_meter() if activity.in_activity() else None
