"""The place of a strategy that a person suggests: the one that is named, or the one that the text speaks of."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from activities.code.languages import find_language
from activities.code.mentions import find_named_files, resolve_path
from activities.code.test_files import is_test_file
from activities.git.objects import GitObjects
from activities.localisation.regions import list_regions
from activities.localisation.source import Source
from hydranet.bounded_models import NAME_CHARACTERS
from hydranet.contracts import Place, PlaceRequest, SuggestedPlace
from hydranet.errors import FatalError
from hydranet.text.code_names import find_named_symbols
from hydranet.text.formatting import join_words

_FORM = "--place FILE:FUNCTION"


async def find_place(request: PlaceRequest, objects: GitObjects) -> SuggestedPlace:
    """Return the file and the function that a suggestion aims at, empty where a model is not told any.

    Raises FatalError with a sentence for a place that is not there, and where templates are not told any.
    """
    paths = await objects.files(request.snapshot, request.checkpoint)
    if request.place:
        file, _, symbol = request.place.partition(":")
        path = _find_file(file.strip(), paths)
        names = await _list_symbols(request, objects, path)
        place = SuggestedPlace(file=path, symbol=_choose_symbol(symbol.strip().removesuffix("()"), path, names))
    else:
        place = await _read_place(request, objects, paths)
    if request.templates:
        _check_for_templates(request, place)
    return place


async def _read_place(request: PlaceRequest, objects: GitObjects, paths: Collection[str]) -> SuggestedPlace:
    """Return the place that the text names: a function in a file that it names, or in one that the run suspects."""
    symbols = find_named_symbols(request.text)
    files = [file for file in find_named_files(request.text, paths) if not is_test_file(file)]
    for file in files:
        listed = await _list_symbols(request, objects, file)
        if named := [name for name in listed if name in symbols or name.rpartition(".")[2] in symbols]:
            return SuggestedPlace(file=file, symbol=named[0])
    if files:
        return SuggestedPlace(file=files[0])
    return next((SuggestedPlace(file=place.file, symbol=place.symbol) for place in _match(request, symbols)), _NOWHERE)


_NOWHERE = SuggestedPlace()


def _match(request: PlaceRequest, symbols: set[str]) -> Sequence[Place]:
    return [place for place in request.places if place.symbol and not symbols.isdisjoint(place.symbol.split("."))]


def _find_file(name: str, paths: Collection[str]) -> str:
    if path := resolve_path(name, paths):
        return path
    if not name:
        raise FatalError("--place names no file: write it as FILE:FUNCTION.")
    ending = [path for path in paths if path.endswith(f"/{name.removeprefix('./')}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise FatalError(f"There are several files {name}: name one of {join_words(ending)}.")
    raise FatalError(f"There is no file {name} at the base of the run: correct {_FORM}.")


async def _list_symbols(request: PlaceRequest, objects: GitObjects, path: str) -> list[str]:
    """Return the functions and classes of a file; for templates, those that they can change."""
    language = find_language(path)
    if language is None:
        raise FatalError(f"{path} is in no language whose functions are known: name another file by {_FORM}.")
    text = await objects.read(request.snapshot, request.checkpoint, path)
    if text is None:
        raise FatalError(f"{path} cannot be read as text: name another file by {_FORM}.")
    if request.templates and language.has_templates:
        source = await asyncio.to_thread(Source.parse, path, text)
        return [region.symbol for region in list_regions(source) if region.node is not None] if source else []
    definitions = await asyncio.to_thread(language.list_definitions, text)
    return [definition.name for definition in definitions if definition.kind != "variable"]


def _choose_symbol(symbol: str, path: str, names: Sequence[str]) -> str:
    if not symbol:
        return ""
    matches = [name for name in dict.fromkeys(names) if name == symbol]
    matches = matches or [name for name in dict.fromkeys(names) if name.endswith(f".{symbol}")]
    if len(matches) == 1 and len(matches[0]) <= NAME_CHARACTERS:
        return matches[0]
    if matches:
        raise FatalError(f"{path} has several {symbol}: name one of {join_words(list(matches))}.")
    known = f", but {join_words(list(dict.fromkeys(names)))}" if names else ""
    raise FatalError(f"{path} has no function or class {symbol}{known}: correct {_FORM}.")


def _check_for_templates(request: PlaceRequest, place: SuggestedPlace) -> None:
    language = find_language(place.file) if place.file else None
    if place.file and (language is None or not language.has_templates):
        raise FatalError(f"{place.file} is not Python, which is all that repair templates know: choose a model.")
    if not place.symbol:
        likely = next((f", such as --place {p.file}:{p.symbol}" for p in request.places if p.symbol), "")
        raise FatalError(f"Repair templates need a function to change: name it by {_FORM}{likely}.")
