"""Lines that two texts have in common."""

from collections.abc import Sequence


def lengths(first: Sequence[str], second: Sequence[str]) -> list[list[int]]:
    """Return for each pair of places how long the longest common subsequence is from there on."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for one in range(len(first) - 1, -1, -1):
        for two in range(len(second) - 1, -1, -1):
            if first[one] == second[two]:
                table[one][two] = table[one + 1][two + 1] + 1
            else:
                table[one][two] = max(table[one + 1][two], table[one][two + 1])
    return table


def pairs(first: Sequence[str], second: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places of equal lines, ascending on both sides, as many as there can be."""
    table = lengths(first, second)
    result = []
    one = two = 0
    while one < len(first) and two < len(second):
        if first[one] == second[two]:
            result.append((one, two))
            one, two = one + 1, two + 1
        elif table[one + 1][two] >= table[one][two + 1]:
            one += 1
        else:
            two += 1
    return result
