"""What the programs have in common: torch, faults in one line, files that are written whole, pictures, options."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

try:
    import numpy  # noqa: F401 - looked for here, so that the absence of any of them is one line
    import PIL  # noqa: F401
    import torch

    try:
        import torchvision
    except RuntimeError:
        # Beside a torch of another build, such as one without CUDA, the compiled operators in torchvision's wheel
        # can't load, and its import names two of them all the same. None is called here: a declaration is enough.
        _declared = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for _name in ("nms", "qnms"):
            _declared.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        import torchvision  # noqa: F401
except (ImportError, OSError, RuntimeError) as missing:
    _fault = " ".join(str(missing).split())[:300]
    sys.exit(f"{sys.executable}: {_fault}; python3 -m pip install -r requirements.txt")

from PIL import Image


class Fault(Exception):  # noqa: N818 - what is wrong and what to do about it; no error of the program's
    """A fault that a person can mend. Its text is one line."""

    def __str__(self) -> str:
        return " ".join(super().__str__().split())


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a program and exit: with what it returns, with 1 and a line on stderr, or with 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # paths are shown in any locale
    try:
        sys.exit(main())
    except Fault as fault:
        sys.exit(str(fault))
    except torch.OutOfMemoryError as error:
        sys.exit(f"the GPU's memory is full ({str(error).split('. ')[0]}); say a smaller --batch")
    except OSError as error:
        sys.exit(f"{error.filename or 'what is written'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


def parser(does: str) -> argparse.ArgumentParser:
    """The options of a program that has a weight and works on a device."""
    found = argparse.ArgumentParser(description=does, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    found.add_argument("--device", default="auto", help="cpu, cuda, cuda:1; auto takes CUDA where there is any")
    found.add_argument("--batch", type=count, default=16, help="images at a time")
    return found


def count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def device(name: str) -> torch.device:
    """The device of that name. Raises Fault where there is none."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(name)
        torch.zeros(1, device=found)
    except (RuntimeError, AssertionError) as error:
        raise Fault(f"--device {name}: torch {torch.__version__} has no such device; say cpu, or auto") from error
    return found


def folder(argument: str | None, variable: str) -> Path:
    """A folder: what was given, else what a variable says. Raises Fault where there is none."""
    option = f"--{variable.removeprefix('DLIM_').lower()}"
    named = argument or os.environ.get(variable)
    if not named:
        raise Fault(f"no folder is named; give {option} DIR, or set {variable}")
    if not Path(named).is_dir():
        raise Fault(f"{named}: is no folder; name another with {option}")
    # a link, such as the one to the dataset in use, may be switched meanwhile
    return Path(named).resolve()


def pictures(folder: Path) -> list[Path]:
    """The pictures in a folder, sorted."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def opened(path: Path) -> Image.Image:
    """An image file, as RGB. Raises Fault where it is none."""
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except FileNotFoundError as error:
        raise Fault(f"{shown(path)} is missing") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Fault(f"{shown(path)} is no image that can be read ({error})") from error


def save(path: Path, contents: Any) -> None:
    """Write what torch.load reads, beside and renamed, so that the name never stands for half of it."""
    _written(path, lambda making: torch.save(contents, making))


def write(path: Path, text: str) -> None:
    _written(path, lambda making: making.write_text(text, encoding="utf-8"))


def _written(path: Path, make: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.part")
    try:
        make(making)
        making.replace(path)
    except RuntimeError as error:  # torch's own word for a full disk
        raise Fault(f"{shown(path)} can't be written ({error})") from error
    finally:
        making.unlink(missing_ok=True)


def load(path: Path, kind: str) -> dict[str, Any]:
    """What a weight of this kind of network holds; nothing in the file is run. Raises Fault where it is none."""
    found = _loaded(path, "train first, or name another with --weight")
    if not isinstance(found, dict) or found.get("kind") != kind:
        raise Fault(f"{shown(path)} is no weight of this program's")
    return found


def _loaded(path: Path, remedy: str) -> Any:
    """What torch wrote into a file; nothing in it is run. Raises Fault; remedy: what to do where there is none."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise Fault(f"{shown(path)} is missing; {remedy}") from error
    except Exception as error:
        raise Fault(
            f"{shown(path)} is broken, or no weight of torch's ({type(error).__name__}: {error})"[:300]
        ) from error


def start(network: torch.nn.Module, path: Path) -> str:
    """Begin with the weights of a file: a weight of these programs, or torchvision's of the network or its backbone.

    Tensors are known by name or, where the file is a backbone's, by their order; what has another shape, such as the
    part that knows the classes, begins at random. Returns how much was taken. Raises Fault where that is nothing.
    """
    found = _loaded(path, "name a file of weights with --pretrained")
    found = found.get("state", found) if isinstance(found, dict) else {}
    given = {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}
    own = network.state_dict()
    taken = _by_name(own, given) or _in_order(own, given)
    if not taken:
        raise Fault(
            f"{shown(path)}: none of its {len(given)} tensors fits; name a file of this network or its backbone"
        )
    network.load_state_dict(taken, strict=False)
    return f"{shown(path)}: {len(taken)} of the network's {len(own)} tensors begin with it"


def _by_name(own: dict[str, torch.Tensor], given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    prefix = next((each for each in ("", "net.") if any(each + name in own for name in given)), "")
    named = {prefix + name: value for name, value in given.items()}
    return {name: value for name, value in named.items() if name in own and own[name].shape == value.shape}


def _in_order(own: dict[str, torch.Tensor], given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A backbone's tensors, which come in one order under any names."""
    ours = iter([(name, value) for name, value in own.items() if ".backbone." in name])
    taken = {}
    for name, value in given.items():
        if not name.startswith("features."):
            continue
        end = name.rpartition(".")[2]
        for mine, there in ours:
            if mine.rpartition(".")[2] == end and there.shape == value.shape:
                taken[mine] = value
                break
        else:
            break
    return taken


def say(text: str) -> None:
    print(text, flush=True)  # a log is read while it grows


def shown(path: Path) -> str:
    """A path as it can stand in a line: what can't be printed, such as a line's end, is escaped."""
    return str(path) if str(path).isprintable() else ascii(str(path))[1:-1]
