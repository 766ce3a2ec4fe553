"""The constitution asked about a fix where it is published, on real repositories."""

from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError

from activities.artifacts.store import FolderArtifacts
from activities.checkpoints.activities import RepositoryActivities
from hydranet import patches
from hydranet.contracts import ArtifactRef, Checkpoint, CommitRequest, PublishRequest, Snapshot
from hydranet.person_wait import DIFF_CHARACTERS
from hydranet.policy import constitution
from hydranet.policy.constitution import Decision, Effect
from tests.integration.checkpoints.test_checkpoints import Node, artifacts, git, repository, snapshot

__all__ = ["artifacts", "repository"]

AWS = "AKIA" + "IOSFODNN7EXAMPLF"
MORE = "AKIA" + "IOSFODNN7EXAMPLG"


class Publisher:
    """The user's repository, and fixes of it."""

    def __init__(self, repository: Path, artifacts: FolderArtifacts, node: Node) -> None:
        self.repository, self.artifacts, self.node = repository, artifacts, node
        self.base: Snapshot | None = None

    async def request(self, changes: dict[str, tuple[str | None, str | None]], **more: object) -> PublishRequest:
        base = self.base = await snapshot(self.repository, self.artifacts)
        diff = "".join(patches.make_diff(path, old, new) for path, (old, new) in changes.items())
        stored: ArtifactRef = await self.artifacts.put(diff.encode())
        commit = CommitRequest(snapshot=base, parent=Checkpoint(commit=base.commit), diff=stored, message="m")
        fix = await self.node.checkpoints.commit_checkpoint(commit)
        own = {"repository_path": str(self.repository), "run_id": "r", "slug": "x", "base": base.commit, "fix": fix}
        return PublishRequest.model_validate(own | more)

    async def review(self, request: PublishRequest, own: str = "") -> list[Decision]:
        activities = RepositoryActivities(self.artifacts, lambda: constitution.load_rules(own))
        return list((await activities.review_fix(request)).decisions)

    async def publish(self, request: PublishRequest, own: str = "") -> str:
        activities = RepositoryActivities(self.artifacts, lambda: constitution.load_rules(own))
        return (await activities.publish_fix(request)).branch


@pytest.fixture
def publisher(repository: Path, artifacts: FolderArtifacts, tmp_path: Path) -> Publisher:
    return Publisher(repository, artifacts, Node(tmp_path / "node", artifacts))


async def test_an_ordinary_fix_is_published_without_a_question(publisher: Publisher) -> None:
    request = await publisher.request({"pkg/a.py": ("x = 1\n", "x = 2\n")})
    assert await publisher.review(request) == []
    assert await publisher.publish(request) == "hydra/fix-x"


FILES = [
    ".github/workflows/ci.yml",
    ".GitHub/x.yml",
    ".gitmodules",
    "pkg/.gitattributes",
    ".vscode/tasks.json",
    ".ENVRC",
]


@pytest.mark.parametrize("path", FILES)
async def test_a_file_that_others_obey_waits_for_a_person(publisher: Publisher, path: str) -> None:
    request = await publisher.request({"pkg/a.py": ("x = 1\n", "x = 2\n"), path: (None, "a\n")})
    (decision,) = await publisher.review(request)
    assert (decision.operation, decision.effect) == ("write", Effect.SUPERVISED)
    assert decision.subject.casefold() == path.casefold()
    with pytest.raises(ApplicationError, match=f"rule {decision.rule}: write"):
        await publisher.publish(request)
    assert git(publisher.repository, "for-each-ref", "refs/heads/hydra", "refs/hydra") == ""
    other = decision.model_copy(update={"subject": "another.yml"})
    with pytest.raises(ApplicationError, match="is not published"):
        await publisher.publish(request.model_copy(update={"approved": (other,)}))
    assert await publisher.publish(request.model_copy(update={"approved": (decision,)})) == "hydra/fix-x"


