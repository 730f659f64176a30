"""Other build systems on the chains that dlim has: of each project four steps, and one for all of them.

Each step copies a file, as it isn't steps that are measured, but what the system takes to find out that there is
nothing to do, or one chain. Where that is possible, the files are laid out as a first run would have left them: that of
DVC would take an hour.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from bench.clock import Command, Cost, FailedError, best, run, say
from bench.workspaces import names

STEPS = ("master", "objects", "variations", "annotated", "shard")

NULL, CHANGE = "nothing to do", "one chain"


class Peer(NamedTuple):
    """Another build system. files: what it reads, by name. prepare: whether it has to build first to know its files."""

    program: str
    command: tuple[str, ...]
    files: Callable[[list[str]], dict[str, str]]
    prepare: bool


class Taken(NamedTuple):
    """What a peer takes for nothing to do, and for one chain; or why there is no figure."""

    name: str
    null: Cost | str
    change: Cost | str


def measured(folder: Path, projects: int, within: float, times: int) -> Iterator[Taken]:
    """Every peer that is installed, on so many projects; those that aren't are told as such."""
    for name, peer in PEERS.items():
        program = _program(peer.program)
        if program is None:
            yield Taken(name, "not installed", "")
            continue
        say(f"peers: {name}")
        there = folder / "peers" / name
        yield Taken(name, *_taken(there, peer, [program, *peer.command], names(projects), within, times))
        shutil.rmtree(there)


def _program(name: str) -> str | None:
    beside = Path(sys.executable).with_name(name)  # of this environment, even if it isn't activated
    return str(beside) if beside.exists() else shutil.which(name)


def _taken(
    there: Path, peer: Peer, command: Command, chains: list[str], within: float, times: int
) -> tuple[Cost | str, Cost | str]:
    shutil.rmtree(there, ignore_errors=True)
    _lay_out(there, chains, built=not peer.prepare)
    for name, text in peer.files(chains).items():
        (there / name).write_text(text)
    try:
        if peer.program == "dvc":
            run(["git", "init", "-q"], there)
            run([command[0], "init", "-q"], there)
        run(command, there, within=within)  # what it still wants to know
        null = best(lambda: run(command, there, within=within), times)
    except FailedError as failed:
        return str(failed).splitlines()[0], ""
    try:
        (there / f"in/{chains[0]}.master").write_text("another")
        return null, run(command, there, within=within)
    except FailedError as failed:
        return null, str(failed).splitlines()[0]


def _lay_out(there: Path, chains: list[str], *, built: bool) -> None:
    """The masters; and what a run would have made of them, each file a little newer than what it is made of."""
    for folder in ("in", "out"):
        (there / folder).mkdir(parents=True)
    for age, step in enumerate(STEPS if built else STEPS[:1]):
        for chain in chains:
            path = there / _path(chain, step)
            path.write_text(chain)
            os.utime(path, (1_700_000_000 + age,) * 2)
    if built:
        (there / "dataset").write_text("".join(chains))


def _path(chain: str, step: str) -> str:
    return f"{'in' if step == STEPS[0] else 'out'}/{chain}.{step}"


JOIN = "find out -name '*.shard' | sort | xargs cat > dataset"


def _make(chains: list[str]) -> dict[str, str]:
    rules = [f"dataset: {' '.join(_path(chain, STEPS[-1]) for chain in chains)}\n\t{JOIN}\n"]
    rules += [
        f"{_path(chain, after)}: {_path(chain, before)}\n\tcp $< $@\n"
        for chain in chains
        for before, after in pairwise(STEPS)
    ]
    return {"Makefile": "".join(rules)}


def _ninja(chains: list[str]) -> dict[str, str]:
    rules = ["rule cp\n command = cp $in $out\n", f"rule join\n command = {JOIN}\n"]
    rules += [
        f"build {_path(chain, after)}: cp {_path(chain, before)}\n"
        for chain in chains
        for before, after in pairwise(STEPS)
    ]
    return {"build.ninja": f"{''.join(rules)}build dataset: join {' '.join(_path(x, STEPS[-1]) for x in chains)}\n"}


def _snakemake(chains: list[str]) -> dict[str, str]:
    shards = json.dumps([_path(chain, STEPS[-1]) for chain in chains])
    rules = [f'rule dataset:\n    input: {shards}\n    output: "dataset"\n    shell: "{JOIN}"\n']
    rules += [
        f'rule {after}:\n    input: "{_path("{name}", before)}"\n    output: "{_path("{name}", after)}"\n'
        f'    shell: "cp {{input}} {{output}}"\n'
        for before, after in pairwise(STEPS)
    ]
    return {"Snakefile": "".join(rules)}


def _dvc(chains: list[str]) -> dict[str, str]:
    """The stages; and the lock file that a run would have left."""
    stages, lock = {}, {}

    def known(path: str, data: str) -> dict[str, object]:
        return {"path": path, "hash": "md5", "md5": hashlib.md5(data.encode()).hexdigest(), "size": len(data)}

    for chain in chains:
        for before, after in pairwise(STEPS):
            old, new = _path(chain, before), _path(chain, after)
            stages[f"{after}-{chain}"] = {"cmd": f"cp {old} {new}", "deps": [old], "outs": [new]}
            lock[f"{after}-{chain}"] = {
                "cmd": f"cp {old} {new}", "deps": [known(old, chain)], "outs": [known(new, chain)],
            }  # fmt: skip
    shards = [_path(chain, STEPS[-1]) for chain in chains]
    stages["dataset"] = {"cmd": JOIN, "deps": shards, "outs": ["dataset"]}
    deps = [known(path, chain) for path, chain in zip(shards, chains, strict=True)]
    lock["dataset"] = {"cmd": JOIN, "deps": deps, "outs": [known("dataset", "".join(chains))]}
    # JSON is YAML
    return {"dvc.yaml": json.dumps({"stages": stages}), "dvc.lock": json.dumps({"schema": "2.0", "stages": lock})}


PEERS = {
    "make": Peer("make", ("-s",), _make, prepare=False),
    "ninja": Peer("ninja", ("--quiet",), _ninja, prepare=True),
    "snakemake": Peer("snakemake", ("-q", "all", "-c", "2"), _snakemake, prepare=False),
    "dvc": Peer("dvc", ("repro", "-q"), _dvc, prepare=False),
}
