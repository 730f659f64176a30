"""A snapshot is the workspace as it was, without what is generated, and without secrets."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from dlim.runs.snapshot import snapshot

KEPT = {
    "dodo.py": "table",
    "config/dlim.toml": "seed = 1",
    "projects/close_btn/master/image.jpg": "pixels",
    "projects/close_btn/data_augmentation/daug.py": "#!/usr/bin/env python3",
    "notes with a space.txt": "x",
    "日本.txt": "x",
}
LEFT_OUT = {
    "config/servers.toml": "host",
    "config/ssd.password": "hunter2",
    "my.secret": "hunter2",
    "keys/id_ed25519": "hunter2",
    "elsewhere/pw": "hunter2",
    "config/servers.toml.bak": "hunter2",
    "config/servers.toml~": "hunter2",
    ".env.local": "hunter2",
    "credentials.json": "hunter2",
    "passwords.kdbx": "hunter2",
    "notes/key.txt": "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2",
    "projects/close_btn/build/ssd/close_0001.jpg": "generated",
    "data_set/ssd/JPEGImages/close_0001.jpg": "generated",
    "data_set/resnet34.tar.gz": "generated",
    "output/first/ssd.tar.gz": "generated",
    "dlim/__pycache__/x.pyc": "generated",
    ".dlim/state.db": "generated",
    ".venv/pyvenv.cfg": "",
    "env/pyvenv.cfg": "",
    "env/lib/huge.so": "x",
}
IGNORED = "/.dlim/\n/data_set/\n/output/\n/env/\n.venv/\nbuild/\n__pycache__/\n"


@pytest.fixture(params=["git", "no git"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace with everything that one may hold, under git and not."""
    made = tmp_path / "workspace"
    for name, text in {**KEPT, **LEFT_OUT, "data_set/ssd.tar.gz": "dataset"}.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    (made / "projects/close_btn/data_augmentation/daug.py").chmod(0o755)
    if request.param == "git":
        (made / ".gitignore").write_text(IGNORED)
        subprocess.run(["git", "init", "-q", str(made)], check=True)
    return made


def unpacked(file: Path) -> dict[str, str]:
    with tarfile.open(file) as tar:
        return {member.name: tar.extractfile(member).read().decode() for member in tar}  # type: ignore[union-attr]


def test_what_a_snapshot_holds(folder: Path, tmp_path: Path) -> None:
    """Source, configuration and the dataset's archive are in it; builds, other outputs and every secret are not."""
    out = tmp_path / "ssd_dlim.tar.gz"
    snapshot(folder, Path("data_set/ssd.tar.gz"), out, [folder / "elsewhere/pw"])
    found = unpacked(out)
    found.pop(".gitignore", None)
    assert found == {**KEPT, "data_set/ssd.tar.gz": "dataset"}
    assert b"hunter2" not in b"".join(text.encode() for text in found.values())


def test_the_same_workspace_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Times and owners of files are not what a workspace is."""
    snapshot(folder, Path("data_set/ssd.tar.gz"), tmp_path / "one")
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    snapshot(folder, Path("data_set/ssd.tar.gz"), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_scripts_stay_executable(folder: Path, tmp_path: Path) -> None:
    """An unpacked snapshot can be built from as it is."""
    snapshot(folder, Path("data_set/ssd.tar.gz"), tmp_path / "out")
    with tarfile.open(tmp_path / "out") as tar:
        assert tar.getmember("projects/close_btn/data_augmentation/daug.py").mode == 0o755
        assert tar.getmember("dodo.py").mode == 0o644


def test_links(folder: Path, tmp_path: Path) -> None:
    """What they lead to is in it, a folder that lies elsewhere too; what leads nowhere does no harm."""
    os.link(folder / "dodo.py", folder / "second.py")
    (folder / "link.py").symlink_to("dodo.py")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "round").symlink_to(".")
    (tmp_path / "masters/new").mkdir(parents=True)
    (tmp_path / "masters/new/image.jpg").write_text("pixels")
    (folder / "more").symlink_to(tmp_path / "masters")
    snapshot(folder, Path("data_set/ssd.tar.gz"), tmp_path / "out")
    found = unpacked(tmp_path / "out")
    assert found["second.py"] == found["link.py"] == "table"
    assert found["more/new/image.jpg"] == "pixels"
    assert not [name for name in found if name.startswith(("dangling", "round"))]


def test_repositories_in_it(folder: Path, tmp_path: Path) -> None:
    """A clone that lies in the workspace is part of it, and what that one ignores is not."""
    clone = folder / "train"
    clone.mkdir()
    (clone / "model.py").write_text("net")
    (clone / "data").mkdir()
    (clone / "data/huge").write_text("x")
    (clone / ".gitignore").write_text("/data/\n")
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    snapshot(folder, Path("data_set/ssd.tar.gz"), tmp_path / "out")
    found = unpacked(tmp_path / "out")
    assert found["train/model.py"] == "net"
    if (folder / ".git").exists():
        assert "train/data/huge" not in found
