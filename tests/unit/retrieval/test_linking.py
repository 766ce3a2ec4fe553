"""The files of a repository hang together as Python and TypeScript say they do."""

import pytest

from hydranet.code_graph.model import EdgeKind, Resolution
from tests.unit.retrieval.trees import edges_of, pairs

CART = "class Cart:\n    def __init__(self): ...\n    def total(self): ...\n\ndef empty() -> Cart: ...\n"


def calls(tree: dict[str, str]) -> set[tuple[str, str]]:
    return pairs(tree, EdgeKind.CALLS)


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        ("import shop.cart", "src/shop/cart.py"),
        ("import shop.cart as c", "src/shop/cart.py"),
        ("from shop import cart", "src/shop/cart.py"),
        ("from shop.cart import Cart", "src/shop/cart.py"),
        ("from shop import *", "src/shop/__init__.py"),
        ("import space.inner", "src/space/inner.py"),
        ("from space import inner", "src/space/inner.py"),
        ("try:\n    import speedups\nexcept ImportError:\n    import shop.slow as speedups", "src/shop/slow.py"),
        ("if TYPE_CHECKING:\n    from shop.cart import Cart", "src/shop/cart.py"),
        ("def late():\n    from shop import cart", "src/shop/cart.py"),
        ("import native", "src/native.pyi"),
        ("import helper", "tests/helper.py"),
        ("from . import helper", "tests/helper.py"),
        ("from .helper import *", "tests/helper.py"),
    ],
)
def test_an_import_leads_to_its_file(statement: str, path: str) -> None:
    tree = {
        "src/shop/__init__.py": "",
        "src/shop/cart.py": CART,
        "src/shop/slow.py": "",
        "src/space/inner.py": "",
        "src/native.pyi": "def fast() -> int: ...",
        "tests/helper.py": "",
        "tests/test_cart.py": statement,
    }
    assert f"{path}::" in {target for _, target in pairs(tree, EdgeKind.IMPORTS)}


def test_what_is_not_of_the_repository_stays_unresolved() -> None:
    tree = {
        "a.py": "import json\nimport requests.adapters\nfrom yaml import load\n",
        "lib/json.py": "",
        "b/load.py": "",
    }
    assert {(edge.target, edge.resolution) for edge in edges_of(tree) if edge.kind is EdgeKind.IMPORTS} == {
        ("json", Resolution.UNRESOLVED),
        ("requests", Resolution.UNRESOLVED),
        ("requests.adapters", Resolution.UNRESOLVED),
        ("yaml.load", Resolution.UNRESOLVED),
    }


@pytest.mark.parametrize(
    "package",
    [
        "from .cart import Cart, empty",
        "from .cart import *",
        "from shop.cart import Cart as Cart, empty as empty",
        "from .middle import *",
        "try:\n    from .fast import Cart, empty\nexcept ImportError:\n    from .cart import Cart, empty",
    ],
)
def test_a_name_is_followed_through_re_exports(package: str) -> None:
    tree = {
        "shop/__init__.py": package,
        "shop/middle.py": "from .cart import Cart, empty",
        "shop/cart.py": CART,
        "app.py": "from shop import Cart, empty\nimport shop\n"
        "def go():\n    Cart()\n    empty()\ndef on():\n    shop.empty()\n",
    }
    assert calls(tree) == {
        ("app.py::go", "shop/cart.py::Cart"),
        ("app.py::go", "shop/cart.py::Cart.__init__"),
        ("app.py::go", "shop/cart.py::empty"),
        ("app.py::on", "shop/cart.py::empty"),
    }
    assert ("app.py::", "shop/cart.py::Cart") in pairs(tree, EdgeKind.IMPORTS)


def test_a_star_brings_what_all_says() -> None:
    tree = {
        "a.py": "__all__ = ['_open']\ndef _open(): ...\ndef hidden(): ...\n",
        "b.py": "from a import *\ndef go():\n    _open()\n    hidden()\n",
    }
    assert calls(tree) == {("b.py::go", "a.py::_open")}


