"""How a model is asked: in which edit format, for how many candidates at a time, and whether to plan at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from activities.inference.packing import Snippet
from activities.inference.prompt_context import DEFAULT_ROOM, Room
from hydranet.allocation import find_parameters
from hydranet.settings import EditFormat, ModelSettings

# All rewrite a whole function better than they write edits; the second makes a new branch new in form. Small models
# cannot quote what they search for (docs/how-to/models.md).
_PREFERENCES: tuple[EditFormat, EditFormat] = ("function", "search_replace")
_SMALL_PREFERENCES: tuple[EditFormat, EditFormat] = ("function", "file")

_PROMPTS: Mapping[EditFormat, str] = {
    "function": "implement",
    "search_replace": "replace",
    "diff": "diff",
    "file": "file",
    "hunk": "hunk",
}

# What is longer than this does not fit into one answer as a whole: only the lines that change are asked for. A small
# model gives a longer function again as it is, but changes a hunk of it (docs/how-to/models.md).
_WHOLE_CHARACTERS = 2400
_SMALL_WHOLE_CHARACTERS = 1200

# Small models are shown little else than what they are to change: a third of the tokens, for as many changes.
_SMALL_ROOM = Room(issue=700, failing=400, code=0, tests=1, test_code=700)

# Models of fewer billions of parameters are led astray by their own plans, and gain from more draws
# (docs/how-to/models.md).
_SMALL = 4.0


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """The edit formats of one model, best first, the candidates per attempt and the looks before them.

    `narrow` is the format for what is longer than `whole` characters, and after an answer that changed nothing; `room`
    says how much a question shows.

    One that does not deliberate is asked for changes only, not for strategies, plans and reflections.
    """

    formats: tuple[EditFormat, ...] = _PREFERENCES
    samples: int = 2
    deliberates: bool = True
    investigations: int = 0
    narrow: EditFormat = "search_replace"
    room: Room = DEFAULT_ROOM
    whole: int = _WHOLE_CHARACTERS

    def prompt(self, focus: Sequence[Snippet], file: str, dead: int) -> str:
        """Return the name of the prompt that asks for a change of `focus` in a file of text `file`.

        `dead` counts the dead branches: after each, the format is the next one.
        """
        wanted = self.formats[dead % len(self.formats)]
        whole = {"function": sum(len(focu.code) for focu in focus), "file": len(file)}.get(wanted)
        if whole is not None and not 0 < whole <= self.whole:
            wanted = self.narrow
        return _PROMPTS[wanted]

    @property
    def narrow_prompt(self) -> str:
        """The name of the prompt of the narrow format."""
        return _PROMPTS[self.narrow]


def find_profile(model: str, settings: ModelSettings) -> ModelProfile:
    """Return the style of the model called `model`: as the settings say, else what does best for models of its size."""
    parameters = find_parameters(model)
    small = parameters is not None and parameters < _SMALL
    preferences = _SMALL_PREFERENCES if small else _PREFERENCES
    first = settings.edit_formats.get(model, preferences[0])
    return ModelProfile(
        tuple(dict.fromkeys((first, *preferences)))[:2],
        settings.samples or (4 if small else 2),
        not small if settings.deliberate is None else settings.deliberate,
        settings.investigations,
        "hunk" if small else "search_replace",
        _SMALL_ROOM if small else DEFAULT_ROOM,
        _SMALL_WHOLE_CHARACTERS if small else _WHOLE_CHARACTERS,
    )
