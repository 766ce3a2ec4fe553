"""The edit format "function": whole functions and classes, put in the place of those of the same name."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from activities.code.language import Definition, Fault, Language
from activities.code.languages import find_language
from activities.inference.edits.blocks import ELISION, Block, EditTarget, find_indentation, parse_blocks
from hydranet.errors import PatchError


@dataclass
class _File:
    """A source file, and by their place the definitions that take the place of its own."""

    source: str
    language: Language
    definitions: list[Definition] = field(default_factory=list)
    replaced: dict[Definition, list[str]] = field(default_factory=dict)
    members: dict[Definition, list[list[str]]] = field(default_factory=dict)
    helpers: list[list[str]] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    taken: bool = False

    @property
    def lines(self) -> list[str]:
        return self.source.split("\n")

    def text(self, definition: Definition) -> list[str]:
        return self.lines[definition.first - 1 : definition.last]


def apply(answer: str, sources: Mapping[str, str], target: EditTarget) -> dict[str, str] | None:
    """Return the files in which a function or class of the answer replaces one of the same name; None without any.

    No files when all of them are as they were.
    Decorators, docstring and indentation of the original stay unless the answer brings its own. New
    functions and imports come along when the replaced code uses them. When a name occurs in several
    places the target's symbols decide; PatchError when they do not, or when nothing has the name.
    """
    files = {
        path: _File(sources[path], language, language.list_definitions(sources[path]))
        for path in target.order(sources)
        if (language := find_language(path))
    }
    unknown: list[str] = []
    for block in parse_blocks(answer):
        unknown += _take(block, files, target)
    if any(file.taken for file in files.values()):
        return {path: _rebuilt(file) for path, file in files.items() if file.replaced or file.members}
    if unknown:
        raise PatchError(f"The answer defines {', '.join(unknown[:3])}, which is in none of the files shown.")
    for block in parse_blocks(answer):
        language = _choose_language(block, files)
        if language is not None and any(map(language.head.match, block.code.split("\n"))):
            raise _broken(textwrap.dedent(block.code), language)
    return None


def _choose_language(block: Block, files: dict[str, _File]) -> Language | None:
    """Return the language of the file that a block names, or else of the first file that it may change."""
    path = block.path(files)
    file = files[path] if path else next(iter(files.values()), None)
    return file.language if file else None


def _take(block: Block, files: dict[str, _File], target: EditTarget) -> list[str]:
    """Note what `block` replaces and return the names it defines that no file has."""
    code = textwrap.dedent(block.code.expandtabs(4))
    language = _choose_language(block, files)
    if language is None:
        return []
    defined = [definition for definition in language.read_answer(code) if definition.kind != "variable"]
    lines = code.split("\n")
    hint = block.path(files)
    unknown: list[Definition] = []
    home: _File | None = None
    for item in defined:
        if item.owner:
            continue
        text = lines[item.first - 1 : item.last]
        if language.is_torn(item, lines):
            raise _broken(code, language)
        place = _place(item, text, files, target, hint)
        if place is None:
            unknown.append(item)
            continue
        home, original = place
        home.taken = True
        members = [member for member in defined if member.owner == item.name and item.kind == "class"]
        if _is_partial(home, original, members):
            _take_members(home, original, members, lines)
        else:
            _put(home, original, _fitted(home, original, item, text))
    if home is not None:
        _take_company(home, code, unknown)
    return [item.name for item in unknown]


def _broken(code: str, language: Language) -> PatchError:
    problem = language.find_fault(code) or Fault(1, "no valid definition")
    line = code.split("\n")[problem.line - 1 : problem.line]
    return PatchError(f"Invalid syntax ({problem.message}) at: {''.join(line).strip()[:80]}")


def _place(
    wanted: Definition, text: list[str], files: dict[str, _File], target: EditTarget, hint: str | None
) -> tuple[_File, Definition] | None:
    everywhere = [
        (path, definition)
        for path, file in files.items()
        for definition in file.definitions
        if definition.own_name == wanted.own_name and definition.kind == wanted.kind
    ]
    hinted = [place for place in everywhere if place[0] == hint]
    aimed = [place for place in everywhere if place[0] in target.files]
    for tier in (
        [place for place in hinted if place[1].name in target.symbols],
        [place for place in aimed if place[1].name in target.symbols],
        hinted,
        aimed,
        everywhere,
    ):
        if tier:
            path = tier[0][0]
            same_file = [definition for where, definition in tier if where == path]
            if len(same_file) < len(tier):
                raise PatchError(f"{wanted.name} is defined in several files; the answer does not say which.")
            return files[path], _the_one(files[path], same_file, wanted, text)
    return None


def _the_one(home: _File, same_name: list[Definition], wanted: Definition, text: list[str]) -> Definition:
    """Of definitions of one name the one that is meant; a property and its setter differ by decorator."""
    decorators = [line.strip() for line in text[: wanted.start - wanted.first]]
    alike = [
        definition
        for definition in same_name
        if [line.strip() for line in home.lines[definition.first - 1 : definition.start - 1]] == decorators
    ]
    for candidates in (same_name, alike):
        if len(candidates) == 1:
            return candidates[0]
    raise PatchError(f"{wanted.name} is defined {len(same_name)} times; the answer does not say which it means.")


def _is_partial(home: _File, original: Definition, members: list[Definition]) -> bool:
    """Return whether an answer that gives a class leaves out some of its methods, which are to stay then."""
    given = {member.own_name for member in members}
    own = {
        definition.own_name
        for definition in home.definitions
        if definition.owner == original.name and definition.kind == "function"
    }
    return original.kind == "class" and bool(given) and not own <= given


def _take_members(home: _File, original: Definition, members: list[Definition], lines: list[str]) -> None:
    own = [definition for definition in home.definitions if definition.owner == original.name]
    for member in members:
        text = lines[member.first - 1 : member.last]
        same_name = [method for method in own if method.own_name == member.own_name]
        if same_name:
            place = _the_one(home, same_name, member, text)
            _put(home, place, _fitted(home, place, member, text))
        else:
            indent = find_indentation(home.lines[own[0].start - 1])
            home.members.setdefault(original, []).append(_indented(text, indent, home.source))


def _put(home: _File, original: Definition, text: list[str]) -> None:
    # A model often quotes the original before the new version, or repeats it after.
    if text != home.text(original):
        home.replaced[original] = text


def _fitted(home: _File, original: Definition, new: Definition, text: list[str]) -> list[str]:
    """`text` indented like the original, with its decorators and docstring where it has none itself."""
    if any(ELISION.match(line) for line in text) and not any(map(ELISION.match, home.text(original))):
        raise PatchError(f"The answer leaves out parts of {new.name}.")
    indent = find_indentation(home.lines[original.start - 1])
    fitted = _indented(text, indent, home.source)
    fitted[0] = home.language.keep_modifiers(home.lines[original.start - 1], fitted[0])
    body = new.body - new.first
    if original.docstring and not new.docstring and body > new.start - new.first:
        first, last = original.docstring
        fitted[body:body] = home.lines[first - 1 : last]
    if original.first < original.start and new.first == new.start:
        fitted[:0] = home.lines[original.first - 1 : original.start - 1]
    return fitted


def _take_company(home: _File, code: str, unknown: list[Definition]) -> None:
    """Take along the block's new functions and imports that the replaced code needs."""
    lines = code.split("\n")
    known = {definition.own_name for definition in home.definitions} | _imported(home)
    used = _names(home, [*home.replaced.values(), *(text for texts in home.members.values() for text in texts)])
    for helper in list(unknown):
        if helper.kind == "function" and helper.name in used:
            text = lines[helper.first - 1 : helper.last]
            home.helpers.append(_indented(text, "", home.source))
            used |= _names(home, [text])
            unknown.remove(helper)
    for needed in home.language.list_imports(code):
        line = home.language.find_import_line(needed, code)
        if line and needed.alias in used - known and line not in home.imports:
            home.imports.append(line)


