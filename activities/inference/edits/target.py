"""What an answer is expected to change, and which file it names."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EditTarget:
    """The files and symbols a strategy aims at; other known files may be changed too."""

    files: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()

    def order(self, known: Iterable[str]) -> list[str]:
        """Return the known files, those aimed at first."""
        known = list(known)
        return [path for path in self.files if path in known] + [p for p in known if p not in self.files]


def find_named_path(text: str, known: Collection[str]) -> str | None:
    """Return the path of `known` that `text` names, in full or by its end, if it names exactly one."""
    words = {word.removeprefix("./").rstrip(".:") for word in re.findall(r"[\w./:-]+", text)}
    words |= {word[2:] for word in words if word.startswith(("a/", "b/"))}
    exact = [path for path in known if path in words]
    ending = [path for path in known if any("." in word and path.endswith("/" + word) for word in words)]
    matches = exact or ending
    return matches[0] if len(matches) == 1 else None


def find_named_paths(answer: str, known: Collection[str]) -> list[str]:
    """Return the paths of `known` that `answer` names in full, the first few."""
    words = dict.fromkeys(re.findall(r"[\w./-]+\.\w+", answer[:50_000]))
    bare = (re.sub(r"^(\./|[ab]/)", "", word) if word not in known else word for word in words)
    return [path for path in dict.fromkeys(bare) if path in known][:5]
