import pytest

from cachet.clock import Clock
from cachet.desk import Desk
from cachet.layer import Layer
from cachet.library import Circular, Library
from cachet.stack import Stack

TEXTS = {"page": "<{{head}}|{{body}}>", "head": "H", "body": "B {{foot}}", "foot": "F", "loop": "{{loop}}"}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stack(clock):
    library = Library(TEXTS, seconds=60)
    return Stack([Layer(clock, 2), Layer(clock, 10)], library.source)


def test_documents_are_made_once(stack):
    assert stack.get("page") == "<H|B F>"
    assert stack.get("page") == "<H|B F>"
    assert stack.made == 1


def test_a_document_that_includes_itself(stack):
    with pytest.raises(Circular):
        stack.get("loop")


def test_what_falls_out_of_the_top_is_still_below(stack):
    for name in ("page", "head", "body"):
        stack.get(name)
    assert "page" not in stack.layers[0]
    assert stack.get("page") == "<H|B F>"
    assert stack.made == 3


def test_warming(stack):
    library = Library(TEXTS)
    desk = Desk(library, stack)
    assert desk.warm(["head", "foot", "head"]) == 2
    assert desk.read("head") == "H"
