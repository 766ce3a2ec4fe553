"""An import leads to its file, wherever the sources of a repository are."""

import pytest

from activities.retrieval.imports import Modules

MODULES = Modules(
    [
        "src/shop/__init__.py",
        "src/shop/cart.py",
        "src/shop/tax/__init__.py",
        "src/shop/tax/rates.py",
        "lib/python/tools.py",
        "app.py",
        "tests/test_cart.py",
        "tests/helper.py",
        "pkg/__init__.py",
        "pkg/json.py",
        "README.md",
    ]
)


@pytest.mark.parametrize(
    ("module", "importer", "path"),
    [
        ("app", "tests/test_cart.py", "app.py"),
        ("shop", "tests/test_cart.py", "src/shop/__init__.py"),
        ("shop.cart", "tests/test_cart.py", "src/shop/cart.py"),
        ("shop.tax.rates", "app.py", "src/shop/tax/rates.py"),
        ("helper", "tests/test_cart.py", "tests/helper.py"),
        ("tools", "app.py", "lib/python/tools.py"),
        (".cart", "src/shop/__init__.py", "src/shop/cart.py"),
        (".", "src/shop/cart.py", "src/shop/__init__.py"),
        ("..cart", "src/shop/tax/rates.py", "src/shop/cart.py"),
        ("...", "src/shop/tax/rates.py", None),
        (".missing", "src/shop/cart.py", None),
        ("json", "app.py", None),
        ("os", "app.py", None),
        ("cart", "app.py", None),
        ("", "app.py", None),
        ("......far", "app.py", None),
    ],
)
def test_a_module_is_found_from_its_importer(module: str, importer: str, path: str | None) -> None:
    assert MODULES.find(module, importer) == path
