"""The repository itself: sizes, names that must not be in it, and that its own files hold together."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGES = ("headrace", "streams", "api", "projections", "schemas", "domain")
MAX_LINES = 300
REASON = "# over 300 lines because "


def committed_files() -> list[Path]:
    """What is in the repository or would be with the next commit; without git, what is in the packages."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    names = listing.stdout.split("\0") if listing.returncode == 0 else []
    found = [ROOT / name for name in names if name and not name.startswith(".venv/")]
    found = found or [path for top in (*PACKAGES, "tests", "docs", "examples") for path in (ROOT / top).rglob("*.*")]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


FILES = committed_files()
SOURCES = [path for path in FILES if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# ---------------------------------------------------------------- the code


def test_there_is_code_to_look_at():
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(PACKAGES)


def test_a_source_file_is_short_or_says_why_not():
    long = {name_of(path): text_of(path).splitlines() for path in SOURCES}
    long = {name: lines for name, lines in long.items() if len(lines) > MAX_LINES}

    assert [name for name, lines in long.items() if not any(line.startswith(REASON) for line in lines[:20])] == []


def test_a_source_file_says_in_its_first_line_what_it_is_for():
    assert [name_of(path) for path in SOURCES if not text_of(path).startswith('"""')] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_tells_type_checkers_that_it_has_types(package):
    assert (ROOT / package / "py.typed").exists()


# ---------------------------------------------------------------- what must not be in it

# Put together here, so that this file does not find itself.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("proxy", "golang", "org"),
        ("registry", "yarnpkg", "com"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("docker", "io"),
    )
)
MACHINE_PATHS = re.compile(
    "(?<![\\w./~{}])/" + "(?:" + "|".join(["wor" + "k", "roo" + "t", "hom" + "e", "tmp/" + "w"]) + ")/"
)


@pytest.mark.parametrize("registry", REGISTRIES)
def test_no_file_names_a_registrys_host(registry):
    assert [name_of(path) for path in FILES if registry in text_of(path)] == []


def test_no_file_names_a_path_of_somebodys_machine():
    found = {name_of(path): MACHINE_PATHS.findall(text_of(path)) for path in FILES}

    assert {name: paths for name, paths in found.items() if paths} == {}


def test_nothing_that_is_ignored_is_committed():
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert listing.stdout.splitlines()[:5] == []


# ---------------------------------------------------------------- the files that hold it together


def read_toml(name: str):
    return tomllib.loads(text_of(ROOT / name))


def test_every_dependency_is_pinned():
    project = read_toml("pyproject.toml")["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {plain(line.partition("==")[0]) for line in pins()}

    assert [name for name in (plain(re.split(r"[\[><=!;]", one)[0]) for one in wanted) if name not in pinned] == []


def test_constraints_are_exact_versions_and_nothing_else():
    assert [line for line in pins() if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    assert "headrace" not in {plain(line.partition("==")[0]) for line in pins()}


def pins() -> list[str]:
    lines = text_of(ROOT / "constraints.txt").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def plain(name: str) -> str:
    """A package's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower().strip()


def test_the_import_contracts_are_part_of_the_lint():
    plan = make("--dry-run", "lint")

    assert [tool for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports") if tool not in plan] == []
    contracts = {contract["name"] for contract in read_toml("pyproject.toml")["tool"]["importlinter"]["contracts"]}
    assert contracts == {"Imports only go down", "The domain does no I/O"}


def test_make_alone_lists_every_target():
    described = {line.split()[1] for line in make().splitlines() if line.startswith("  make ")}

    assert {"help", "run", "test", "lint", "bench", "soak", "format", "clean"} <= described


def test_the_tests_come_after_the_lints():
    plan = make("--dry-run", "test")

    assert plan.index("keep-going lint") < plan.index("pytest")


def make(*arguments: str) -> str:
    """What make prints. It must not start the tests in the tests, which it would do even when only asked for its plan."""
    assert "$(MAKE)" not in text_of(ROOT / "Makefile"), "make runs such a recipe even with --dry-run"
    command = ["make", "--no-print-directory", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment, timeout=30)
    return done.stdout


def test_ci_runs_make_test_and_can_be_started():
    script = ROOT / ".ci" / "run"

    assert script.stat().st_mode & 0o111
    assert text_of(script).rstrip().endswith("make test")
    assert "set -euo pipefail" in text_of(script)
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_pre_commit_runs_the_projects_own_tools():
    hooks = [
        hook for repo in yaml.safe_load(text_of(ROOT / ".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]
    ]

    assert {hook["language"] for hook in hooks} == {"system"}
    assert {hook["id"] for hook in hooks} == {"ruff-check", "ruff-format", "mypy", "lint-imports"}


def test_the_licence_is_the_one_that_the_package_names():
    assert read_toml("pyproject.toml")["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text_of(ROOT / "LICENSE")


def test_the_changelog_has_a_place_for_what_comes():
    assert "## [Unreleased]" in text_of(ROOT / "CHANGELOG.md")


def test_the_readme_has_the_curl_of_the_example():
    readme = text_of(ROOT / "README.md")

    assert "http://127.0.0.1:8080/api/v1/contacts/ada/events" in readme
    assert '"type":"contact.created"' in readme
