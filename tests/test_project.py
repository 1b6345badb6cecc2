"""What pyproject.toml, the lock files, the Makefile and the guides say of each other, and that our own rules bite."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import bot

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

RUNTIME_LOCK = ROOT / "requirements.lock"
DEVELOPMENT_LOCK = ROOT / "requirements-dev.lock"
PINNED = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)(\[[a-z,]+\])?==(?P<version>[^ ;]+)( ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")

GUIDES = [ROOT / ".ci" / "run", *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
PURE_PACKAGES = ("conversations", "scoring", "followup")


def pins(lock: Path) -> dict[str, Version]:
    """Each locked distribution's version, by canonical name."""
    matches = (PINNED.fullmatch(line) for line in lock.read_text().splitlines())
    return {match["name"]: Version(match["version"]) for match in matches if match}


def requirements(group: str) -> list[Requirement]:
    """What a dependency group asks for itself, without the groups it includes."""
    return [Requirement(entry) for entry in PROJECT["dependency-groups"][group] if isinstance(entry, str)]


def make_targets() -> set[str]:
    return set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def ruff_codes(source: str, path: str) -> list[str]:
    """The rules that ruff finds broken in a source, as if it stood at that path of the project."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise"]
    found = subprocess.run(
        [*command, "--stdin-filename", path, "-"],
        cwd=ROOT,
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode in {0, 1}, found.stderr
    return re.findall(r"^\S+:\d+:\d+: ([A-Z]+\d+)", found.stdout, re.MULTILINE)


def test_package_and_project_name_the_same_version() -> None:
    assert bot.__version__ == PROJECT["project"]["version"]


@pytest.mark.parametrize("lock", [RUNTIME_LOCK, DEVELOPMENT_LOCK], ids=lambda lock: lock.name)
def test_lock_holds_nothing_but_versions_and_hashes(lock: Path) -> None:
    strange = [
        line for line in lock.read_text().splitlines() if not PINNED.fullmatch(line) and not HASH.fullmatch(line)
    ]
    assert strange == []


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        (RUNTIME_LOCK, [Requirement(each) for each in PROJECT["project"]["dependencies"]]),
        (RUNTIME_LOCK, requirements("build")),
        (DEVELOPMENT_LOCK, requirements("dev")),
    ],
    ids=["runtime", "build", "dev"],
)
def test_lock_satisfies_what_the_project_asks_for(lock: Path, wanted: list[Requirement]) -> None:
    locked = pins(lock)
    unmet = [
        str(requirement)
        for requirement in wanted
        if (version := locked.get(canonicalize_name(requirement.name))) is None or version not in requirement.specifier
    ]
    assert wanted
    assert unmet == []


def test_development_runs_on_the_versions_that_operators_get() -> None:
    assert pins(RUNTIME_LOCK).items() <= pins(DEVELOPMENT_LOCK).items()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_guides_name_only_make_targets_that_exist(guide: Path) -> None:
    # Only what stands in code: "make sure" in a sentence is no command.
    commands = re.findall(r"(?:^|`|&& |\$ |exec )make ([a-z][a-z-]*)", guide.read_text(), re.MULTILINE)
    assert set(commands) <= make_targets()


def test_continuous_integration_runs_make_test() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_every_make_target_is_explained_by_make_help() -> None:
    explained = re.findall(r"^([a-z-]+):.* ## \S", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(explained) == make_targets()


def test_every_data_file_of_the_package_is_shipped() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["bot"]
    shipped = {file for pattern in patterns for file in (ROOT / "bot").glob(pattern)}
    data = {
        file
        for file in (ROOT / "bot").rglob("*")
        if file.is_file()
        and file.suffix not in {".py", ".pyc"}
        and not any(part.startswith(".") for part in file.relative_to(ROOT).parts)
    }
    assert data - shipped == set()


def test_every_folder_with_modules_is_a_package() -> None:
    # The import rules see packages only: a folder without __init__.py would escape them.
    folders = {module.parent for module in (ROOT / "bot").rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("package", PURE_PACKAGES)
@pytest.mark.parametrize(
    "line",
    [
        "from datetime import datetime as d; d.now(None)",
        "import datetime; datetime.datetime.utcnow()",
        "from datetime import date; date.today()",
        "import time; time.time()",
        "from time import monotonic",
        "import uuid; uuid.uuid4()",
        "from uuid import uuid4",
        "import random; random.random()",
        "from random import shuffle",
        "import secrets; secrets.token_hex()",
        "import os; os.urandom(8)",
    ],
)
def test_pure_package_may_not_take_time_ids_or_chance_itself(package: str, line: str) -> None:
    assert "TID251" in ruff_codes(line, f"bot/{package}/example.py")


@pytest.mark.parametrize("package", PURE_PACKAGES)
def test_pure_package_may_be_given_time_and_chance(package: str) -> None:
    source = (
        "import random\n"
        "from datetime import datetime, timedelta\n\n\n"
        "def later(now: datetime, chance: random.Random) -> datetime:\n"
        "    return now + timedelta(seconds=chance.random())\n"
    )
    assert ruff_codes(source, f"bot/{package}/example.py") == []


def test_rules_for_pure_packages_stay_there() -> None:
    assert "TID251" not in ruff_codes("import time; time.monotonic()", "bot/delivery.py")


def test_parent_rules_hold_in_pure_packages() -> None:
    assert "TID252" in ruff_codes("from . import scales", "bot/scoring/example.py")
    assert "T201" in ruff_codes("print()", "bot/scoring/example.py")
