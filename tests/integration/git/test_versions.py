"""The version that the tags of a repository name."""

from pathlib import Path

import pytest

from activities.git.packs import read_version
from activities.sandbox.bubblewrap import Bubblewrap
from activities.sandbox.dependencies import plan_install
from activities.sandbox.variables import Variables
from hydranet.contracts import SandboxSpec
from tests.integration.git.repositories import git, make_repository

SCM = '[build-system]\nrequires = ["setuptools", "setuptools_scm"]\n[project]\nname = "shop"\ndynamic = ["version"]\n'
PBR = "import setuptools\nsetuptools.setup(setup_requires=['pbr'], pbr=True)\n"


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        *(("v1.2.0", "1.2.0"), ("shop-2.10", "2.10"), ("release/3.0.0rc1", "3.0.0rc1"), ("1.0-beta2", "1.0-beta2")),
        *(("2024.1.post3", "2024.1.post3"), ("a1b2;c3$x", ""), ("1.0;touch$IFS'x'", ""), ("nightly", "0.1")),
    ],
)
@pytest.mark.parametrize("options", [(), ("--annotate", "--message=x")])
def test_the_last_tag_names_the_version(tmp_path: Path, tag: str, version: str, options: tuple[str, ...]) -> None:
    repository = make_repository(tmp_path / "user")
    assert read_version(repository) == ""
    git(repository, "update-ref", "refs/tags/0.1", "HEAD^")
    assert read_version(repository) == "0.1"
    git(repository, "tag", *options, tag)
    assert read_version(repository) == version


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"pyproject.toml": SCM}, "export SETUPTOOLS_SCM_PRETEND_VERSION=1.2.0; pip install -e ."),
        ({"setup.py": PBR}, "export PBR_VERSION=1.2.0; pip install -e ."),
        ({"setup.py": "import setuptools\nsetuptools.setup()\n"}, "pip install -e ."),
    ],
)
def test_a_build_that_asks_git_is_told_the_version(files: dict[str, str], line: str) -> None:
    plan = plan_install(Bubblewrap(), SandboxSpec(), files, True, "a" * 40, version="1.2.0")
    assert plan.commands[-1] == line
    assert line in plan.note


def test_a_setup_of_the_users_is_told_it_unless_the_user_tells_another() -> None:
    spec = SandboxSpec(setup=("pip install -e .",))
    given = Variables({"SETUPTOOLS_SCM_PRETEND_VERSION": "9"}, "x")
    plan = plan_install(Bubblewrap(), spec, {"pyproject.toml": SCM}, True, "a" * 40)
    assert plan.commands == ("export SETUPTOOLS_SCM_PRETEND_VERSION=0.0.1; pip install -e .",)
    assert plan_install(Bubblewrap(), spec, {"pyproject.toml": SCM}, True, "a" * 40, given).commands == spec.setup
