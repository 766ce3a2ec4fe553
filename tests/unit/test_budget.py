from hydranet.budget import Budget, Usage, breach

BUDGET = Budget(branches=3, tokens=100, seconds=60)


def test_nothing_is_breached_below_every_limit() -> None:
    assert breach(BUDGET, branches=2, tokens=99, seconds=59.9) is None


def test_each_limit_is_named_with_what_was_spent() -> None:
    assert "100 of 100 tokens" in (breach(BUDGET, branches=0, tokens=100, seconds=0) or "")
    assert "60 of 60 seconds" in (breach(BUDGET, branches=0, tokens=0, seconds=60) or "")
    assert "3 of 3 branches" in (breach(BUDGET, branches=3, tokens=0, seconds=0) or "")


def test_usage_adds_up() -> None:
    total = Usage(model="m", calls=1, prompt_tokens=10, output_tokens=5) + Usage(calls=2, prompt_tokens=1, seconds=2.0)
    assert (total.model, total.calls, total.tokens, total.seconds) == ("m", 3, 16, 2.0)
