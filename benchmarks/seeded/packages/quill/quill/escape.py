"""Text made safe for HTML."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}


def escape(text):
    return "".join(_ENTITIES.get(character, character) for character in text)


def attribute(name, value):
    """` name="value"`, or nothing for a value that is None."""
    return "" if value is None else f' {name}="{escape(value)}"'


def tag(name, inner, **attributes):
    """An element; `class_` is written as `class`."""
    written = "".join(attribute(key.rstrip("_"), value) for key, value in attributes.items())
    return f"<{name}{written}>{inner}</{name}>"
