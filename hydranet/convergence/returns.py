"""Returns: edits of a branch that were taken out and are put in again."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from hydranet.convergence.patch_similarity import TokenLine, measure_similarity, tokenise
from hydranet.patches import Edit, Patch

# Edits up to this many lines apart, counted as lines have moved in between, are in the same place.
_REACH = 5
# An edit in the same place that is so much like one that was taken out is that edit with other names.
_RENAMED = 0.75
# Only a patch that is the same as a whole is worth 1; of another one this much of the share that is there again.
_ALMOST, _WEIGHT = 0.95, 1.5


class Return(NamedTuple):
    """The attempt whose edits are there again, by its index, and how much of the patch they are, 0..1.

    `taken_out` says that they were seen to be taken out in between; else a patch in between lacks them.
    """

    attempt: int
    likeness: float
    taken_out: bool

    @property
    def is_most(self) -> bool:
        """Whether the patch does little else than put in again what was taken out."""
        return self.taken_out and self.likeness >= _ALMOST


class _Seen(NamedTuple):
    attempt: int
    edit: Edit


class _Again(NamedTuple):
    attempt: int
    likeness: float
    size: int
    taken_out: bool


def find_returns(patches: Sequence[Patch]) -> dict[int, Return]:
    """Return by index which of `patches` put in again what an earlier one put in, and one in between did not have.

    An edit is there again with the same lines in the same place. With other names it is if its very lines were
    taken out in between.
    """
    returns: dict[int, Return] = {}
    seen: dict[_Key, _Seen] = {}
    taken_out: dict[_Key, _Seen] = {}
    previous = 0
    for index, patch in enumerate(patches):
        edits, history = _key_edits(patch), patches[:index]
        old = {key: seen[key] for key in edits.keys() & seen.keys() if seen[key].attempt < previous}
        again = [*_find_same(edits, old, taken_out, history), *_find_renamed(edits, seen, taken_out, history)]
        if again:
            returns[index] = _sum_up(again, patches, index)
        taken_out.update(_find_taken_out(edits, seen, history))
        seen.update({key: _Seen(index, edit) for key, edit in edits.items()})
        previous = index if edits else previous
    return returns


def _sum_up(again: Sequence[_Again], patches: Sequence[Patch], index: int) -> Return:
    latest = max(again).attempt
    edits, before = _key_edits(patches[index]), _key_edits(patches[latest])
    taken_out = any(edit.taken_out for edit in again)
    counted = [edit for edit in again if edit.taken_out == taken_out]
    size = sum(map(_measure_size, edits))
    share = sum(edit.size * edit.likeness for edit in again) / size
    if share == 1.0 and edits.keys() == before.keys() and patches[index].digest == patches[latest].digest:
        return Return(latest, 1.0, taken_out)
    share = sum(edit.size * edit.likeness for edit in counted) / size
    return Return(max(counted).attempt, min(_ALMOST, _WEIGHT * share), taken_out)


class _Key(NamedTuple):
    file: str
    removed: str
    added: str

    @property
    def inverse(self) -> "_Key":
        return _Key(self.file, self.added, self.removed)


_Edits = dict[_Key, Edit]


@lru_cache(maxsize=512)
def _key_edits(patch: Patch) -> _Edits:
    """Return the edits of a patch by what they do; of equal ones the last."""
    keys = ((_Key(edit.file, *map(_join, tokenise(edit))), edit) for edit in patch.edits)
    return {key: edit for key, edit in keys if key.removed != key.added}


def _join(lines: Sequence[TokenLine]) -> str:
    # A string keeps its hash, a tuple does not.
    return "\n".join(chr(indentation) + tokens for indentation, tokens in lines)


def _measure_size(key: _Key) -> int:
    return len(key.removed) + len(key.added)


def _find_same(
    edits: _Edits, old: dict[_Key, _Seen], taken_out: dict[_Key, _Seen], history: Sequence[Patch]
) -> Iterator[_Again]:
    for key, before in old.items():
        if _is_near(edits[key], before, history):
            yield _Again(before.attempt, 1.0, _measure_size(key), taken_out.get(key) == before)


def _find_renamed(
    edits: _Edits, seen: dict[_Key, _Seen], taken_out: dict[_Key, _Seen], history: Sequence[Patch]
) -> Iterator[_Again]:
    for key, edit in edits.items() if taken_out else ():
        if key not in seen and key.added:
            near = [before for before in taken_out.values() if _is_near(edit, before, history)]
            alike = max(((_measure_renamed(edit, before), before.attempt) for before in near), default=(0.0, 0))
            if alike[0] >= _RENAMED:
                yield _Again(alike[1], alike[0], _measure_size(key), True)


def _find_taken_out(edits: _Edits, seen: dict[_Key, _Seen], history: Sequence[Patch]) -> Iterator[tuple[_Key, _Seen]]:
    inverses = {key.inverse: edit for key, edit in edits.items()}
    for key in inverses.keys() & seen.keys():
        if _is_near(inverses[key], seen[key], history):
            yield key, seen[key]


def _measure_renamed(edit: Edit, out: _Seen) -> float:
    there = out.edit.model_copy(update={"start": edit.start})
    return measure_similarity(Patch(edits=(edit,)), Patch(edits=(there,)))


def _is_near(edit: Edit, before: _Seen, patches: Sequence[Patch]) -> bool:
    """Return whether an edit lies where an earlier one lay: in the same old file, or in what was made of it since."""
    if edit.file != before.edit.file:
        return False
    place = before.edit.start
    if abs(edit.start - place) <= _REACH:
        return True
    for patch in patches[before.attempt :]:
        above = (other for other in patch.edits if other.file == edit.file and other.start < place)
        place += sum(len(other.added) - len(other.removed) for other in above)
    return abs(edit.start - place) <= _REACH
