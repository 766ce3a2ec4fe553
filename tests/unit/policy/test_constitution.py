"""The constitution: which section decides, how the user's own is merged, and what is no constitution."""

import pytest

from hydranet.errors import UsageError
from hydranet.policy import constitution
from hydranet.policy.constitution import Constitution, Decision, Effect


@pytest.mark.parametrize(
    ("operation", "subject", "effect", "rule"),
    [
        ("apply", "main", Effect.SUPERVISED, "apply"),
        ("publish", "hydra/fix-crash", Effect.ALLOWED, "fix-branch"),
        ("publish", "main", Effect.SUPERVISED, "protected-branch"),
        ("publish", "release/1.2", Effect.SUPERVISED, "protected-branch"),
        ("publish", "feature", Effect.SUPERVISED, "unlisted"),
        ("publish", "+main", Effect.REFUSED, "history-is-kept"),
        ("push", "origin", Effect.REFUSED, "no-other-remote"),
        ("open_pull_request", "github.com/acme/shop", Effect.SUPERVISED, "pull-request"),
        ("write", "src/app.py", Effect.ALLOWED, "work-tree"),
        ("write", "lib/.git/hooks/x", Effect.REFUSED, "git-is-not-written"),
        ("run", "pytest", Effect.ALLOWED, "run-inside"),
        ("launch", "", Effect.SUPERVISED, "unlisted"),
        ("disclose", "a.py:3 (AWS Access Key)", Effect.SUPERVISED, "possible-secret"),
        *(
            ("write", path, Effect.SUPERVISED, "continuous-integration")
            for path in (".github/workflows/x.yml", ".gitlab-ci.yml", "Jenkinsfile", ".circleci/config.yml")
        ),
        *(
            ("write", path, Effect.SUPERVISED, "git-settings")
            for path in (".gitmodules", ".gitattributes", "docs/.gitattributes", ".githooks/pre-push")
        ),
        *(
            ("write", path, Effect.SUPERVISED, "editor-settings")
            for path in (".vscode/tasks.json", "web/.idea/x.xml", ".devcontainer/devcontainer.json", ".exrc")
        ),
        *(
            ("write", path, Effect.SUPERVISED, "environment-settings")
            for path in (".env", "app/.env.local", ".envrc", "Dockerfile", "x/Dockerfile.dev", "lib/a.pth", ".npmrc")
        ),
        *(
            ("write", path, Effect.ALLOWED, "work-tree")
            for path in (
                "environment.py",
                "src/env.py",
                "github/x.py",
                "docker.py",
                "compose.py",
                "path.py",
                "a.env.py",
            )
        ),
    ],
)
def test_what_is_shipped_decides(operation: str, subject: str, effect: Effect, rule: str) -> None:
    decision = constitution.load_rules().decide(operation, subject)
    assert (decision.effect, decision.rule) == (effect, rule)
    assert decision.reason
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


OWN = """
immutable:
  - {id: no-docs, operation: write, match: ["docs/*"], reason: Others write them.}
supervised:
  - {id: fix-branch, operation: publish, match: ["hydra/*"]}
autonomous:
  - {id: apply, operation: apply, match: [sandbox]}
"""


def test_the_users_rules_come_first_and_replace_those_of_the_same_id() -> None:
    merged = constitution.load_rules(OWN)
    assert merged.decide("write", "docs/a.md").rule == "no-docs"
    assert merged.decide("publish", "hydra/fix").effect is Effect.SUPERVISED
    assert merged.decide("apply", "sandbox").effect is Effect.ALLOWED
    assert merged.decide("apply", "main").rule == "unlisted"
    assert merged.decide("push", "x").effect is Effect.REFUSED
    assert constitution.load_rules("  \n") == constitution.load_rules()


def test_pull_requests_in_some_projects_may_go_ahead() -> None:
    merged = constitution.load_rules(
        'autonomous: [{id: pull-request, operation: open_pull_request, match: ["github.com/acme/*"]}]'
    )
    assert merged.decide("open_pull_request", "github.com/acme/shop").effect is Effect.ALLOWED
    assert merged.decide("open_pull_request", "github.com/eve/shop").effect is Effect.SUPERVISED


def test_no_rule_of_the_user_loosens_an_immutable_one() -> None:
    own = "autonomous: [{id: push-all, operation: push}]"
    assert constitution.load_rules(own).decide("push", "origin").effect is Effect.REFUSED
    with pytest.raises(UsageError, match="'no-other-remote' is taken"):
        constitution.load_rules("autonomous: [{id: no-other-remote, operation: push}]")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("- a", "must have the sections"),
        ("immutable: [", "not valid YAML"),
        ("imutable: []", "'imutable' is wrong"),
        ("immutable: [{id: A b, operation: x}]", "'immutable.0.id' is wrong"),
        ("immutable: [{id: a, operation: x, effect: allow}]", "'immutable.0.effect' is wrong"),
        ("a: &x [1]\nimmutable: *x", "references are not allowed"),
        ("immutable: !!python/object/apply:os.system [id]", "not valid YAML"),
        ("x: " + "[" * 5000, "not valid YAML"),
        ("#" * 70_000, "larger than 64 KB"),
        ("supervised: [{id: a, operation: x}, {id: a, operation: y}]", "'a' is taken"),
    ],
)
def test_what_is_no_constitution_is_told_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        constitution.load_rules(text)


def test_without_any_rule_everything_waits_for_a_human() -> None:
    assert Constitution().decide("apply").effect is Effect.SUPERVISED
