"""Replacing a run of lines that a model quoted, in the file it quoted them from."""

from hydranet.errors import PatchError


def replace_lines(source: str, old: list[str], new: list[str], path: str, near: int | None = None) -> str:
    """`source` with the lines `old` replaced by `new`; of several places the one nearest to line `near`.

    Lines that differ from the file only at their end, or all by the same indentation, still match;
    `new` is then indented like the file. PatchError when `old` is not in the file, or is in several
    places and `near` does not decide.
    """
    lines = source.split("\n")
    if not any(line.strip() for line in old):
        raise PatchError(f"The answer does not say which lines of {path} to replace.")
    for normal in (str, str.rstrip, str.strip):
        wanted = [normal(line) for line in old]
        have = [normal(line) for line in lines]
        places = [i for i in range(len(have) - len(wanted) + 1) if have[i : i + len(wanted)] == wanted]
        if len(places) > 1 and near is not None:
            places = [min(places, key=lambda place: abs(place + 1 - near))]
        if len(places) > 1:
            raise PatchError(f"The lines to replace occur {len(places)} times in {path}.")
        if places:
            at = places[0]
            there = lines[at : at + len(old)]
            return "\n".join([*lines[:at], *_shifted(new, old, there), *lines[at + len(old) :]])
    first = next(line.strip() for line in old if line.strip())
    raise PatchError(f"The lines to replace are not in {path}: {first[:80]}")


def find_indentation(line: str) -> str:
    """Return the white space `line` begins with."""
    return line[: len(line) - len(line.lstrip())]


def _shifted(new: list[str], old: list[str], there: list[str]) -> list[str]:
    quoted, actual = next(
        ((find_indentation(a), find_indentation(b)) for a, b in zip(old, there, strict=True) if a.strip()), ("", "")
    )
    if quoted == actual:
        return new
    return [actual + line[len(quoted) :] if line.strip() and line.startswith(quoted) else line for line in new]
