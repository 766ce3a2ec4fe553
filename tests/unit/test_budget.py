from hydranet.budget import Budget, Usage, find_breach

BUDGET = Budget(attempts=5, tokens=100, seconds=60)


def test_nothing_is_breached_below_every_limit() -> None:
    assert find_breach(BUDGET, attempts=4, tokens=99) is None


def test_each_limit_is_named_with_what_was_spent() -> None:
    assert "5 of 5 attempts" in (find_breach(BUDGET, attempts=5, tokens=0) or "")
    assert "100 of 100 tokens" in (find_breach(BUDGET, attempts=0, tokens=100) or "")


def test_no_limit_to_attempts_and_tokens_is_never_reached() -> None:
    assert find_breach(Budget(attempts=0, tokens=0), attempts=10**6, tokens=10**9) is None


def test_usage_adds_up() -> None:
    total = Usage(model="m", calls=1, prompt_tokens=10, output_tokens=5) + Usage(calls=2, prompt_tokens=1, seconds=2.0)
    assert (total.model, total.calls, total.tokens, total.seconds) == ("m", 3, 16, 2.0)
