"""Objects that are not what their ids say, dangerous names, and trees that are too large."""

import os
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from activities.checkpoints.commits import commit_diff
from activities.git.command import GitError
from activities.git.layout import make_bare
from activities.git.objects import GitObjects
from activities.git.packs import unbundle, unpack
from activities.git.reader import LARGEST, MissingObjectError, hash_object
from activities.git.trees import list_entries, read_blob, read_contents
from activities.git.user_repository import UserRepository
from hydra_cli.bench.suite import BugInstance, build_tree, check_out
from hydranet import patches
from hydranet.contracts import Checkpoint, Snapshot
from hydranet.errors import FatalError, PatchError
from tests.integration.git.repositories import FILES, SHA256, Story, git, make_repository

FORMATS = pytest.mark.parametrize("options", [(), SHA256], ids=["SHA-1", "SHA-256"])


def write_object(repository: Path, kind: str, content: bytes, oid: str = "") -> str:
    """Write a loose object without any check, by its own id or by another, and return that."""
    oid = oid or hash_object(kind, content, 40)
    path = repository / ".git" / "objects" / oid[:2] / oid[2:]
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(zlib.compress(f"{kind} {len(content)}\0".encode() + content))
    return oid


def write_tree(repository: Path, *rows: tuple[str, str, str]) -> str:
    """Write a tree of rows (mode, name, id), in their order."""
    content = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for mode, name, oid in rows)
    return write_object(repository, "tree", content)


