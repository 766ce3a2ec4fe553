"""The search: order, batches and distinct programs."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.localisation.ranking import Suspect
from activities.localisation.regions import list_regions
from activities.localisation.source import Source
from activities.localisation.vocabulary import Vocabulary
from activities.repair.canonical import canonicalise
from activities.repair.families import (
    CONDITION,
    FAMILIES,
    FLOW,
    GUARD,
    OPERAND,
    STATEMENT,
    TEMPLATES,
    Family,
    FamilyGroup,
    group_families,
    weigh_family,
)
from activities.repair.limits import limit
from activities.repair.scope import NamesInScope
from activities.repair.search import BATCH, RepairSearch
from activities.repair.site import list_sites
from activities.repair.wrapping import convert
from hydranet.convergence.error_signature import ErrorClass
from hydranet.run_settings import ConvergenceSettings

CODE = """def merge(left, right):
    result = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            result.append(left[i])
            i += 1
        else:
            result.append(right[j])
            j += 1
    result.extend(left[i:] or right[j:])
    return result
"""

SPANS = """def merge(spans):
    result = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return result
"""

MAX_CHANGES = 300


def group_alone(family: Family) -> FamilyGroup:
    """Return a group of one family."""
    return FamilyGroup(family.name, ((family, 1.0),), max_changes=MAX_CHANGES)


def search(
    code: str, given: Family | FamilyGroup, lines: dict[int, float] | None = None, quoted: str = ""
) -> RepairSearch:
    source = Source.parse("a.py", code)
    assert source is not None
    region = list_regions(source)[-1]
    scores = {statement: lines.get(statement.first_line, 0.0) if lines else 1.0 for statement in region.statements}
    group = given if isinstance(given, FamilyGroup) else group_alone(given)
    return RepairSearch(Suspect(region, 1.0, scores, ()), group, Vocabulary(quoted_names=frozenset(quoted.split())))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_no_program_comes_paired(family: Family) -> None:
    repairs = search(CODE, family)
    programs = [canonicalise(ast.parse(change.text)) for change in repairs.list_changes(0, MAX_CHANGES)]
    assert len(set(programs)) == len(programs) > 0
    assert canonicalise(ast.parse(CODE)) not in programs


def test_batches_follow_each_other_and_end() -> None:
    repairs = search(CODE, OPERAND)
    first, second = repairs.list_changes(0), repairs.list_changes(BATCH)
    assert len(first) == BATCH
    assert not set(first) & set(second)
    assert repairs.list_changes(BATCH - 1, 2) == [first[-1], second[0]]
    changes = repairs.list_changes(0, MAX_CHANGES)
    assert changes[: 2 * BATCH] == [*first, *second]
    assert repairs.list_changes(len(changes)) == []


def test_a_strategy_ends_with_its_likeliest_changes() -> None:
    repairs = search("\n".join(["def f(a, b, c, d):", *[f"    x{n} = a + b * c - d" for n in range(30)], ""]), OPERAND)
    assert len(repairs.list_changes(0, 2 * MAX_CHANGES)) == MAX_CHANGES
    assert repairs.list_changes(MAX_CHANGES) == []


def test_where_changes_are_unlikely_something_is_left_when_the_reaper_sees_a_circle() -> None:
    *likely, less_likely, paired = group_families()
    assert {group.max_changes for group in likely} == {BATCH}
    repairs = search(
        "\n".join(["def f(a, b, c, d):", *[f"    x{n} = a + b * c - d" for n in range(30)], ""]), less_likely
    )
    seen_circling = ConvergenceSettings().window * BATCH
    assert repairs.list_changes(seen_circling)
    assert paired.max_changes > seen_circling


def test_a_group_tries_the_likeliest_edits_of_its_families_first() -> None:
    expression = group_families()[0]
    changes = search(SPANS, expression).list_changes(0, MAX_CHANGES)
    assert len(changes) == expression.max_changes
    ranks = [changes.index(search(SPANS, family).list_changes(0, 1)[0]) for family, _ in expression.families]
    assert ranks[0] == 0
    assert max(ranks) < len(changes)


def test_a_missing_limit_is_among_the_first_hundred_of_a_short_function() -> None:
    titles = [change.title for change in search(SPANS, group_families()[0]).list_changes(0, BATCH)]
    assert "line 5: result[-1] = (result[-1][0], end) → result[-1] = (result[-1][0], max(end, result[-1][1]))" in titles


@pytest.mark.parametrize(
    ("parameter", "change"), [("name: str", "if not name:"), ("count", "if count < 0:"), ("size", "if size is None:")]
)
def test_an_argument_is_refused_where_a_test_waits_for_an_exception(parameter: str, change: str) -> None:
    code, name = f"def f({parameter}):\n    return [{parameter.partition(':')[0]}]\n", parameter.partition(":")[0]
    refused = code.replace("    return", f'    {change}\n        raise ValueError(f"{{{name}=}}")\n    return')
    assert refused in [given.text for given in search(code, GUARD, quoted="ValueError").list_changes(0)]
    assert not any("raise" in given.text for given in search(code, GUARD, quoted="name").list_changes(0))


def test_another_object_is_likelier_where_it_has_none_of_the_attribute() -> None:
    code = "class A:\n    def f(self, schema):\n        self.root = schema\n        return self.root.g(schema.opts)\n"
    wanted = code.replace("schema.opts", "self.root.opts")
    assert wanted in [given.text for given in search(code, OPERAND, quoted="opts").list_changes(0)]
    assert wanted not in [given.text for given in search(code, OPERAND).list_changes(0)]


@pytest.mark.parametrize("code", [CODE, SPANS])
def test_conversions_and_limits_are_few_beside_other_edits(code: str) -> None:
    source = Source.parse("a.py", code)
    assert source is not None
    region = list_regions(source)[-1]
    scope = NamesInScope(region, Vocabulary())
    sites = [site for statement in region.statements for site in list_sites(scope, statement)]
    counts = {template: sum(len([*template(site)]) for site in sites) for template in TEMPLATES}
    assert 0 < counts[limit] + counts[convert] < 0.02 * sum(counts.values())


def test_the_most_suspicious_statement_comes_first_and_an_unexecuted_one_never() -> None:
    repairs = search(CODE, CONDITION, {4: 0.2, 5: 1.0})
    titles = [change.title for change in repairs.list_changes(0, 2 * BATCH)]
    assert titles[0].startswith("line 5: if left[i] <= right[j]: → if left[i] < right[j]:")
    assert {title.split(":")[0] for title in titles} == {"line 4", "line 5"}


def test_an_edit_of_a_name_quoted_in_the_error_comes_earlier() -> None:
    def rank(quoted: str) -> int:
        repairs = search("def f(a, b):\n    c = a + b\n    return g(c, b, a)\n", OPERAND, quoted=quoted)
        return [change.title for change in repairs.list_changes(0)].index(
            "line 3: return g(c, b, a) → return g(c, c, a)"
        )

    assert rank("b") < rank("")


def test_titles_show_the_changed_lines() -> None:
    titles = [change.title for change in search("def f(a, b):\n    a.pop()\n    return a\n", STATEMENT).list_changes(0)]
    assert "line 2: remove a.pop()" in titles
    assert any(title.startswith("line 2: insert ") for title in titles)


def test_the_title_of_a_long_line_shows_the_part_that_changes() -> None:
    code = f"def f(a):\n    return g(a, {'a * ' * 20}a) - a\n"
    titles = [change.title for change in search(code, OPERAND).list_changes(0)]
    assert "line 2: … * a * a * a * a) - a → … * a * a * a * a) + a" in titles
    titles = [
        change.title for change in search(f"def f(a):\n    return a - g(a, {'a * ' * 20}a)\n", OPERAND).list_changes(0)
    ]
    assert "line 2: return a - g(a, a * a * a * … → return a + g(a, a * a * a * …" in titles


def test_the_order_is_the_same_in_another_process() -> None:
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from activities.repair.families import FAMILIES, FamilyGroup\n"
        "from activities.localisation.ranking import Suspect\n"
        "from activities.localisation.regions import list_regions\n"
        "from activities.repair.search import RepairSearch\n"
        "from activities.localisation.source import Source\n"
        "from activities.localisation.vocabulary import Vocabulary\n"
        f"region = list_regions(Source.parse('a.py', {CODE!r}))[-1]\n"
        "suspect = Suspect(region, 1.0, dict.fromkeys(region.statements, 1.0), ())\n"
        "for family in FAMILIES:\n"
        "    group = FamilyGroup(family.name, ((family, 1.0),))\n"
        "    for change in RepairSearch(suspect, group, Vocabulary()).list_changes(0): print(change.title)\n"
    )
    root = Path(__file__).parents[3]

    def run(seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            cwd=root,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode()

    output = run("1")
    assert output.count("\n") > 5 * BATCH
    assert run("2") == output


def test_families_are_ranked_by_the_error() -> None:
    def rank(error: str, error_class: ErrorClass = ErrorClass.RUNTIME) -> list[str]:
        return [f.name for f in sorted(FAMILIES, key=lambda f: -weigh_family(f, error, error_class))]

    assert rank("AssertionError", ErrorClass.ASSERTION)[0] == "boundary or condition"
    assert rank("ZeroDivisionError")[0] == "missing guard or case"
    assert rank("NameError")[0] == "operand or variable"
    assert rank("", ErrorClass.TIMEOUT).index("missing or misplaced statement") < rank("").index(
        "missing or misplaced statement"
    )


def test_pairs_are_made_of_the_likeliest_single_edits() -> None:
    paired = group_families()[-1]
    assert paired.weight < min(group.weight for group in group_families()[:-1])
    code = "def f(rows, n):\n    for row in rows:\n        if rows[-1] > n:\n            rows.pop()\n    return rows\n"
    pairs = search(code, paired).list_changes(0, MAX_CHANGES)
    wanted = code.replace("if rows[-1] > n", "while rows[-1] >= n")
    assert wanted in [change.text for change in pairs]
    single = {
        change.text for group in group_families()[:2] for change in search(code, group).list_changes(0, MAX_CHANGES)
    }
    assert not single & {change.text for change in pairs[:50]}


def test_the_less_likely_group_excludes_the_changes_of_the_likely_ones() -> None:
    likely = {change for group in group_families()[:2] for change in search(CODE, group).list_changes(0, MAX_CHANGES)}
    rest = search(CODE, group_families()[2]).list_changes(0, MAX_CHANGES)
    assert rest
    assert not likely & set(rest)


def test_every_family_belongs_to_a_group_of_likely_changes_or_to_the_less_likely() -> None:
    first, second, rest, _ = group_families()
    likely = [family.name for group in (first, second) for family, _ in group.families]
    assert sorted([*likely, "uncommon change"]) == sorted(family.name for family, _ in rest.families)
    assert max(group_families("ZeroDivisionError"), key=lambda group: group.weight).name == "wrong or missing statement"


HOSTILE = [
    "def f(été, 变量):\n    'ü'\n    ñ = été  # ä\n    return ñ + 变量\n",
    "def f(a):\r\n    if a:\r\n        return 1\r\n    return a[0]\r\n",
    "def f(a):\n\tif a:\n\t\treturn 1\n\treturn a[0]\n",
    "def f(a): return a if a else (lambda x, *y, **z: x)(a)",
    "def f(a):\n    x = f'{a!r:>{len(a)}} {a + 1}'; return x",
    "def f(*a, b=1, **c):\n    return f(*a, b=b, **c)\n",
    "async def f(a):\n    async with a as b:\n        async for c in b:\n            await c\n",
    "async def f(a):\n    return [await d async for d in a if await d]\n",
    "def f(a):\n    match a:\n        case [1, *r] if r:\n            return r\n        case _:\n            pass\n",
    "def f(a):\n    match a:\n        case {'k': v, **kw} | A(v, k=kw):\n            return v\n",
    "def f(a):\n    x = '''\n  less indented\n'''\n    return x + a\n",
    "def f(a):\n    return a \\\n        + 1\n",
    "def f(a):\n    global g\n    g = a\n    del a\n    assert g, 'no'\n    raise\n",
    "class A(B, metaclass=C):\n    x: int = 1\n    __slots__ = ('a',)\n    if x:\n        y = x\n",
    "x = y = 1\nif x:\n    y += 1\nelif y:\n    x = 2\nelse:\n    x, (y, *z) = 1, (2, 3)\n",
    "@d(1)\n@e\ndef f(a, /, b, *, c):\n    return a\n",
    "def f(a):\n    try:\n        a()\n    except* (A, B) as e:\n        raise e from a\n    finally:\n        a()\n",
    "def f(a):\n    return a[1:2, ..., ::3][-1](b := a)\n",
    "def f(a):\n    while (a := next(a)) is not None: a = yield (yield from a); continue\n    else: return\n",
    "def f(a):\n    '''only a docstring'''\n",
    "def f(a):\n    return " + "(" * 60 + "a" + ")" * 60 + "\n",
    "def f(a):\n    return " + " + ".join(["a"] * 400) + "\n",
    "def f(a):\n    return " + ".b".join(["a"] * 300) + "\n",
    "def f(a):\n    return a == 0x" + "f" * 5000 + "\n",
    "def f(a):\n    a = 5e-324\n    return a * 1e309 * 1j\n",
    "def f(a):\n\x0c    return a == 1\n",
]


@pytest.mark.parametrize("code", HOSTILE, ids=range(len(HOSTILE)))
def test_unusual_code_gives_valid_candidates_or_none(code: str) -> None:
    source = Source.parse("a.py", code)
    if source is None:
        return
    for region in list_regions(source):
        suspect = Suspect(region, 1.0, dict.fromkeys(region.statements, 1.0), ())
        for family in FAMILIES:
            for change in RepairSearch(suspect, group_alone(family), Vocabulary()).list_changes(0):
                ast.parse(change.text)
                assert change.text != code


def test_line_ends_and_tabs_stay(repairs: Callable[..., list[str]]) -> None:
    code = "def f(a):\r\n\treturn a[0]\r\n"
    assert "def f(a):\r\n\tif not a:\r\n\t\treturn None\r\n\treturn a[0]\r\n" in repairs(code, GUARD)


def test_a_last_line_without_end_can_be_followed(repairs: Callable[..., list[str]]) -> None:
    assert "def f(a):\n    b = a\n    return b\n" in repairs("def f(a):\n    b = a", FLOW)