@pytest.mark.parametrize("path", ["pkg/b.py", "secrets.bin", "poetry.lock", "pkg/b.png"])
async def test_a_secret_waits_for_a_person_and_is_not_repeated(publisher: Publisher, path: str) -> None:
    request = await publisher.request({path: (None, f"x = 1\n\nkey = '{AWS}'\n")})
    found = await publisher.review(request)
    assert [decision.rule for decision in found] == ["possible-secret"]
    assert found[0].subject == f"{path}:3 (AWS Access Key)"
    assert AWS not in found[0].model_dump_json()
    with pytest.raises(ApplicationError, match="rule possible-secret"):
        await publisher.publish(request)
    assert await publisher.publish(request.model_copy(update={"approved": tuple(found)}))


async def test_attributes_of_the_repository_hide_no_lines(publisher: Publisher) -> None:
    (publisher.repository / ".gitattributes").write_text("* -diff -text binary linguist-generated\n")
    git(publisher.repository, "add", "-A")
    git(publisher.repository, "commit", "-q", "-m", "attributes")
    request = await publisher.request({"pkg/a.py": ("x = 1\n", f"x = '{AWS}'\n")})
    assert [decision.rule for decision in await publisher.review(request)] == ["possible-secret"]


async def test_only_lines_that_a_fix_adds_count(publisher: Publisher) -> None:
    old = f"a = '{AWS}'\nb = 1\nc = 2\n"
    (publisher.repository / "pkg" / "keys.py").write_text(old)
    git(publisher.repository, "add", "-A")
    git(publisher.repository, "commit", "-q", "-m", "keys that are there")
    for new in (old.replace("b = 1", "b = 2"), f"b = 1\nc = 2\na = '{AWS}'\n", "b = 1\n"):
        assert await publisher.review(await publisher.request({"pkg/keys.py": (old, new)})) == []
    new = f"{old}d = '{MORE}'\n"
    (decision,) = await publisher.review(await publisher.request({"pkg/keys.py": (old, new)}))
    assert decision.subject.startswith("pkg/keys.py:4 ")
    twice = f"{old}a = '{AWS}'\n"
    assert len(await publisher.review(await publisher.request({"pkg/keys.py": (old, twice)}))) == 1


async def test_the_users_rules_decide_where_they_are_stricter_or_laxer(publisher: Publisher) -> None:
    request = await publisher.request({"pkg/a.py": ("x = 1\n", f"x = '{AWS}'\n")})
    strict = "immutable: [{id: no-secrets, operation: disclose, reason: Never.}]"
    (decision,) = await publisher.review(request, strict)
    with pytest.raises(ApplicationError, match="rule no-secrets"):
        await publisher.publish(request.model_copy(update={"approved": (decision,)}), strict)
    lax = "autonomous: [{id: possible-secret, operation: disclose, match: ['pkg/*']}]"
    assert await publisher.review(request, lax) == []
    kept = "supervised: [{id: mine, operation: write, match: ['pkg/*']}]"
    assert {decision.rule for decision in await publisher.review(request, kept)} == {"mine", "possible-secret"}


async def test_the_branch_and_its_application_are_asked_about_too(publisher: Publisher) -> None:
    request = await publisher.request({"pkg/a.py": ("x = 1\n", "x = 2\n")}, apply=True)
    (decision,) = await publisher.review(request)
    assert (decision.operation, decision.subject, decision.rule) == ("apply", "main", "apply")
    with pytest.raises(ApplicationError, match="rule apply"):
        await publisher.publish(request)
    published = await publisher.review(request, "immutable: [{id: none, operation: publish}]")
    assert published[0].effect is Effect.REFUSED


async def test_a_review_leaves_the_users_repository_as_it_was(publisher: Publisher) -> None:
    def objects() -> str:
        return git(publisher.repository, "count-objects", "-v") + git(publisher.repository, "for-each-ref")

    before = objects()
    request = await publisher.request({"pkg/a.py": ("x = 1\n", "x = 2\n")})
    await publisher.review(request)
    assert objects() == before


