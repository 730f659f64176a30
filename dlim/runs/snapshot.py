"""snapshot: the workspace as an archive, its source, its configuration and one dataset, without what is generated."""

from __future__ import annotations

import gzip
import os
import subprocess
import tarfile
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from dlim import archive

GENERATED = ("data_set", "output", "build", "__pycache__", "node_modules")
"""Folders that a snapshot leaves out wherever they are, beside hidden ones and virtual environments."""

SECRET = ("servers.toml", "*.secret", "*.pem", "*.key", "*.password", "id_rsa*", "id_ed25519*", "id_ecdsa*", ".env")
"""Files that never leave the workspace."""

_LEVEL = 1  # a snapshot is nearly all images, and the dataset's archive is compressed already


def files(folder: Path, secrets: Iterable[Path] = ()) -> list[Path]:
    """What belongs into a snapshot, sorted, below the folder: in a git repository what git would take, else all.

    secrets: files that the configuration names as such.
    """
    private = {path.resolve() for path in secrets}
    found = _tracked(folder) or _walked(folder)
    return sorted(path for path in found if _belongs(folder, path) and (folder / path).resolve() not in private)


def snapshot(folder: Path, dataset: Path, out: Path, secrets: Iterable[Path] = ()) -> None:
    """Write a .tar.gz of the workspace with the archive of one dataset.

    folder: the workspace. dataset: below it. The same files give the same bytes: times and owners are fixed.
    """
    with (
        out.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=_LEVEL, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in [*files(folder, secrets), dataset]:
            _add(tar, folder, path)


def _add(tar: tarfile.TarFile, folder: Path, path: Path) -> None:
    info = tar.gettarinfo(folder / path, arcname=path.as_posix())
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = archive.TIME
    info.mode = 0o755 if info.mode & 0o100 else 0o644
    if info.islnk():  # a second name of a file in the tree is told as a file
        info.type, info.linkname, info.size = tarfile.REGTYPE, "", (folder / path).stat().st_size
    if info.isreg():
        with (folder / path).open("rb") as file:
            tar.addfile(info, file)
    elif info.issym():
        tar.addfile(info)


def _belongs(folder: Path, path: Path) -> bool:
    if any(fnmatchcase(path.name, pattern) for pattern in SECRET):
        return False
    return not any(part in GENERATED for part in path.parts[:-1]) and os.path.lexists(folder / path)


def _tracked(folder: Path) -> list[Path]:
    """The files that git knows or would take; none where it knows nothing of the folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        told = subprocess.run(command, cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    found = [Path(os.fsdecode(name)) for name in told.stdout.split(b"\0") if name]
    return [path for path in found if not (folder / path).is_dir()]  # a submodule is listed as a folder


def _walked(folder: Path) -> list[Path]:
    found = []
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not (name.startswith(".") or name in GENERATED or _is_venv(at, name))]
        found += [Path(at, name).relative_to(folder) for name in names]
    return found


def _is_venv(at: str, name: str) -> bool:
    return Path(at, name, "pyvenv.cfg").exists()
