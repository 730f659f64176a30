"""snapshot: the workspace as an archive, its source, its configuration and one dataset, without what is generated."""

from __future__ import annotations

import gzip
import os
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from dlim import archive, console
from dlim.errors import shown
from dlim.runs import record

GENERATED = ("data_set", "output", "build", "__pycache__", "node_modules")
"""Folders that a snapshot leaves out wherever they are, beside hidden ones and virtual environments."""

SECRET = (
    *(
        "servers.toml*",
        ".servers.toml*",
        "#servers.toml*",
        ".env",
        ".env.*",
        ".envrc",
        ".netrc",
        ".pgpass",
        ".htpasswd",
    ),
    *("credentials*", ".git-credentials", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.ppk"),
    *("*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdb", "*.kdbx", "*.gpg", "*.secret", "*.password", "*.token"),
)
"""Files that never leave the workspace; those that hold a private key don't either, whatever they are called."""

_LEVEL = 1  # a snapshot is nearly all images, and the dataset's archive is compressed already

_KEY = 16 * 1024  # bytes: a private key is no larger


def files(folder: Path, secrets: Iterable[Path] = ()) -> list[Path]:
    """What belongs into a snapshot, sorted, below the folder: in a git repository what git would take, else all.

    secrets: files that the configuration names as such. Files that look like secrets are left out, which is said.
    """
    private = {path.resolve() for path in secrets}
    kept: list[Path] = []
    hidden: list[Path] = []
    for path in sorted(_known(folder)):
        if not _is_generated(path) and os.path.lexists(folder / path):
            secret = (folder / path).resolve() in private or _is_secret(folder / path)
            (hidden if secret else kept).append(path)
    if hidden:
        names = ", ".join(shown(str(path)) for path in hidden[:5])
        more = f" and {len(hidden) - 5} more" if len(hidden) > 5 else ""
        console.current().line(f"the snapshot leaves out what may be secret: {names}{more}")
    return kept


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
    """Add a file; in the place of a link what it leads to."""
    if (folder / path).is_file():
        info = tarfile.TarInfo(path.as_posix())
        stat = (folder / path).stat()
        info.size, info.mtime, info.mode = stat.st_size, archive.TIME, 0o755 if stat.st_mode & 0o100 else 0o644
        with (folder / path).open("rb") as file:
            tar.addfile(info, file)
    elif (folder / path).is_symlink():
        console.current().line(f"the snapshot leaves out {shown(str(path))}, a link that leads to no file")


def _is_generated(path: Path) -> bool:
    return any(part in GENERATED for part in path.parts[:-1])


def _is_secret(path: Path) -> bool:
    if path.name == "servers.sample.toml":
        return False
    if any(fnmatchcase(path.name.lower(), pattern) for pattern in SECRET) or ".ssh" in path.parts:
        return True
    try:
        if path.stat().st_size > _KEY or not path.is_file():
            return False
        with path.open("rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return (first.startswith(b"-----BEGIN ") and b"PRIVATE KEY" in first) or first.startswith(b"PuTTY-User-Key-File")


def _known(folder: Path) -> list[Path]:
    """The files below a folder: those that git knows or would take, where it is under git, and what is in links."""
    found = _tracked(folder)
    found = list(_walked(folder)) if found is None else found
    return [each for path in found for each in _within(folder, path)]


def _within(folder: Path, path: Path) -> Iterator[Path]:
    """A file; or all that is in a folder: one that is a repository of its own, or lies elsewhere."""
    if not (folder / path).is_dir():
        yield path
    elif not (folder / path).is_symlink() or not (folder / path).resolve().is_relative_to(folder.resolve()):
        yield from (path / each for each in _known(folder / path))


def _tracked(folder: Path) -> list[Path] | None:
    """The files that git knows or would take, and the repositories in it; None where the folder isn't under git."""
    try:
        told = record.git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    except OSError:
        return None
    except subprocess.CalledProcessError as error:
        fault = (error.stderr or b"").decode(errors="replace").strip().partition("\n")[0]
        if "not a git repository" not in fault:
            console.current().line(f"git doesn't answer for {folder.resolve()} ({shown(fault)}): all files are taken")
        return None
    return list(dict.fromkeys(Path(os.fsdecode(name)) for name in told.split(b"\0") if name)) or None


def _walked(folder: Path) -> Iterator[Path]:
    for at, folders, names in os.walk(folder):
        kept = [name for name in folders if not (name.startswith(".") or name in GENERATED or _is_venv(at, name))]
        links = [name for name in kept if Path(at, name).is_symlink()]
        folders[:] = [name for name in kept if name not in links]
        yield from (Path(at, name).relative_to(folder) for name in (*names, *links))


def _is_venv(at: str, name: str) -> bool:
    return Path(at, name, "pyvenv.cfg").exists()