@pytest.mark.parametrize(
    "body",
    [
        "def go(cart: Cart):\n    cart.total()",
        "def go(cart: 'Cart'):\n    cart.total()",
        "def go(cart: Optional[Cart] = None):\n    cart.total()",
        "def go(cart: Cart | None):\n    cart.total()",
        "def go(carts: list[Cart]):\n    carts[0].total()",
        "def go(carts: Iterable[Cart]):\n    for cart in carts:\n        cart.total()",
        "def go(carts: dict[str, Cart]):\n    for _, cart in carts.items():\n        cart.total()",
        "def go(carts: dict[str, Cart]):\n    carts.get('x').total()",
        "def go(*carts: Cart):\n    [cart.total() for cart in carts]",
        "def go():\n    cart = Cart()\n    cart.total()",
        "def go():\n    Cart().total()",
        "def go():\n    cart = other = empty()\n    other.total()",
        "def go(x):\n    cart = x or Cart()\n    cart.total()",
        "def go():\n    if (cart := empty()):\n        cart.total()",
        "async def go():\n    cart = await empty()\n    cart.total()",
        "def go(x):\n    if isinstance(x, Cart):\n        x.total()",
        "def go(x):\n    y = cast('Cart', x)\n    y.total()",
        "def go():\n    def inner():\n        cart.total()\n    cart = Cart()\n    inner()",
        "def go():\n    for cart in [Cart()]:\n        cart.total()",
        "MADE = Cart()\ndef go():\n    MADE.total()",
        "def made():\n    return Cart()\ndef go():\n    made().total()",
        "@contextmanager\ndef opened():\n    yield Cart()\ndef go():\n    with opened() as cart:\n        cart.total()",
        "class Box:\n    cart: Cart\ndef go(box: Box):\n    box.cart.total()",
        "class Box:\n    def __init__(self, cart: Cart):\n        self.cart = cart\ndef go():\n    Box(1).cart.total()",
        "class Box:\n    @property\n    def cart(self) -> Cart: ...\ndef go(box: Box):\n    box.cart.total()",
        "class Box:\n    def __enter__(self): return Cart()\ndef go():\n    with Box() as cart:\n        cart.total()",
        "class Box:\n    def __iter__(self): yield Cart()\ndef go(x: Box):\n    for cart in x:\n        cart.total()",
        "class Box(Cart):\n    def chained(self): return self\ndef go():\n    Box().chained().total()",
        "class Box(Cart):\n    def itself(self) -> Self: ...\ndef go():\n    Box().itself().total()",
        "T = TypeVar('T', bound=Cart)\ndef go(cart: T):\n    cart.total()",
        "Some = Union[Cart, int]\ndef go(cart: Some):\n    cart.total()",
        "def go(kind: type[Cart]):\n    kind().total()",
    ],
)
def test_a_method_is_found_by_the_type_of_its_value(body: str) -> None:
    tree = {
        "shop.py": CART,
        "other.py": "class Other:\n    def total(self): ...\n",
        "app.py": f"from shop import Cart, empty\n{body}\n",
    }
    assert {target for source, target in calls(tree) if source == "app.py::go" and target.endswith("total")} == {
        "shop.py::Cart.total"
    }


def test_self_cls_and_super_are_looked_up_along_the_bases() -> None:
    tree = {
        "base.py": """
            class Base:
                def __init__(self): ...
                def ready(self): ...
                @classmethod
                def make(cls): return cls()
            class Mixin:
                def ready(self): ...
            """,
        "app.py": """
            import base
            class App(base.Mixin, base.Base):
                def __init__(self):
                    super().__init__()
                    self.ready()
                def ready(self):
                    return super().ready()
                @classmethod
                def build(cls):
                    cls.make().ready()
            """,
    }
    assert calls(tree) == {
        ("app.py::App.__init__", "base.py::Base.__init__"),
        ("app.py::App.__init__", "app.py::App.ready"),
        ("app.py::App.ready", "base.py::Mixin.ready"),
        ("app.py::App.build", "base.py::Base.make"),
        ("app.py::App.build", "app.py::App.ready"),
        ("base.py::Base.make", "base.py::Base"),
        ("base.py::Base.make", "base.py::Base.__init__"),
    }
    assert pairs(tree, EdgeKind.INHERITS) == {("app.py::App", "base.py::Mixin"), ("app.py::App", "base.py::Base")}
    assert pairs(tree, EdgeKind.OVERRIDES) == {
        ("app.py::App.__init__", "base.py::Base.__init__"),
        ("app.py::App.ready", "base.py::Mixin.ready"),
    }


def test_methods_of_one_name_are_never_merged() -> None:
    tree = {
        "a.py": "class A:\n    def run(self): self.step()\n    def step(self): ...\n",
        "b.py": "class B:\n    def run(self): self.step()\n    def step(self): ...\n",
    }
    assert calls(tree) == {("a.py::A.run", "a.py::A.step"), ("b.py::B.run", "b.py::B.step")}


