"""Aider's repository map beside our search: what it costs, and whether it shows the file that a fix changed.

    python -m venv AIDER && AIDER/bin/pip install aider-chat
    python -m benchmarks.aider_map --python AIDER/bin/python [--tree TREE] [--suite DIR]

Nothing of ours depends on Aider, which runs in an interpreter of its own. TREE is a plain folder, such as an unpacked
source release of Django: told are the wall seconds of its map, cold (without Aider's cache of tags), for another issue
in the same process, and in a new process with the cache; `indexing.py` and `retrieval_speed.py` tell ours. DIR is
a suite with gold files: told are, by the issue's text alone, the share of them that are in the map, and at which place
Aider ranks them. Both get the same files and the same budget of characters; the words and files that an issue mentions
are found by Aider's own code.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

ISSUES = (
    "QuerySet.update() ignores the order of a relation\n\nSee `django.db.models.query` and resolve_lookup_value.",
    "The admin changelist links to the wrong page\n\nIt comes from `ChangeList.get_results` in main.py.",
)
CHARACTERS_TO_A_TOKEN = 4

Placed = tuple[Mapping[str, int | None], float, float]
"""The place of each gold file, the share of them in the map, and the seconds that it took."""


class Model:
    """Counts tokens as our budget does; nobody asks it for more."""

    def token_count(self, text: str) -> float:
        """Four characters are one."""
        return len(text) / CHARACTERS_TO_A_TOKEN


class Chat:
    """What Aider's code asks a chat for that has no file added to it yet."""

    abs_read_only_fnames: frozenset[str] = frozenset()

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def get_all_relative_files(self) -> Sequence[str]:
        """The files of the repository."""
        return self._paths

    get_addable_relative_files = get_all_relative_files

    def get_inchat_relative_files(self) -> Sequence[str]:
        """No file."""
        return ()


def work(request: Mapping[str, Any]) -> dict[str, Any]:
    """In Aider's interpreter: for each issue, the seconds of the map, the files in it, and all files as ranked."""
    coder = import_module("aider.coders.base_coder").Coder
    root, paths = request["root"], request["paths"]
    io = import_module("aider.io").InputOutput(pretty=False, fancy_input=False)
    repo_map = import_module("aider.repomap").RepoMap(request["tokens"], root, Model(), io)
    chat, files, found = Chat(paths), [str(Path(root, path)) for path in paths], []
    for issue in request["issues"]:
        words = coder.get_ident_mentions(chat, issue)
        named = coder.get_file_mentions(chat, issue) | coder.get_ident_filename_matches(chat, words)
        began = time.perf_counter()
        text = repo_map.get_repo_map(set(), files, named, words) or ""
        seconds = time.perf_counter() - began
        lines = {line.rstrip(":") for line in text.splitlines()}
        told: dict[str, Any] = {"seconds": seconds, "characters": len(text), "shown": [p for p in paths if p in lines]}
        if request["ranks"]:
            told["ranked"] = list(dict.fromkeys(tag[0] for tag in repo_map.get_ranked_tags(set(), files, named, words)))
        found.append(told)
    return {"aider": import_module("aider").__version__, "found": found}


def ask(
    python: Path, root: Path, paths: Sequence[str], issues: Sequence[str], characters: int, ranks: bool
) -> dict[str, Any]:
    """What `work` says in the interpreter `python`."""
    request = {
        "root": str(root),
        "paths": paths,
        "issues": issues,
        "tokens": characters // CHARACTERS_TO_A_TOKEN,
        "ranks": ranks,
    }
    command = [str(python), __file__, "--work"]
    done = subprocess.run(command, input=json.dumps(request), stdout=subprocess.PIPE, text=True, check=True, cwd=root)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def speed(python: Path, tree: Path, characters: int) -> None:
    """Tell the seconds of the map of a tree."""
    from activities.retrieval.index import list_files

    paths = list(list_files(tree))
    first = ask(python, tree, paths, ISSUES, characters, ranks=False)
    again = ask(python, tree, paths, ISSUES[:1], characters, ranks=False)
    cold, other = (one["seconds"] for one in first["found"])
    print(f"Aider {first['aider']}, {len(paths)} files: {cold:.1f} s cold, {other:.1f} s for another issue,", end=" ")
    print(f"{again['found'][0]['seconds']:.1f} s in a new process")


def quality(python: Path, suite: Path, characters: int) -> None:
    """Tell what of the gold files the map shows, of all files and of those that are no tests, and Aider's ranks."""
    from activities.code.test_files import is_test_file
    from activities.retrieval.index import list_files
    from hydra_cli.bench.suite import build_tree, read_suite

    of_all: list[Placed] = []
    of_others: list[Placed] = []
    for instance in read_suite(suite, [])[1].values():
        with tempfile.TemporaryDirectory() as scratch:
            tree = build_tree(instance, Path(scratch) / "tree")
            paths = list(list_files(tree))
            others = [path for path in paths if not is_test_file(path)]
            for found, given in ((of_all, paths), (of_others, others)):
                answer = ask(python, tree, given, [instance.issue], characters, ranks=True)["found"][0]
                ranked = [path for path in answer["ranked"] if path in others]
                place = {path: ranked.index(path) + 1 if path in ranked else None for path in instance.gold_files}
                found.append((place, sum(path in answer["shown"] for path in place) / len(place), answer["seconds"]))
        told = "; without tests ".join(f"{_places(found[-1][0])} ({found[-1][1]:.0%})" for found in (of_all, of_others))
        print(f"{instance.id}: the places of the files (share in the map): {told}", flush=True)
    _tell("all files", of_all)
    _tell("without tests", of_others)


def _places(place: Mapping[str, int | None]) -> str:
    return ", ".join("-" if one is None else str(one) for one in place.values())


def _tell(name: str, found: Sequence[Placed]) -> None:
    from hydra_cli.bench.ranking import KEEP, estimate_share, measure_recall

    recalls = ", ".join(
        f"{keep}: {_told(estimate_share([measure_recall(place, keep) for place, _, _ in found]))}" for keep in KEEP
    )
    shown = _told(estimate_share([share_shown for _, share_shown, _ in found]))
    print(
        f"{name}: recall@{recalls}; in the map {shown}; median {median(seconds for *_, seconds in found):.1f} s a map"
    )


def _told(figure: Any) -> str:
    return f"{figure.mean:.1%} ({figure.low:.0%} to {figure.high:.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="an interpreter that has aider-chat")
    parser.add_argument("--tree", type=Path)
    parser.add_argument("--suite", type=Path)
    parser.add_argument("--characters", type=int, default=8000, help="the budget, by default that of our context")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        print(f"\n{json.dumps(work(json.load(sys.stdin)))}")
        return
    has_aider = "import sys, importlib.util as util; sys.exit(util.find_spec('aider') is None)"
    if subprocess.run([chosen.python, "-c", has_aider], check=False).returncode:
        print(
            f"Skipped: {chosen.python} has no Aider; install aider-chat into an environment and name it with --python."
        )
        return
    if chosen.tree is not None:
        with tempfile.TemporaryDirectory() as scratch:
            speed(
                chosen.python,
                Path(shutil.copytree(chosen.tree, Path(scratch) / "tree", symlinks=True)),
                chosen.characters,
            )
    if chosen.suite is not None:
        quality(chosen.python, chosen.suite, chosen.characters)


if __name__ == "__main__":
    main()
