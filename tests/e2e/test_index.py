"""The commands on the code graph of a small repository, as a user goes from one to the next."""

import json
from pathlib import Path

from tests.e2e.conftest import Hydra, git, repository
from tests.e2e.test_bad_input import refused

FILES = {
    "shop/__init__.py": "",
    "shop/db.py": "def resolve_user(name):\n    return name\n",
    "shop/auth.py": "from shop.db import resolve_user\n\n\ndef login(name):\n    return resolve_user(name)\n",
    "shop/schema.py": "# @generated\nTABLES = 1\n",
    "node_modules/left/pad.py": "x = 1\n",
    "notes.txt": "x\n",
}


def test_a_repository_is_indexed_and_looked_at(hydra: Hydra, tmp_path: Path) -> None:
    root = repository(tmp_path / "r", FILES)
    refused(hydra, "is not indexed: run `hydra index --repo", "index-status", "--repo", root)

    first = hydra("index", "--repo", root)
    assert first.returncode == 0, first.stderr
    assert "3 files, " in first.stdout
    assert " 3 linked, " in first.stdout
    assert "1 generated" in first.stdout
    assert "1 vendored" in first.stdout

    (root / "shop/db.py").write_text(FILES["shop/db.py"].replace("return name", "return None"))
    again = hydra("index", "--repo", root)
    assert "Nothing changed: 3 files" in again.stdout
    assert "uncommitted changes are not in the index" in again.stdout

    git(root, "commit", "-q", "-a", "-m", "change")
    assert "Stale     1 files: shop/db.py" in hydra("index-status", "--repo", root).stdout
    assert "1 parsed, 1 linked" in hydra("index", "--repo", root).stdout

    tree = hydra("ast-graph", "--repo", root, "--file", "auth.py").stdout
    assert "login" in tree
    assert "shop/db.py::resolve_user" in tree
    path = hydra("path", "--repo", root, "login", "resolve_user").stdout
    assert path.strip() == "shop/auth.py:5 login → calls resolve_user → shop/db.py"
    refused(hydra, "did you mean shop/auth.py::login", "path", "--repo", root, "logn", "resolve_user")

    nothing = hydra("retrieve", "--repo", root, "--query", "zeppelin", "--mode", "bm25", "--json")
    assert nothing.returncode == 1, nothing.stderr
    assert [json.loads(nothing.stdout)[name] for name in ("files", "functions")] == [[], []]
