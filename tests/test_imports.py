"""Imports point one way, cost nothing before they are needed, and decide when a stage runs again."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dlim.provenance import STAGES, code

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dlim"

LEVELS = (
    ("errors",),
    (
        "archive",
        "config",
        "console",
        "geometry",
        "init",
        "mix",
        "names",
        "projects",
        "provenance",
        "store",
        "toml",
        "variation",
        "workspace",
    ),
    ("formats", "augment", "scenes", "servers", "shots"),
    ("stages", "crop", "labelling", "report", "runs", "scaffold"),
    ("build",),
    ("commands",),
)
"""Modules and packages from the lowest to the highest: one imports from its own level and those below it."""


def name_of(path: Path) -> str:
    """A module's name as provenance has it: its path in dlim without .py."""
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


MODULES = sorted(name_of(path) for path in PACKAGE.rglob("*.py"))


@cache
def imported(module: str) -> frozenset[str]:
    """All that a module imports, also in functions and for types, as dotted names."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


@cache
def own(module: str) -> frozenset[str]:
    """The modules of dlim that a module imports by name; a package's own where nothing in it is meant."""
    return frozenset(_modules(imported(module))) - {module}


def _modules(names: frozenset[str]) -> Iterator[str]:
    for name in names:
        if name.split(".")[0] == "dlim":
            parts = name.split(".")[1:]
            tries = ["/".join(parts), "/".join(parts[:-1]), "/".join([*parts[:-1], "__init__"]).lstrip("/")]
            yield next(candidate for candidate in tries if candidate in MODULES)


def level(module: str) -> int:
    found = [number for number, names in enumerate(LEVELS) if module.split("/")[0] in names]
    assert found, f"{module} has no place in LEVELS"
    return found[0]


def packages_imported(module: str) -> set[str]:
    return {name.split(".")[0] for name in imported(module)}


INNER = [module for module in MODULES if module != "__init__"]


@pytest.mark.parametrize("module", INNER)
def test_imports_point_one_way(module: str) -> None:
    """A module imports only from its own level and from those below it."""
    assert {other for other in own(module) if level(other) > level(module)} == set()


def test_imports_make_no_circle() -> None:
    """Within a level too, no module comes to import itself; dlim.augment's name for Augmentation is lazy."""

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path, module])
        if module not in done:
            for other in sorted(own(module)):
                visit(other, (*path, module))
            done.add(module)

    done: set[str] = set()
    for module in MODULES:
        visit(module, ())
    assert done == set(MODULES)


@pytest.mark.parametrize("module", [module for module in INNER if module.startswith("stages/")])
def test_stages_do_not_know_each_other(module: str) -> None:
    """A stage imports no other stage: what they share lies below them."""
    assert {other for other in own(module) if other.startswith("stages/")} == set()


def test_who_knows_doit() -> None:
    """doit is imported by the tasks and by the plugins, and by nothing else."""
    users = {module for module in MODULES if "doit" in packages_imported(module)}
    assert {module.split("/")[0] for module in users} == {"build", "commands"}


def test_who_knows_the_network() -> None:
    """fabric is imported in one place, and what it stands on nowhere but beside it."""
    assert {module for module in MODULES if "fabric" in packages_imported(module)} == {"servers/ssh"}
    users = {module for module in MODULES if "paramiko" in packages_imported(module)}
    assert {module.split("/")[0] for module in users} == {"servers"}


def test_who_knows_imgaug() -> None:
    """imgaug is imported in one place."""
    assert {module for module in MODULES if "imgaug" in packages_imported(module)} == {"augment/imgaug"}


def test_dodo_is_a_table() -> None:
    """dodo.py imports dlim's tasks and nothing else."""
    tree = ast.parse((ROOT / "dodo.py").read_text(encoding="utf-8"))
    found = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [node.module for node in found if isinstance(node, ast.ImportFrom)] == ["dlim.build"]
    assert len(found) == 1


def closure(stage: str) -> set[str]:
    """The modules that decide what a stage leaves: all it imports, and what a daug.py may import."""
    found: set[str] = set()
    waiting = {STAGES[stage]}
    if stage == "augment":
        waiting |= {module for module in MODULES if module.startswith("augment/")}
    while waiting:
        module = waiting.pop()
        found.add(module)
        waiting |= own(module) - found
    return {
        module
        for module in found
        if module != "errors" and (not module.endswith("__init__") or module == "augment/__init__")
    }


def test_every_stage_is_the_work_of_some_task() -> None:
    """STAGES names each module of dlim.stages."""
    assert set(STAGES.values()) == {module for module in MODULES if module.startswith("stages/")} - {"stages/__init__"}


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_runs_again_when_its_code_changes(stage: str) -> None:
    """What a stage's outcome depends on is each module that it imports, as Python's parser finds them, and no other."""
    assert list(code(stage)) == sorted(closure(stage))


HEAVY = (
    "PIL",
    "cryptography",
    "cv2",
    "deflate",
    "fabric",
    "http.server",
    "imgaug",
    "invoke",
    "jinja2",
    "numpy",
    "paramiko",
    "rich",
    "scipy",
    "skimage",
    "xmltodict",
)


def test_listing_tasks_loads_nothing_heavy() -> None:
    """`doit list` pays for none of the packages that only the work needs."""
    look = f"print([name for name in {HEAVY!r} if name in sys.modules])"
    code = f"import sys, dlim.build.tasks, dlim.commands.status; {look}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_light_half_of_augment_is_light() -> None:
    """Importing dlim.augment alone loads neither numpy nor its operations; its one name does."""
    look = "print('numpy' in sys.modules)"
    code = f"import sys, dlim.augment; {look}; dlim.augment.Augmentation; {look}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\nTrue\n"


def test_an_unknown_name_of_augment() -> None:
    """What dlim.augment doesn't offer is an AttributeError, as of any module."""
    import dlim.augment

    with pytest.raises(AttributeError, match=r"module 'dlim\.augment' has no attribute 'Augmentatoin'"):
        dlim.augment.Augmentatoin  # noqa: B018
