"""Contracts of questions about models, which the node answers that calls them."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hydranet.bounded_models import CLEAN, BoundedModel, Line, Note

Purpose = Literal["-", "repairs", "ranking", "embedding"]

_MODELS = 16

# Longer than a name may be, so that what is asked about says itself what is wrong with it.
_Model = Annotated[str, CLEAN, StringConstraints(max_length=4000)]


class AskedModel(BoundedModel):
    """A model and what it is for; `auto` is the best coder model of the node that is asked."""

    model: _Model
    purpose: Purpose = "-"


class ModelsRequest(BoundedModel):
    """Asks whether models answer and, if to be `measured`, how fast; without any, those that the node is set to use.

    The nodes are asked that serve the `purpose`, by default repairs.
    """

    models: Annotated[tuple[AskedModel, ...], Field(max_length=_MODELS)] = ()
    purpose: Purpose = "-"
    measured: bool = False


class ModelAnswer(BoundedModel):
    """What is known of a model, in words for a table; `problem` is the sentence that says why it does not answer.

    The `latency` is that of the first token, once the model is loaded. `warning` is a sentence about one that answers,
    but not to what it is asked.
    """

    model: _Model
    purpose: Purpose = "-"
    problem: Note = ""
    facts: Line = ""
    memory: Line = "-"
    latency: Line = "-"
    speed: Line = "-"
    warning: Line = ""


class ModelsAnswer(BoundedModel):
    """The models in the order in which they were asked about."""

    models: Annotated[tuple[ModelAnswer, ...], Field(max_length=_MODELS)] = ()
