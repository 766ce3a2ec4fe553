"""Answers that have begun to repeat themselves, which a model does not leave again."""

# A loop is at most this long, and is seen by so many repetitions over at least so many characters.
_PERIOD, _REPETITIONS, _LEAST_CHARACTERS = 300, 6, 400

TAIL_CHARACTERS = _PERIOD * _REPETITIONS
"""How much of the end of an answer shows every loop."""


def is_loop(text: str) -> bool:
    """Return whether the end of an answer is one text over and over, as long as no code is."""
    for period in range(1, _PERIOD + 1):
        length = max(period * _REPETITIONS, _LEAST_CHARACTERS)
        if length > len(text):
            return False
        # Most periods are ruled out by their last character.
        if text[-1] == text[-1 - period] and text[period - length :] == text[-length:-period]:
            return True
    return False
