"""Which lines of a setup only the declaring files decide: for these repositories share an environment."""

import pytest

from activities.sandbox.shared_installs import is_lock_shared, is_shared


@pytest.mark.parametrize(
    "command",
    [
        "pip install six",
        "pip install -q --upgrade six pytest",
        "pip install -- 'one>=1,<2' 'two[a,b]; python_version > \"3\"'",
        "pip install -r requirements.txt",
        "pip install -r requirements.txt -c requirements-pins.txt six",
        "pip install 'six @ https://files.example/six.whl'",
    ],
)
def test_a_line_that_names_packages_is_shared(command: str) -> None:
    assert is_shared(command, {"requirements.txt": "six\n", "requirements-pins.txt": "six==1.17"})


@pytest.mark.parametrize(
    "command",
    [
        "pip install -e .",
        "pip install .",
        "pip install ./package",
        "pip install package/",
        "pip install /work",
        "pip install package.whl",
        "pip install package-1.0.tar.gz",
        "pip install 'six @ file:///work/six'",
        "pip install 'six @ git+https://git.example/six'",
        "pip install --target /env six",
        "pip install --index-url file:///work six",
        "pip install -r other.txt",
        "pip install -r",
        "pip install",
        "pip install six; python setup.py",
        "pip install six && make",
        "pip install $PACKAGES",
        "pip install `cat names`",
        "pip install *.txt",
        "X=1 pip install six",
        "python -m pip install six",
        "make deps",
        "pip 'install",
    ],
)
def test_a_line_that_could_see_the_repository_is_not(command: str) -> None:
    assert not is_shared(command, {"requirements.txt": "six\n"})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "six==1.17  # a comment\n# another\n\npytest[dev]>=8 ; python_version > '3'\n",
        "six==1.17 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n",
        "--index-url https://index.example/simple\n--no-binary :all:\nsix\n",
        "-r requirements-base.txt\n-c requirements-base.txt\nsix\n",
        "--requirement=requirements-base.txt\n",
        "six @ https://files.example/six-1.17.tar.gz ; python_version > '3'\n",
    ],
)
def test_requirements_that_name_packages_are_shared(text: str) -> None:
    assert is_shared("pip install -r requirements.txt", {"requirements.txt": text, "requirements-base.txt": "a\n"})


@pytest.mark.parametrize(
    "text",
    [
        "-e .",
        "--editable=.",
        "-e git+https://git.example/x#egg=x",
        ".",
        "./local",
        "../other",
        "local/",
        "/work",
        "file:///work",
        "six @ file:///work/six",
        "six.whl",
        "-r other.txt",
        "-rother.txt",
        "-r ../requirements.txt",
        "-r https://evil.example/requirements.txt",
        "-c other.txt",
        "--find-links wheels",
        "--find-links=file:///work/wheels",
        "-f ./wheels",
        "--index-url file:///work",
        "--no-binary ./x",
        "six --config-settings=a=b",
        "six --global-option=x",
        "${NAME}",
        "-r requirements.txt",
        "six \\\n -e .",
    ],
)
def test_requirements_that_name_something_of_the_repository_are_not(text: str) -> None:
    assert not is_shared("pip install -r requirements.txt", {"requirements.txt": f"six\n{text}\n"})


def test_requirements_in_a_folder_include_their_neighbours() -> None:
    declared = {"requirements/test.txt": "-r base.txt\n", "requirements/base.txt": "six\n"}
    assert is_shared("pip install -r requirements/test.txt", declared)
    assert not is_shared("pip install -r requirements/test.txt", {"requirements/test.txt": "-r base.txt\n"})


UV = 'version = 1\n[[package]]\nname = "me"\nsource = {}\n[[package]]\nname = "six"\nsource = {}\n'


@pytest.mark.parametrize(
    ("own", "other", "shared"),
    [
        ('{ virtual = "." }', '{ registry = "https://pypi.org/simple" }', True),
        ('{ editable = "." }', '{ url = "https://files.example/six.whl" }', True),
        ('{ editable = "." }', '{ editable = "sub" }', False),
        ('{ editable = "." }', '{ directory = "sub" }', False),
        ('{ editable = "." }', '{ path = "six.whl" }', False),
        ('{ virtual = "." }', '{ registry = "wheels" }', False),
        ('{ virtual = "." }', '{ git = "https://git.example/six" }', False),
        ('{ virtual = "sub" }', '{ registry = "https://pypi.org/simple" }', False),
    ],
)
def test_locks_of_uv(own: str, other: str, shared: bool) -> None:
    lock = UV.replace("{}", own, 1).replace("{}", other, 1)
    assert is_lock_shared("uv.lock", {"uv.lock": lock, "pyproject.toml": ""}) == shared
    assert not is_lock_shared("uv.lock", {"uv.lock": lock, "pyproject.toml": "[tool.uv.workspace]\nmembers = ['*']"})


@pytest.mark.parametrize(
    ("source", "shared"),
    [
        ("", True),
        ('[package.source]\ntype = "legacy"\nurl = "https://index.example/simple"\n', True),
        ('[package.source]\ntype = "directory"\nurl = "sub"\n', False),
        ('[package.source]\ntype = "file"\nurl = "six.whl"\n', False),
        ('[package.source]\ntype = "git"\nurl = "https://git.example/six"\n', False),
    ],
)
def test_locks_of_poetry(source: str, shared: bool) -> None:
    assert is_lock_shared("poetry.lock", {"poetry.lock": f'[[package]]\nname = "six"\n{source}'}) == shared


def test_a_lock_that_cannot_be_read_is_not_shared() -> None:
    assert not is_lock_shared("uv.lock", {"uv.lock": "not toml [", "pyproject.toml": ""})
    assert not is_lock_shared("uv.lock", {"uv.lock": "package = 3", "pyproject.toml": ""})