async def test_names_that_are_no_text_and_messages_that_steer_a_terminal_do_no_harm(publisher: Publisher) -> None:
    message = "title\x1b]0;x\x07\n\n\u202ebody\0"
    request = await publisher.request({"pkg/a.py": ("x = 1\n", "x = 2\n")}, message=message)
    await publisher.publish(request)
    log = git(publisher.repository, "log", "-1", "--format=%B", "hydra/fix-x")
    assert log == "title␛]0;x␇\n\n\ufffdbody\ufffd"


async def show(publisher: Publisher, request: PublishRequest) -> str:
    return (await RepositoryActivities(publisher.artifacts).review_fix(request)).diff


async def test_the_whole_change_is_shown_whatever_the_repository_says_of_its_files(publisher: Publisher) -> None:
    (publisher.repository / ".gitattributes").write_text("* -diff -text binary\n")
    git(publisher.repository, "add", "-A")
    git(publisher.repository, "commit", "-q", "-m", "attributes")
    diff = await show(publisher, await publisher.request({"pkg/a.py": ("x = 1\n", "x = 2\n"), "b.py": (None, "y\n")}))
    assert "--- a/pkg/a.py\n+++ b/pkg/a.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n" in diff
    assert "+++ b/b.py\n@@ -0,0 +1 @@\n+y\n" in diff


async def test_a_secret_is_not_shown(publisher: Publisher) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\n"
    diff = await show(
        publisher, await publisher.request({"pkg/b.py": (None, f"x = 1\nkey = '{AWS}'\n"), "k": (None, key)})
    )
    assert AWS not in diff
    assert "+x = 1\n+[not shown: it may hold a secret (AWS Access Key)]\n" in diff
    assert "MIIEow" not in diff


async def test_a_large_change_is_cut(publisher: Publisher) -> None:
    text = "".join(f"line_{number} = {number}\n" for number in range(3000))
    diff = await show(publisher, await publisher.request({"large.py": (None, text)}))
    assert len(diff) <= DIFF_CHARACTERS
    assert diff.endswith("characters left out]")


CART = "def total(prices):\n    return sum(prices[1:])\n"
CART_TEST = "from pkg.cart import total\n\n\ndef test_total():\n    assert total([17.5, 4]) == 21.5\n"


@pytest.mark.parametrize("stored", ["the repository", "the fix"])
async def test_the_reviewer_refuses_what_knows_the_tests_and_notes_the_rest(publisher: Publisher, stored: str) -> None:
    tests = {"tests/test_cart.py": CART_TEST} if stored == "the repository" else {}
    for path, text in {"pkg/cart.py": CART, **tests}.items():
        (publisher.repository / path).parent.mkdir(exist_ok=True)
        (publisher.repository / path).write_text(text)
    git(publisher.repository, "add", "--all")
    git(publisher.repository, "commit", "-qm", "the cart")
    special = CART.replace(
        "    return", "    if prices == [17.5, 4]:\n        print(prices)\n        return 21.5\n    return"
    )
    written = {} if tests else {"tests/test_cart.py": (None, CART_TEST)}
    issue = await publisher.artifacts.put(b"The total is wrong.")
    more = {"tests": ("tests/test_cart.py::test_total",), "issue": issue}
    request = await publisher.request({"pkg/cart.py": (CART, special), **written}, **more)
    review = await RepositoryActivities(publisher.artifacts).review_fix(request)
    assert [(each.rule, each.line, each.refuses) for each in review.objections] == [
        ("special-case", 2, True),
        ("debug-leftover", 3, False),
    ]
    explained = await publisher.artifacts.put(b"total([17.5, 4]) is 4, and should be 21.5")
    review = await RepositoryActivities(publisher.artifacts).review_fix(request.model_copy(update={"issue": explained}))
    assert not any(each.refuses for each in review.objections)