def test_a_value_from_outside_is_not_matched_by_its_last_name() -> None:
    tree = {
        "a.py": "class A:\n    def send(self): ...\n",
        "b.py": "import requests\ndef go():\n    requests.Session().send()\n    'x'.send()\n    open('x').send()\n",
    }
    assert calls(tree) == set()


def test_a_name_that_few_bear_is_matched_with_doubt() -> None:
    tree = {
        "a.py": "class A:\n    def settle(self): ...\n    def get(self): ...\n",
        "b.py": "def go(x):\n    x.settle()\n    x.get()\n",
    }
    (edge,) = [edge for edge in edges_of(tree) if edge.kind is EdgeKind.CALLS and "::" in edge.target]
    assert (edge.target, edge.resolution, edge.line) == ("a.py::A.settle", Resolution.NAME, 2)
    assert edge.confidence < 0.7


def test_what_is_not_found_keeps_its_bare_name() -> None:
    (edge,) = [edge for edge in edges_of({"a.py": "def go(x):\n    x.y.vanish()\n"}) if edge.kind is EdgeKind.CALLS]
    assert (edge.target, edge.resolution, edge.confidence) == ("vanish", Resolution.UNRESOLVED, 0)


def test_decorators_properties_and_names_are_used() -> None:
    tree = {
        "deco.py": "LIMIT = 3\ndef cached(f): ...\ndef marked(x): ...\n",
        "app.py": """
            import deco
            from deco import cached
            class App:
                @property
                def size(self): ...
                @cached
                @deco.marked("x")
                def go(self):
                    return self.size + deco.LIMIT
            """,
    }
    assert pairs(tree, EdgeKind.DECORATES) == {
        ("app.py::App.go", "deco.py::cached"),
        ("app.py::App.go", "deco.py::marked"),
    }
    references = pairs(tree, EdgeKind.REFERENCES)
    assert {("app.py::App.go", "app.py::App.size"), ("app.py::App.go", "deco.py::<block>")} <= references


def test_a_stub_tells_what_its_module_does_not() -> None:
    tree = {
        "shop.py": "class Cart:\n    def total(self): ...\ndef make(x): return x\n",
        "shop.pyi": "class Cart:\n    def total(self) -> int: ...\ndef make(x) -> Cart: ...\n",
        "app.py": "from shop import make\ndef go():\n    make(1).total()\n",
    }
    assert ("app.py::go", "shop.py::Cart.total") in calls(tree)


def test_a_test_exercises_what_it_its_helpers_and_its_fixtures_call() -> None:
    tree = {
        "src/shop/__init__.py": "",
        "src/shop/cart.py": CART,
        "tests/conftest.py": "from shop.cart import Cart\n@pytest.fixture\ndef cart():\n    yield Cart()\n",
        "tests/test_cart.py": """
            from shop.cart import Cart, empty
            def helper():
                return empty()
            def test_total(cart):
                cart.total()
            def test_empty():
                helper()
            class TestCart:
                def setUp(self):
                    self.cart = Cart()
                def test_it(self):
                    self.cart.total()
            """,
    }
    found = pairs(tree, EdgeKind.TESTS)
    cart, test = "src/shop/cart.py", "tests/test_cart.py"
    assert found == {
        (f"{test}::", f"{cart}::"),
        (f"{test}::test_total", f"{cart}::Cart.total"),
        (f"{test}::test_empty", f"{cart}::empty"),
        (f"{test}::TestCart.test_it", f"{cart}::Cart"),
        (f"{test}::TestCart.test_it", f"{cart}::Cart.__init__"),
        (f"{test}::TestCart.test_it", f"{cart}::Cart.total"),
    }
    assert (f"{test}::test_total", "tests/conftest.py::cart") in pairs(tree, EdgeKind.REFERENCES)


@pytest.mark.parametrize(
    ("definition", "use"),
    [
        ("@register('csv-file')\ndef write(): ...", "def go(): return make('csv-file')"),
        ("def write(): ...\nWRITERS = {'csv-file': write}", "def go(): return WRITERS['csv-file']"),
        (
            "class write:\n    __tablename__ = 'invoices'",
            "def go(db): db.execute('SELECT * FROM invoices WHERE id = 1')",
        ),
        ("class write:\n    class Meta:\n        db_table = 'invoices'", "def go(x): return x['invoices']"),
    ],
)
def test_a_key_leads_to_what_it_stands_for(definition: str, use: str) -> None:
    edges = edges_of({"a.py": definition, "b.py": use})
    assert [(edge.target, edge.source) for edge in edges if edge.resolution is Resolution.LITERAL] == [
        ("a.py::write", "b.py::go")
    ]