def commit(repository: Path, tree: str, *parents: str) -> str:
    """Commit a tree at HEAD without looking into it."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"{role} T <t@localhost> 1 +0000" for role in ("author", "committer")]
    oid = write_object(repository, "commit", "\n".join([*lines, "", "x\n"]).encode())
    (repository / ".git" / "refs" / "heads" / "main").write_text(f"{oid}\n")
    return oid


@FORMATS
@pytest.mark.parametrize("name", ["HEAD:pkg/a.py", "HEAD:pkg", "HEAD^{tree}", "HEAD"])
@pytest.mark.parametrize("packed", [False, True])
async def test_a_forged_object_gets_into_no_pack_and_no_index(
    tmp_path: Path, options: tuple[str, ...], name: str, packed: bool
) -> None:
    repository = make_repository(tmp_path / "user", *options)
    oid = git(repository, "rev-parse", name)
    kind = git(repository, "cat-file", "-t", oid)
    before = git(repository, "cat-file", "blob", oid) if kind == "blob" else ""
    if packed:
        forge_in_pack(repository, oid)
    else:
        other = "HEAD^" + name.removeprefix("HEAD")
        content = b"x = 666\n" if kind == "blob" else read_raw(repository, kind, other)
        write_object(repository, kind, content, oid)
        assert not before or git(repository, "cat-file", "blob", oid) == "x = 666"
    story = Story(repository, tmp_path / "run")
    with pytest.raises(Exception, match=r"HEAD of .* cannot be read|check of objects refused them .see `git fsck`"):
        await story.take_snapshot()
    assert not (tmp_path / "run" / "artifacts").exists()
    with pytest.raises(GitError, match=r"damaged or forged.*git fsck|cannot be read"):
        await story.search()


def read_raw(repository: Path, kind: str, name: str) -> bytes:
    oid = git(repository, "rev-parse", name)
    data = zlib.decompress((repository / ".git" / "objects" / oid[:2] / oid[2:]).read_bytes())
    assert data.startswith(kind.encode())
    return data.partition(b"\0")[2]


def forge_in_pack(repository: Path, oid: str) -> None:
    """Make the pack's index give another object's place for `oid`."""
    git(repository, "repack", "-adq", "--depth=0", "--window=0")
    kind = git(repository, "cat-file", "-t", oid)
    others = git(repository, "cat-file", "--batch-all-objects", "--batch-check").splitlines()
    same = [row.split()[0] for row in others if row.split()[1] == kind and row.split()[0] != oid]
    index = next((repository / ".git" / "objects" / "pack").glob("*.idx"))
    index.chmod(0o644)
    data = bytearray(index.read_bytes())
    count = int.from_bytes(data[8 + 255 * 4 : 8 + 256 * 4])
    size = len(oid) // 2
    start = 8 + 256 * 4
    ids = [bytes(data[start + n * size : start + (n + 1) * size]).hex() for n in range(count)]
    offsets = start + count * (size + 4)
    wanted, other = ids.index(oid), ids.index(same[0])
    data[offsets + wanted * 4 : offsets + wanted * 4 + 4] = data[offsets + other * 4 : offsets + other * 4 + 4]
    index.write_bytes(data)


NAMES = [".git", ".GIT", ".Git", "git~1", "GIT~1", ".git ", ".git.", ".g\u200cit", "..", "."]
NAMES += ["a\\..\\.git\\x", ".git\\x", ".git::$INDEX_ALLOCATION"]


@pytest.mark.parametrize("name", NAMES)
async def test_dangerous_names_are_refused(tmp_path: Path, name: str) -> None:
    repository = make_repository(tmp_path / "user")
    base, blob, tree = git(repository, "rev-parse", "HEAD", "HEAD:README", "HEAD:pkg").split()
    commit(repository, write_tree(repository, *sorted([("100644", name, blob), ("40000", "pkg", tree)])), base)
    with pytest.raises(Exception, match=r"check of objects refused them.*(hasDot|Git)|damaged or forged"):
        await Story(repository, tmp_path / "run").take_snapshot()
    check_bundle(repository, base, tmp_path / "node")


@pytest.mark.parametrize(
    ("rows", "flaw"),
    [
        ([("100644", "a", "blob"), ("100644", "a", "blob")], "duplicateEntries"),
        ([("100644", "b", "blob"), ("100644", "a", "blob")], "treeNotSorted"),
        ([("100644", "a/b", "blob")], "fullPathname|damaged or forged"),
        ([("100644", "", "blob")], "emptyName|damaged or forged"),
        ([("100644", "a", "0" * 40)], "nullSha1|missing|not in the repository"),
        ([("120000", ".gitmodules", "blob")], "gitmodulesSymlink"),
    ],
)
async def test_damaged_trees_are_refused(tmp_path: Path, rows: list[tuple[str, str, str]], flaw: str) -> None:
    repository = make_repository(tmp_path / "user")
    base, blob = git(repository, "rev-parse", "HEAD", "HEAD:README").split()
    commit(repository, write_tree(repository, *((mode, name, oid.replace("blob", blob)) for mode, name, oid in rows)))
    with pytest.raises(Exception, match=flaw):
        await Story(repository, tmp_path / "run").take_snapshot()
    check_bundle(repository, base, tmp_path / "node")


def check_bundle(repository: Path, base: str, node: Path) -> None:
    """See that a node which has `base` does not take a bundle of HEAD, and keeps nothing of it."""
    names = git(repository, "rev-list", "--objects", "--no-walk", base)
    listed = (repository / ".git" / "objects").glob("??/*")
    ids = [path.parent.name + path.name for path in listed]
    head = git(repository, "rev-parse", "HEAD")
    unpack(node, base, pack(repository, [row.split()[0] for row in names.splitlines()]))
    thin = f"# v2 git bundle\n-{base} x\n{head} refs/bundles/{head}\n\n".encode() + pack(repository, ids)
    before = sorted(node.rglob("*"))
    with pytest.raises(GitError, match=r"check of objects refused|not the id"):
        unbundle(node, thin, head)
    assert [path for path in sorted(node.rglob("*")) if path not in before] == []


def pack(repository: Path, ids: list[str]) -> bytes:
    command = ["git", "pack-objects", "--stdout", "--quiet"]
    return subprocess.run(
        command, cwd=repository, input="\n".join([*ids, ""]).encode(), capture_output=True, check=True
    ).stdout


async def test_what_git_accepts_passes(tmp_path: Path) -> None:
    """Modes with a leading zero, as old programs wrote them, and a commit with broken names and dates."""
    repository = make_repository(tmp_path / "user")
    base, readme, tree = git(repository, "rev-parse", "HEAD", "HEAD:README", "HEAD:pkg").split()
    code = [(path[4:], git(repository, "rev-parse", f"HEAD:{path}")) for path in FILES if "/" in path]
    inner = write_tree(repository, *(("0100644", name, oid) for name, oid in code))
    top = write_tree(repository, ("100664", "README", readme), ("040000", "pkg", inner))
    assert tree != inner
    lines = [f"tree {top}", f"parent {base}", "author T t@localhost 01 +0000"]
    lines += ["committer T <t@localhost>  9999999999999999999 +99", ""]
    odd = write_object(repository, "commit", "\n".join([*lines, "nul\0\n"]).encode())
    (repository / ".git" / "refs" / "heads" / "main").write_text(f"{odd}\n")
    published = await Story(repository, tmp_path / "run").run()
    assert git(repository, "diff", "--name-only", f"{published}^", published) == "pkg/a.py"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".gitmodules", '[submodule "x"]\n\tpath = x\n\turl = -u\n'),
        (".gitmodules", '[submodule "../x"]\n\tpath = -x\n\turl = https://localhost/x\n\tupdate = !touch x\n'),
        (".gitattributes", "* text " * 4000),
    ],
)
async def test_what_the_repository_declares_passes_and_is_not_obeyed(tmp_path: Path, name: str, text: str) -> None:
    repository = make_repository(tmp_path / "user")
    (repository / name).write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "declared")
    published = await Story(repository, tmp_path / "run").run()
    assert git(repository, "diff", "--name-only", f"{published}^", published) == "pkg/a.py"


@pytest.mark.parametrize("rows", [["committer T <t@localhost> 1 +0000"], ["author T <t@localhost> 1 +0000"], []])
async def test_a_commit_of_nobody_passes(tmp_path: Path, rows: list[str]) -> None:
    repository = make_repository(tmp_path / "user")
    tree, base = git(repository, "rev-parse", "HEAD^{tree}", "HEAD").split()
    content = "\n".join([f"tree {tree}", f"parent {base}", *rows, "", "x\n"])
    (repository / ".git" / "refs" / "heads" / "main").write_text(
        write_object(repository, "commit", content.encode()) + "\n"
    )
    published = await Story(repository, tmp_path / "run").run()
    assert git(repository, "diff", "--name-only", f"{published}^", published) == "pkg/a.py"


async def test_a_patch_may_not_declare_a_dangerous_submodule(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "user")
    base = git(repository, "rev-parse", "HEAD")
    (repository / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = -u\n')
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "declared")
    check_bundle(repository, base, tmp_path / "node")


def grow(repository: Path) -> str:
    """Write a tree with a million files, in five objects."""
    tree = git(repository, "hash-object", "-w", "--stdin", stdin="x\n")
    mode = "100644"
    for _ in range(3):
        tree = write_tree(repository, *((mode, f"{n:02}", tree) for n in range(100)))
        mode = "40000"
    return commit(repository, tree)


def deepen(repository: Path) -> str:
    """Write a tree of 3,000 folders, one in the other."""
    tree = write_tree(repository, ("100644", "a", git(repository, "hash-object", "-w", "--stdin", stdin="x\n")))
    for _ in range(3000):
        tree = write_tree(repository, ("40000", "a", tree))
    return commit(repository, tree)


def inflate(repository: Path) -> str:
    """Write a tree with 5 GB in fifty files of the same zeros."""
    blob = git(repository, "hash-object", "-w", "--stdin", stdin=bytes(LARGEST))
    return commit(repository, write_tree(repository, *(("100644", f"{n:02}", blob) for n in range(50))))


@pytest.mark.parametrize(
    ("make", "sentence", "bytes_at_most"),
    [
        (grow, "has more than 200,000 files: take what is generated", 2_000),
        (deepen, "has a path of more than 4,096 characters", 1_000_000),
        (inflate, r"have 5\.0 GB, more than 4: take large ones out", 1_000_000),
    ],
)
async def test_a_tree_that_is_too_large_is_counted_and_not_written(
    tmp_path: Path, make: Callable[[Path], str], sentence: str, bytes_at_most: int
) -> None:
    repository = make_repository(tmp_path / "user")
    head = make(repository)
    story = Story(repository, tmp_path / "run")
    with pytest.raises(Exception, match=sentence):
        await story.take_snapshot()
    with pytest.raises(FatalError, match=sentence):
        await story.search()
    # A node that gets it nevertheless, as from an older worker.
    data = pack(repository, git(repository, "rev-list", "--objects", "--no-object-names", head).split())
    assert len(data) < bytes_at_most
    snapshot = Snapshot(commit=head, pack=await story.artifacts.put(data))
    objects = GitObjects(tmp_path / "node", story.artifacts)
    for work in (objects.checkout, objects.files):
        if make is inflate and work == objects.files:
            continue
        with pytest.raises(FatalError, match=sentence):
            await work(snapshot, Checkpoint(commit=head))
    assert not (tmp_path / "node" / "trees" / head).exists()


async def test_a_snapshot_that_names_a_path_is_refused(tmp_path: Path) -> None:
    story = Story(make_repository(tmp_path / "user"), tmp_path / "run")
    snapshot = await story.take_snapshot()
    for name in ("../../elsewhere", "--output=x", "HEAD", snapshot.commit[:12], snapshot.commit.upper()):
        forged = snapshot.model_copy(update={"commit": name})
        with pytest.raises(GitError, match="is not the id of a git object"):
            await story.objects.repository(forged)
        with pytest.raises(GitError, match="is not the id of a git object"):
            await story.objects.fetch(snapshot, Checkpoint(commit=name, bundle=snapshot.pack))


@FORMATS
def test_contents_are_read_in_their_order(tmp_path: Path, options: tuple[str, ...]) -> None:
    repository = make_repository(tmp_path / "user", *options)
    for number in range(1200):
        (repository / f"{number}.py").write_text(f"{number}\n" * number)
    (repository / "new\nline").write_text("two lines\n")
    (repository / os.fsdecode(b"\xff")).write_text("no UTF-8\n")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "many")
    with UserRepository.find(repository).open() as folder:
        entries = list_entries(folder, "HEAD")
        listing = git(repository, "ls-tree", "-r", "-l", "-z", "HEAD")
        rows = [row.split("\t") for row in listing.split("\0")[:-1]]
        assert sorted((path, meta.split()[2], int(meta.split()[3])) for meta, path in rows) == [
            (entry.path, entry.oid, entry.size) for entry in entries
        ]
        oids = [entry.oid for entry in reversed(entries)]
        contents = list(read_contents(folder, oids))
        assert [oid for oid, _ in contents] == oids
        assert dict(contents)[entries[3].oid] == (repository / entries[3].path).read_bytes()
        head = git(repository, "rev-parse", "HEAD")
        assert read_blob(folder, head, "new\nline") == "two lines\n"
        assert read_blob(folder, head, os.fsdecode(b"\xff")) == "no UTF-8\n"
        assert [read_blob(folder, head, path) for path in ("pkg", "pkg/none", "pkg/a.py/x", "\ud800", "")] == [None] * 5
        with pytest.raises(MissingObjectError):
            list(read_contents(folder, ["1" * len(head)]))
        with pytest.raises(GitError, match="is a commit, where a blob belongs"):
            list(read_contents(folder, [head]))


def test_what_is_very_large_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make_repository(tmp_path / "user")
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setattr("activities.git.reader.LARGEST", 300)
    (repository / "large.py").write_text("x" * 301)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "large")
    head, before = git(repository, "rev-parse", "HEAD"), head
    with UserRepository.find(repository).open() as folder:
        assert read_blob(folder, head, "large.py") is None
        assert read_blob(folder, head, "README") == read_blob(folder, before, "README") == FILES["README"]


def test_a_bundle_must_hold_what_it_is_said_to_hold(tmp_path: Path) -> None:
    make_bare(tmp_path, "sha1")
    for data, sentence in ((b"x", "is none"), (b"# v2 git bundle\n\n\nPACK", "check of objects refused")):
        with pytest.raises(GitError, match=sentence):
            unbundle(tmp_path, data, "1" * 40)


@pytest.mark.parametrize("name", [".g\u200cit/x.py", ".git::$INDEX_ALLOCATION/x.py", "git~1/x.py", "a\\..\\.git\\x.py"])
async def test_a_patch_with_a_dangerous_name_is_a_failed_attempt(tmp_path: Path, name: str) -> None:
    story = Story(make_repository(tmp_path / "user"), tmp_path / "run")
    snapshot = await story.take_snapshot()
    repository = await story.objects.repository(snapshot)
    with pytest.raises(PatchError, match=r"The patch (changes|names)"):
        commit_diff(repository, snapshot.commit, patches.make_diff(name, None, "x\n"), "x")


def test_an_instance_of_a_suite_is_copied_without_any_git_folder(tmp_path: Path) -> None:
    files = tmp_path / "one" / "repo"
    make_repository(files)
    for name in NAMES:
        if "\\" not in name and name not in ("..", "."):
            (files / "pkg" / name).mkdir(exist_ok=True)
            (files / "pkg" / name / "config").write_text("[core]\n\tfsmonitor = false\n")
    (files / ".github").mkdir()
    (files / ".gitignore").write_text("*.pyc\n")
    built = build_tree(BugInstance(id="one", issue="It breaks", folder=files.parent), tmp_path / "built")
    assert sorted(path.name for path in built.iterdir()) == [".github", ".gitignore", "README", "pkg"]
    assert sorted(path.name for path in (built / "pkg").iterdir()) == ["a.py", "b.py"]
    assert check_out(BugInstance(id="one", issue="It breaks", folder=files.parent), tmp_path / "out").branch == "main"
