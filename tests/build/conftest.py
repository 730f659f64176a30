"""What tests of the plugins share: a workspace that was built, and a copy of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Workspace, new_workspace
from tests.in_process import doit

MODULE = "import shift\nfrom dlim.augment import Augmentation\nAugmentation(count=4).zoom(*shift.ZOOM)\n"


@pytest.fixture(scope="package")
def built(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with the projects alpha and beta, whose images both show a beta, built for both learners."""
    workspace = new_workspace(tmp_path_factory.mktemp("built"))
    for name in ("alpha", "beta"):
        folder = workspace.project(name, MODULE, label="beta")
        (folder / "data_augmentation/shift.py").write_text("ZOOM = 0.8, 1.2\n")
    assert doit(workspace.folder, "run", "dataset").status == 0
    return workspace


@pytest.fixture
def two(built: Workspace, tmp_path: Path) -> Workspace:
    """A copy of it, to do with as a test likes: times are kept, as doit looks at them."""
    shutil.copytree(built.folder, tmp_path / "workspace")
    return Workspace(tmp_path / "workspace")


def with_read_only(workspace: Workspace, part: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run doit in a workspace of which nobody may write a part, not even root."""
    mount = f"mount --bind {part} {part} && mount -o remount,bind,ro {part} && ! touch {part}/x 2>/dev/null"
    shell = f'{mount} || exit 99; exec "$@"'
    command = ["unshare", "-rm", "sh", "-c", shell, "sh", sys.executable, "-m", "doit", *arguments]
    done = subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=False)
    if done.returncode == 99 or done.stderr.startswith("unshare"):
        pytest.skip("a part can't be mounted for reading only here")
    return done