def _imported(home: _File) -> set[str]:
    """Return the names that a file imports for all of its functions; an import within one may go with it."""
    functions = [definition for definition in home.definitions if definition.kind == "function"]
    imports = home.language.list_imports(home.source)
    return {item.alias for item in imports if not any(each.first <= item.line <= each.last for each in functions)}


def _names(home: _File, texts: Iterable[list[str]]) -> set[str]:
    names: set[str] = set()
    for text in texts:
        own = {item.alias for item in home.language.list_imports(textwrap.dedent("\n".join(text)))}
        names |= {name for line in text for name in re.findall(r"[A-Za-z_]\w*", line)} - own
    return names


def _indented(text: list[str], indent: str, source: str) -> list[str]:
    own = find_indentation(text[0])
    shifted = [line[len(own) :] if line.startswith(own) else line.lstrip() for line in text]
    if any(line.startswith("\t") for line in source.split("\n")):
        shifted = [_tabbed(line) for line in shifted]
    return [indent + line if line.strip() else "" for line in shifted]


def _tabbed(line: str) -> str:
    spaces = len(find_indentation(line))
    return "\t" * (spaces // 4) + " " * (spaces % 4) + line[spaces:]


def _rebuilt(file: _File) -> str:
    edits = [
        (definition.first - 1, definition.last, text)
        for definition, text in file.replaced.items()
        # What lies in a class that is replaced as a whole went with it.
        if not any(definition.name.startswith(f"{other.name}.") for other in file.replaced)
    ]
    for definition, texts in file.members.items():
        end = file.language.find_member_end(definition)
        edits.append((end, end, [line for text in texts for line in ("", *text)]))
    if file.helpers:
        top = _top_level(file)
        edits.append((top, top, [line for text in file.helpers for line in (*text, "", "")]))
    if file.imports:
        at = file.language.find_import_end(file.source)
        following = file.lines[at : at + 1]
        apart = (
            ["", ""]
            if following
            and following[0]
            and file.language.name == "Python"
            and not following[0].startswith(("import ", "from "))
            else []
        )
        edits.append((at, at, [*file.imports, *apart]))
    lines = file.lines
    for first, last, text in sorted(edits, key=lambda edit: (edit[0], edit[1]), reverse=True):
        lines[first:last] = text
    return "\n".join(lines)


def _top_level(file: _File) -> int:
    first = min(member.first for member in (*file.replaced, *file.members))
    enclosing = [
        definition.first
        for definition in file.definitions
        if not definition.owner and definition.first <= first <= definition.last
    ]
    return min([first, *enclosing]) - 1