@pytest.mark.parametrize(
    "client",
    [
        "import requests\ndef go():\n    requests.get('http://shop.test/api/carts/7?full=1')\n",
        "def go(client, id):\n    client.get(f'/api/carts/{id}')\n",
        "import httpx\ndef go(base, id):\n    httpx.request('GET', f'{base}/api/carts/{id}')\n",
    ],
)
@pytest.mark.parametrize(
    "server",
    [
        "@app.get('/api/carts/{cart}')\nasync def read(cart): ...\n",
        "@app.route('/api/carts/<int:cart>', methods=['GET', 'PUT'])\ndef read(cart): ...\n",
        "def read(request): ...\nurlpatterns = [path('api/carts/<int:cart>', read, name='cart')]\n",
        "@blueprint.route('/carts/<cart>')\ndef read(cart): ...\n",
    ],
)
def test_a_request_leads_to_what_serves_it(client: str, server: str) -> None:
    tree = {"client.py": client, "server.py": server, "other.py": "@app.post('/api/carts/{cart}')\ndef write(): ...\n"}
    assert pairs(tree, EdgeKind.REQUESTS) == {("client.py::go", "server.py::read")}


def test_typescript_hangs_together_and_reaches_a_python_route() -> None:
    tree = {
        "web/cart.tsx": """
            import { Item, price as cost } from './items';
            import * as util from './util';
            import View from './view';
            export class Cart extends util.Base {
              items: Item[] = [];
              total() { return this.sum(this.items[0].name()); }
              sum = (names: string) => { return cost(names); }
            }
            export const load = async (id: string) => {
              await fetch(`/api/carts/${id}`);
              return new Cart();
            };
            function Page() { return <View onClick={() => load("1")}/>; }
            """,
        "web/items.ts": "export class Item { name() { return 'x'; } }\nexport function price(i: string) { }\n",
        "web/util/index.ts": "export * from './base';\n",
        "web/util/base.ts": "export class Base { close() { } }\n",
        "web/view.tsx": "/** A row. */\nexport default function Row() { return <div/>; }\n",
        "api.py": "@app.get('/api/carts/{cart}')\ndef read(cart): ...\n",
    }
    assert calls(tree) == {
        ("web/cart.tsx::Cart.total", "web/cart.tsx::Cart.sum"),
        ("web/cart.tsx::Cart.total", "web/items.ts::Item.name"),
        ("web/cart.tsx::Cart.sum", "web/items.ts::price"),
        ("web/cart.tsx::load", "web/cart.tsx::Cart"),
        ("web/cart.tsx::Page", "web/view.tsx::Row"),
        ("web/cart.tsx::Page", "web/cart.tsx::load"),
    }
    assert pairs(tree, EdgeKind.INHERITS) == {("web/cart.tsx::Cart", "web/util/base.ts::Base")}
    assert pairs(tree, EdgeKind.REQUESTS) == {("web/cart.tsx::load", "api.py::read")}
    assert ("web/cart.tsx::", "web/util/index.ts::") in pairs(tree, EdgeKind.IMPORTS)


def test_each_test_of_a_script_has_what_it_calls() -> None:
    tree = {
        "src/money.ts": "export function parse(t: string) { return show(0); }\nexport function show(c: number) { }\n",
        "test/money.test.ts": """
            import { parse, show } from "../src/money";
            const zero = () => show(0);
            describe("money", () => {
              const given = "1.5";
              beforeEach(() => { show(1); });
              it("is read: #1, e.g. 1.5", async () => { parse(given); });
              test.each([1, 2])("is shown", { timeout: 9 }, (cents) => { show(cents); zero(); });
            });
            test("is shown", function () { parse("2"); }, 500);
            test("is to be done");
            test(name, () => { parse("3"); });
            """,
    }
    money, tests = "src/money.ts::", "test/money.test.ts::"
    assert calls(tree) == {
        (f"{money}parse", f"{money}show"),
        (f"{tests}zero", f"{money}show"),
        (f"{tests}is read 1, e g 1 5", f"{money}parse"),
        (f"{tests}is shown#2", f"{money}show"),
        (f"{tests}is shown#2", f"{tests}zero"),
        (f"{tests}is shown", f"{money}parse"),
        (f"{tests}<block>", f"{money}show"),
        (f"{tests}<block>", f"{money}parse"),
    }
