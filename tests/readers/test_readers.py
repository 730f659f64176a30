"""Other people's readers open a dataset of ours, and see in it what its files say."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tests.conftest import unpack

pytestmark = pytest.mark.readers

Box = tuple[str, int, int, int, int]
"""Label, xmin, ymin, xmax and ymax, as VOC counts them: from 1, both ends inside."""


class Seen(NamedTuple):
    """What a reader makes of one image: its pixels, which are grey, and its boxes, sorted."""

    pixels: np.ndarray
    boxes: list[Box]


Dataset = dict[str, dict[str, Seen]]
"""Images by stem, by the split that a reader knows them in; by "" where it knows no splits."""


@pytest.fixture
def datasets(workspace: Any, tmp_path: Path) -> dict[str, Path]:
    """The folder of each learner's dataset, unpacked from its tarball under the names that torchvision wants."""
    workspace.project("close_btn", size=(32, 32))
    workspace.project("close_wide", size=(90, 30), label="close_btn")
    workspace.project("ru_skip", size=(41, 57), settings='placement = "right-upper"\n')
    workspace.ran("dataset")
    found = {}
    for learner in ("ssd", "resnet34"):
        root = tmp_path / "unpacked" / learner / "VOCdevkit"
        unpack(workspace.folder / f"data_set/{learner}.tar.gz", root)
        found[learner] = (root / "data_set").rename(root / "VOC2012")
    return found


def by_hand(folder: Path, splits: tuple[str, ...]) -> Dataset:
    """The dataset as its files have it."""
    stems = {split: (folder / f"ImageSets/Main/{split}.txt").read_text().split() for split in splits if split}
    stems[""] = [path.stem for path in (folder / "JPEGImages").iterdir()]
    return {split: {stem: _by_hand(folder, stem) for stem in stems[split]} for split in splits}


def _by_hand(folder: Path, stem: str) -> Seen:
    with Image.open(folder / f"JPEGImages/{stem}.jpg") as image:
        pixels = np.asarray(image)
    root = ElementTree.parse(folder / f"Annotations/{stem}.xml").getroot()
    edges = ("xmin", "ymin", "xmax", "ymax")
    return Seen(
        pixels,
        sorted(
            (thing.findtext("name", ""), *(int(thing.findtext(f"bndbox/{edge}", "")) for edge in edges))
            for thing in root.iter("object")
        ),
    )


def by_torchvision(folder: Path) -> Dataset:
    detection = _torchvision_detection()
    found: Dataset = {}
    for split in ("train", "val", "trainval"):
        found[split] = {}
        for image, target in detection(str(folder.parents[1]), year="2012", image_set=split):
            annotation = target["annotation"]
            boxes = [
                (thing["name"], *(int(thing["bndbox"][edge]) for edge in ("xmin", "ymin", "xmax", "ymax")))
                for thing in annotation["object"]
            ]
            found[split][Path(annotation["filename"]).stem] = Seen(np.asarray(image), sorted(boxes))
    return found


def _torchvision_detection() -> Any:
    """VOCDetection, also beside a torch without CUDA.

    The operators in torchvision's wheel are compiled for CUDA and can't load there; its import names two of them
    all the same. Reading a dataset needs neither, so that they only have to be declared.
    """
    torch = pytest.importorskip("torch")
    spec = find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("could not import 'torchvision'")
    try:
        torch.ops.load_library(str(Path(spec.submodule_search_locations[0], "_C.so")))
    except OSError:
        if not _declared:
            library = torch.library.Library("torchvision", "DEF")
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _declared.append(library)
    from torchvision.datasets import VOCDetection

    return VOCDetection


_declared: list[Any] = []  # torch forgets the declarations with the object


def by_supervision(folder: Path) -> Dataset:
    supervision = pytest.importorskip("supervision")
    dataset = supervision.DetectionDataset.from_pascal_voc(str(folder / "JPEGImages"), str(folder / "Annotations"))
    found = {}
    for path, pixels, detections in dataset:
        boxes = [
            # it counts from 0, and leaves the far edge out
            (dataset.classes[label], int(x1) + 1, int(y1) + 1, int(x2), int(y2))
            for (x1, y1, x2, y2), label in zip(detections.xyxy, detections.class_id, strict=True)
        ]
        found[Path(path).stem] = Seen(pixels, sorted(boxes))
    return {"": found}


def by_datumaro(folder: Path) -> Dataset:
    datumaro = pytest.importorskip("datumaro")
    dataset = datumaro.Dataset.import_from(str(folder), "voc")
    names = [category.name for category in dataset.categories()[datumaro.AnnotationType.label]]
    found: Dataset = {}
    for item in dataset:
        boxes = [
            (names[thing.label], *(int(edge) for edge in thing.points))
            for thing in item.annotations
            if thing.type == datumaro.AnnotationType.bbox
        ]
        found.setdefault(item.subset, {})[item.id] = Seen(item.media.data, sorted(boxes))
    return found


@pytest.mark.parametrize(
    ("read", "splits"),
    [
        pytest.param(by_torchvision, ("train", "val", "trainval"), id="torchvision"),
        pytest.param(by_supervision, ("",), id="supervision"),
        pytest.param(by_datumaro, ("train", "val", "trainval", "test"), id="datumaro"),
    ],
)
def test_a_reader_sees_what_the_files_say(
    read: Callable[[Path], Dataset], splits: tuple[str, ...], datasets: dict[str, Path]
) -> None:
    """Each one sees the images, boxes and labels that the files have, so that all of them agree."""
    for learner, folder in datasets.items():
        seen, wanted = read(folder), by_hand(folder, splits)
        assert {split: sorted(images) for split, images in seen.items()} == {
            split: sorted(images) for split, images in wanted.items()
        }, learner
        for split, images in wanted.items():
            assert len(images) > 0
            for stem, image in images.items():
                assert image.boxes, stem
                assert seen[split][stem].boxes == image.boxes, f"{learner}: {stem} in {split}"
                # decoders may differ by a shade
                assert seen[split][stem].pixels.shape == image.pixels.shape
                assert np.abs(seen[split][stem].pixels.astype(int) - image.pixels).max() <= 3
