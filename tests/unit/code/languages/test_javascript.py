"""Definitions, imports and syntax errors of JavaScript and TypeScript."""

import pytest

from activities.code.language import Language
from activities.code.languages import find_language
from activities.retrieval.languages import parse_file

CART = """\
#!/usr/bin/env node
import { rate, type Item } from "./tax";
import * as money from './money';
import log from "./log";
const { join, resolve: find } = require("path");

/** Holds items. */
export class Cart {
  private items: Item[] = [];

  constructor(private owner: string) {}

  total(): number {
    const inner = (item: Item) => item.price;
    return this.items.map(inner).reduce((a, b) => a + b, 0);
  }

  static of = (owner: string) => new Cart(owner);
}

export const half = (value: number): number => {
  return value / 2;
};

export default async function load(path: string) {
  function nested() {}
  return nested;
}

const LIMIT = 3;
export const routes = {
  list() {
    return [];
  },
  show: async (id: number) => id,
};
exports.legacy = function () {
  return LIMIT;
};
interface Shape {
  area(): number;
}
"""


def language(path: str) -> Language:
    found = find_language(path)
    assert found is not None
    return found


def test_definitions_have_the_lines_that_a_person_would_replace() -> None:
    assert [(each.name, each.kind, each.first, each.last) for each in language("a.ts").list_definitions(CART)] == [
        ("Cart", "class", 8, 19),
        ("Cart.constructor", "function", 11, 11),
        ("Cart.total", "function", 13, 16),
        ("Cart.of", "function", 18, 18),
        ("half", "function", 21, 23),
        ("load", "function", 25, 28),
        ("LIMIT", "variable", 30, 30),
        ("routes", "variable", 31, 36),
        ("list", "function", 32, 34),
        ("show", "function", 35, 35),
        ("legacy", "function", 37, 39),
        ("Shape", "class", 40, 42),
    ]


def test_the_index_and_the_edits_name_the_same_places() -> None:
    facts = parse_file("cart.ts", CART.encode())
    assert facts is not None
    indexed = {(each.name, each.first, each.last) for each in facts.definitions}
    editable = {(each.name, each.first, each.last) for each in language("a.ts").list_definitions(CART)}
    assert indexed <= editable


def test_imports_have_the_names_by_which_the_file_knows_them() -> None:
    assert [(each.module, each.name, each.alias) for each in language("a.ts").list_imports(CART)] == [
        ("./tax", "rate", "rate"),
        ("./tax", "Item", "Item"),
        ("./money", "", "money"),
        ("./log", "default", "log"),
        ("path", "join", "join"),
        ("path", "resolve", "find"),
    ]
    assert language("a.ts").find_import_end(CART) == 5


@pytest.mark.parametrize(
    ("path", "source", "line", "column", "message"),
    [
        ("a.ts", "function a() { return (1; }\n", 1, 25, "`)` is missing"),
        ("a.tsx", "const a = <p>{x)}</p>;\n", 1, 16, "unexpected `)`"),
        ("a.mjs", "const a = 1;\nconst = 2;\n", 2, 1, ""),
        ("a.js", "let a: number = 1;\n", 1, 5, ""),
        ("a.ts", "class A {\n  b() {\n    return 1;\n}\n", 4, 2, "`}` is missing"),
    ],
)
def test_a_syntax_error_has_its_exact_place(path: str, source: str, line: int, column: int, message: str) -> None:
    fault = language(path).find_fault(source)
    assert fault is not None
    assert (fault.line, fault.column) == (line, column)
    assert message in fault.message


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.tsx", "export const A = () => <ul>{items.map((i) => <li key={i}>{i}</li>)}</ul>;\n"),
        ("a.jsx", "const A = ({ b, ...rest }) => <B {...rest}>{b ?? 1}</B>;\n"),
        (
            "a.ts",
            "const a = <T,>(x: T): x is T => x satisfies unknown;\nabstract class B<T> { abstract c(): T }\n",
        ),
        (
            "a.mjs",
            "export * as x from './y.js';\nfor await (const z of q) { }\nclass A { #p = 1; static { } }\n",
        ),
        ("a.cjs", "module.exports = { a, b: c?.d?.(1) };\n"),
    ],
)
def test_valid_code_has_no_error(path: str, source: str) -> None:
    assert language(path).find_fault(source) is None


def test_comments_and_layout_are_no_change() -> None:
    typescript = language("a.ts")
    assert typescript.is_same_code("f(1) // one\n", "f(\n  1) /* the first */\n")
    assert not typescript.is_same_code("f('// one')\n", "f('// two')\n")
    assert not typescript.is_same_code("f(`a ${b} c`)\n", "f(`a ${b}  c`)\n")


def test_what_is_never_closed_is_shown_where_the_edit_begins() -> None:
    old = "import x from './x';\n\nexport const a = <p>{x}</p>;\n"
    fault = language("a.tsx").find_new_fault(old, old.replace("{x}", "{x"))
    assert fault is not None
    assert fault.line == 3
    assert language("a.tsx").find_new_fault("a b c (", "a b (") is None


def test_the_call_that_is_a_test_is_found() -> None:
    source = """\
describe("cart", () => {
  it("is empty", () => {
    expect(1).toBe(1);
  });
  test.skip(`is full`, () => {});
});
"""
    found = language("a.test.ts").find_test(source, "a.test.ts::cart > is empty")
    assert found is not None
    assert (found.first, found.last) == (2, 4)
    assert language("a.test.ts").find_test(source, "a.test.ts::cart > is full") is not None
    assert language("a.test.ts").find_test(source, "a.test.ts::cart > is missing") is None
