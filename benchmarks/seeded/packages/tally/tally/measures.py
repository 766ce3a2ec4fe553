"""What can be said of many numbers; what was not answered is left out."""


def known(values):
    return [value for value in values if value is not None]


def total(values):
    return sum(known(values))


def count(values):
    return len(known(values))


def mean(values):
    """The mean, None of nothing."""
    numbers = known(values)
    return sum(numbers) / len(numbers) if numbers else None


def median(values):
    """The median, None of nothing."""
    numbers = sorted(known(values))
    if not numbers:
        return None
    middle = len(numbers) // 2
    if len(numbers) % 2:
        return numbers[middle]
    return (numbers[middle - 1] + numbers[middle]) / 2


def share(values, wanted):
    """Which part of the answers is `wanted`, None of no answers."""
    answers = known(values)
    return answers.count(wanted) / len(answers) if answers else None


def weighted_mean(values, weights):
    """The mean of the answers, each as often as it weighs."""
    pairs = [(value, weight) for value, weight in zip(values, weights) if value is not None and weight]
    heavy = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / heavy if heavy else None
