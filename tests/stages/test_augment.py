"""augment: whatever a daug.py wrote is a folder of whole, distinct images with a record each, or an error in a line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dlim import variation
from dlim.config import ProjectSettings
from dlim.errors import AugmentError, DlimError, ProjectError
from dlim.geometry import Box, Canvas, Object, Size
from dlim.projects import Project
from dlim.stages import augment
from dlim.stages.augment import Settings
from dlim.variation import Variation
from tests.conftest import draw_master

MASTER = 32, 24
BOX = 8, 6, 24, 18
CANVAS = 96, 72

Runs = Callable[..., list[str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with a master, and a folder out; messages name paths from there."""
    (tmp_path / "master").mkdir()
    (tmp_path / "data_augmentation").mkdir()
    draw_master(tmp_path / "master/image.jpg", MASTER, BOX)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Runs:
    """Runs the stage over a project with this script, its images going to out; what is said of them."""

    def run(
        script: str,
        canvas: Canvas = CANVAS,
        placement: str = "right-lower",
        *,
        generator: bool = False,
        shrink: bool = False,
        limit: float = 60,
    ) -> list[str]:
        (folder / "data_augmentation/daug.py").write_text(script, encoding="utf-8")
        (folder / "out").mkdir()
        project = Project("button", folder, ProjectSettings(placement=placement, generator=generator))
        settings = Settings(canvas, placement, seed=1, count=3, cval=125, shrink=shrink)
        return augment.augment(project, folder / "out", settings, folder / "logs/button.log", limit=limit)

    return run


def records(folder: Path) -> list[Variation]:
    """The records of what was made; there is one for each image and an image for each."""
    found = list(variation.read(folder / "out"))
    images = sorted(path.name for path in (folder / "out").glob("*.jpg"))
    assert sorted(record.filename for record in found) == images
    for record in found:
        with Image.open(folder / "out" / record.filename) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", record.size)
    return found


def refused(run: Runs, script: str, **settings: Any) -> str:
    with pytest.raises(DlimError) as caught:
        run(script, **settings)
    assert isinstance(caught.value, (AugmentError, ProjectError))
    text = str(caught.value)
    assert "\n" not in text
    return text


# scripts over dlim.augment

MIX = "from dlim.augment import Augmentation\nAugmentation().mix()\n"


def test_a_script_over_dlim(run: Runs, folder: Path) -> None:
    """Three lines make images on the learner's canvas, placed as the project says, and there is nothing to say."""
    assert run(MIX) == []
    found = records(folder)
    assert [record.filename for record in found] == ["mix-0001.jpg", "mix-0002.jpg", "mix-0003.jpg"]
    assert {(record.size, record.crop, record.origin) for record in found} == {(CANVAS, MASTER, (64, 48))}


def test_the_operations_need_neither_imgaug_nor_what_it_stands_on(run: Runs, folder: Path) -> None:
    """With imgaug, scipy and scikit-image missing, all that is built in works."""
    missing = "import sys\nfor name in ('imgaug', 'scipy', 'skimage'):\n    sys.modules[name] = None\n"
    assert (
        run(missing + "from dlim.augment import Augmentation\nAugmentation().suite()\nAugmentation().rotation()") == []
    )
    assert len(records(folder)) == 30


def test_a_script_that_needs_imgaug_where_there_is_none(run: Runs) -> None:
    """It is told how to install it."""
    assert refused(run, "raise ModuleNotFoundError(\"No module named 'imgaug'\")") == (
        "button: daug.py imports imgaug, which isn't installed; install it: python -m pip install 'dlim[imgaug]'"
    )


def test_a_run_is_the_same_twice(run: Runs, folder: Path) -> None:
    """The same project and settings leave the same bytes, records and all."""
    made = []
    for name in ("one", "two"):
        run(MIX)
        (folder / "out").rename(folder / name)
        made.append({path.name: path.read_bytes() for path in (folder / name).iterdir()})
    assert len(made[0]) == 4
    assert made[0] == made[1]


def test_what_a_script_prints_is_said(run: Runs, folder: Path) -> None:
    """Printed lines are passed on, and kept in the log."""
    assert run(MIX + "print('one'); print('two')") == ["one", "two"]
    assert (folder / "logs/button.log").read_text() == "one\ntwo\n"


def test_a_script_that_prints_too_much(run: Runs) -> None:
    """Of many lines the first 20 are passed on, with where the rest is."""
    said = run(MIX + "for number in range(25):\n    print(number)\n")
    assert said == [*map(str, range(20)), "... and 5 lines more in logs/button.log"]


def test_a_script_is_told_where_it_works(run: Runs, folder: Path) -> None:
    """A script in whatever style finds all that it needs in its environment."""
    run(MIX + "import os, json\nprint(json.dumps({k: v for k, v in os.environ.items() if k.startswith('DLIM_')}))")
    told = eval((folder / "logs/button.log").read_text())
    assert told == {
        "DLIM_PROJECT": "button",
        "DLIM_MASTER": f"{folder}/master/image.jpg",
        "DLIM_OUT": f"{folder}/out",
        "DLIM_CANVAS": "96x72",
        "DLIM_PLACEMENT": "right-lower",
        "DLIM_SEED": "1",
        "DLIM_COUNT": "3",
        "DLIM_CVAL": "125",
        "DLIM_FIT": "refuse",
    }


def test_the_number_of_images_is_told_meanwhile(folder: Path) -> None:
    """While a script runs, the caller is told how many images there are."""
    project = Project("button", folder, ProjectSettings())
    project.script.write_text(
        MIX + "import pathlib, time\nwhile not pathlib.Path('../enough').exists():\n    time.sleep(0.01)\n"
    )
    (folder / "out").mkdir()
    counts: list[int] = []

    def on_images(count: int) -> None:
        counts.append(count)
        if count == 3:
            (folder / "enough").touch()

    settings = Settings(None, "left-upper", seed=1, count=3, cval=125)
    augment.augment(project, folder / "out", settings, folder / "log", on_images)
    assert counts[-1] == 3
    assert counts == sorted(counts)


def test_a_generator_needs_no_master(run: Runs, folder: Path) -> None:
    """A project that draws its images has records with what they show, and a table comes along."""
    (folder / "master/image.jpg").unlink()
    script = (
        "import numpy as np\nfrom dlim.augment import Augmentation\nvariations = Augmentation()\n"
        "variations.image(np.zeros((9, 8, 3), np.uint8), 'a', (1, 2, 5, 6), name='a')\n"
        "variations.table('characters.csv', 'label\\na\\n')\n"
    )
    assert run(script, generator=True) == []
    [record] = records(folder)
    assert (record.crop, record.origin, record.objects) == ((8, 9), (88, 63), (Object("a", Box(1, 2, 5, 6)),))
    assert (folder / "out/characters.csv").read_text() == "label\na\n"


# scripts that write images by their own means

OWN = """
import os
from PIL import Image
def save(size, name="a.jpg", mode="RGB", colour=0, **options):
    Image.new(mode, size, colour).save(name, **options)
"""


BOXES = (
    "button: {} the master's boxes, as daug.py says no others; where it moves the object, "
    "let it write a VOC file beside the image, or call Augmentation.image"
)


def corner(folder: Path, at: tuple[int, int]) -> int:
    """How bright the image a.jpg is at a place."""
    with Image.open(folder / "out/a.jpg") as image:
        return int(np.asarray(image.convert("L"))[at[1], at[0]])


@pytest.mark.parametrize(
    ("canvas", "size", "crop", "place"),
    [
        pytest.param(CANVAS, MASTER, MASTER, (64, 48), id="the master's size is put on the canvas"),
        pytest.param(CANVAS, CANVAS, MASTER, (64, 48), id="the canvas's size shows the master in its place"),
        pytest.param(CANVAS, (50, 40), (50, 40), (46, 32), id="another size is the crop at that size"),
        pytest.param(None, MASTER, MASTER, (0, 0), id="native, the master's size"),
        pytest.param(None, (50, 40), (50, 40), (0, 0), id="native, another size"),
        pytest.param(None, (2, 2), (2, 2), (0, 0), id="native, as small as a box can be"),
    ],
)
def test_images_by_other_means(
    run: Runs, folder: Path, canvas: Canvas, size: Size, crop: Size, place: tuple[int, int]
) -> None:
    """An image that a script wrote itself comes to the canvas, with a record of where the master is on it."""
    assert run(OWN + f"save({size})", canvas) == [BOXES.format("1 image has")]
    [record] = records(folder)
    assert (record.operation, record.size, record.crop, record.origin) == ("own", canvas or size, crop, place)
    assert (record.mesh.width, record.mesh.height) == MASTER
    assert record.mesh.followed(Box(0, 0, *MASTER)) == Box(0, 0, *crop)
    assert corner(folder, (record.size[0] - 1, record.size[1] - 1)) == 0
    assert corner(folder, (0, 0)) == (255 if size != record.size else 0)


@pytest.mark.parametrize("size", [CANVAS, None], ids=["on the canvas", "native"])
def test_a_good_image_is_left_as_it_is(run: Runs, folder: Path, size: Canvas) -> None:
    """A file that needs no change keeps its bytes."""
    run(OWN + f"save({size or MASTER}, quality=70)\nos.link('a.jpg', '../kept.jpg')", size)
    assert (folder / "out/a.jpg").read_bytes() == (folder / "kept.jpg").read_bytes()


def test_a_generators_own_images(run: Runs, folder: Path) -> None:
    """Without a master, an image of the canvas's size is all crop."""
    (folder / "master/image.jpg").unlink()
    run(OWN + f"save({CANVAS})\nsave((9, 8), 'b.jpg')", generator=True)
    assert {record.filename: (record.crop, record.origin) for record in records(folder)} == {
        "a.jpg": (CANVAS, (0, 0)),
        "b.jpg": ((9, 8), (87, 64)),
    }


@pytest.mark.parametrize("canvas", [CANVAS, None], ids=["on the canvas", "native"])
@pytest.mark.parametrize(
    "saving",
    [
        pytest.param("mode='L', colour=9", id="grey"),
        pytest.param("mode='CMYK', colour=(0, 0, 0, 250)", id="CMYK"),
    ],
)
def test_other_colours_become_rgb(run: Runs, folder: Path, saving: str, canvas: Canvas) -> None:
    """A grey image is written again with three channels, as `<depth>` will say."""
    run(OWN + f"save({canvas or MASTER}, {saving})", canvas)
    [record] = records(folder)
    assert record.size == (canvas or MASTER)
    assert corner(folder, (0, 0)) < 20


def test_an_image_to_be_turned_is_turned(run: Runs, folder: Path) -> None:
    """An image with an EXIF orientation is written upright: not every reader turns it."""
    run(OWN + "exif = Image.Exif()\nexif[0x0112] = 6\nsave((24, 32), exif=exif)", None)
    [record] = records(folder)
    assert record.size == (32, 24)


def test_own_images_come_after_dlims(run: Runs, folder: Path) -> None:
    """Records of images by other means follow those of dlim.augment, sorted by name."""
    run(MIX + OWN + "save((9, 9), 'b.jpg')\nsave((8, 8), 'a.jpg')")
    assert [record.filename for record in records(folder)] == [
        *(f"mix-000{number}.jpg" for number in (1, 2, 3)),
        "a.jpg",
        "b.jpg",
    ]


def test_repeats_are_left_out(run: Runs, folder: Path) -> None:
    """Of images with the same bytes one is kept, the first by name, and the others are said."""
    assert run(OWN + "for name in 'cab':\n    save((9, 9), name + '.jpg')\nsave((8, 8), 'd.jpg')") == [
        "b.jpg repeats a.jpg; left out",
        "c.jpg repeats a.jpg; left out",
        BOXES.format("2 images have"),
    ]
    assert [record.filename for record in records(folder)] == ["a.jpg", "d.jpg"]


def test_a_copy_of_dlims_image_is_left_out(run: Runs, folder: Path) -> None:
    """An image that repeats one of dlim.augment's goes, whatever it is called: the other's transform is known."""
    copying = "import shutil\nshutil.copy('mix-0002.jpg', 'a.jpg')"
    assert run(MIX + copying) == ["a.jpg repeats mix-0002.jpg; left out"]
    assert len(records(folder)) == 3


def test_images_that_a_script_changed_into_repeats(run: Runs, folder: Path) -> None:
    """Where a script paints over dlim.augment's images until they are alike, one is left, with its record."""
    painting = "for number in (1, 2):\n    save((96, 72), f'mix-000{number}.jpg')"
    assert run(MIX + OWN + painting) == ["mix-0002.jpg repeats mix-0001.jpg; left out"]
    assert [record.filename for record in records(folder)] == ["mix-0001.jpg", "mix-0003.jpg"]


@pytest.mark.parametrize("link", ["symlink", "link"])
@pytest.mark.parametrize("canvas", [CANVAS, None], ids=["canvas", "native"])
def test_a_link_to_the_master_never_reaches_it(run: Runs, folder: Path, link: str, canvas: Canvas) -> None:
    """A script may link to a file instead of copying it, and that file stays as it is."""
    before = (folder / "master/image.jpg").read_bytes()
    run(f"import os\nos.{link}(os.environ['DLIM_MASTER'], 'a.jpg')\n", canvas)
    assert (folder / "master/image.jpg").read_bytes() == before
    made = folder / "out/a.jpg"
    assert not made.is_symlink()
    assert made.stat().st_nlink == 1
    assert len(records(folder)) == 1


CHANGED = MIX + "from PIL import Image\npicture = Image.open('mix-0001.jpg')\npicture.load()\n"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param("picture.resize((8, 8)).save('mix-0001.jpg')", "is no longer RGB and of its size", id="its size"),
        pytest.param("picture.convert('L').save('mix-0001.jpg')", "is no longer RGB and of its size", id="its colours"),
        pytest.param(
            "open('mix-0001.jpg', 'w').write('x')", "is not an image, or only part of one", id="its whole nature"
        ),
    ],
)
def test_a_changed_image_of_dlims_stays_what_its_record_says(run: Runs, change: str, fault: str) -> None:
    """A script may paint on dlim's images, but not make them other than their records are true of."""
    text = refused(run, f"{CHANGED}{change}\n")
    assert text == f"button: daug.py changed mix-0001.jpg, which {fault}; keep size and colours as RGB"


def test_a_painted_image_of_dlims_is_kept(run: Runs, folder: Path) -> None:
    """What a script paints on an image of dlim's is in the build, and boxes still follow it."""
    run(f"{CHANGED}picture.putpixel((0, 0), (255, 0, 0))\npicture.save('mix-0001.jpg')\n")
    assert [record.operation for record in records(folder)] == ["mix"] * 3


def test_a_table_is_kept(run: Runs, folder: Path) -> None:
    """A .csv file may lie beside the images."""
    run(OWN + "save((9, 9))\nopen('a.csv', 'w').write('x')")
    assert (folder / "out/a.csv").read_text() == "x"


ONLY = "write only images (with VOC files of their names, and .csv tables) into the folder it runs in"

FAULTS = [
    pytest.param(
        "", "daug.py wrote no image; write .jpg files into the folder it runs in, or use dlim.augment", id="nothing"
    ),
    pytest.param(
        "open('a.csv', 'w')",
        "daug.py wrote no image; write .jpg files into the folder it runs in, or use dlim.augment",
        id="a table alone",
    ),
    pytest.param(
        "save((97, 72))",
        "daug.py wrote a.jpg of 97x72: too large for 96x72; "
        "write it smaller; the environment variable DLIM_CANVAS tells a script the size",
        id="an image larger than the canvas",
    ),
    pytest.param(
        "save((1, 9))",
        "daug.py wrote a.jpg of 1x9: too small for a box; write images of at least 2x2 pixels",
        id="an image of one column",
    ),
    pytest.param(
        "save((9, 9), format='PNG')",
        "daug.py wrote a.jpg, which is a PNG file under the name of a JPEG; write whole JPEG files",
        id="a PNG called .jpg",
    ),
    pytest.param(
        "open('a.jpg', 'w').write('text')",
        "daug.py wrote a.jpg, which is not an image, or only part of one; write whole JPEG files",
        id="a text called .jpg",
    ),
    pytest.param(
        "open('a.jpg', 'w')",
        "daug.py wrote a.jpg, which is not an image, or only part of one; write whole JPEG files",
        id="an empty .jpg",
    ),
    pytest.param(
        "save((90, 70))\nos.truncate('a.jpg', 700)",
        "daug.py wrote a.jpg, which is not an image, or only part of one; write whole JPEG files",
        id="a truncated JPEG",
    ),
    pytest.param(
        "save((9, 9))\nos.mkdir('sub')",
        "daug.py wrote sub, which is no .jpg image; " + ONLY,
        id="a sub-folder",
    ),
    pytest.param(
        "save((9, 9))\nos.mkdir('sub.jpg')",
        "daug.py wrote sub.jpg, which is no .jpg image; " + ONLY,
        id="a sub-folder called .jpg",
    ),
    pytest.param(
        "save((9, 9))\nopen('notes.txt', 'w')",
        "daug.py wrote notes.txt, which is no .jpg image; "
        "write only images (with VOC files of their names, and .csv tables) into the folder it runs in",
        id="a text",
    ),
    pytest.param(
        "save((9, 9), 'a.png')",
        "daug.py wrote a.png, which is no .jpg image; " + ONLY,
        id="a PNG",
    ),
    pytest.param(
        "save((9, 9), 'a.JPG')",
        "daug.py wrote a.JPG, which is no .jpg image; " + ONLY,
        id="a name in upper case",
    ),
]


VOC = """
def boxes(name, size, box, label="moved"):
    edges = "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), box))
    thing = f"<object><name>{label}</name><bndbox>{edges}</bndbox></object>"
    size = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    open(name, "w").write(f"<annotation><filename>a.jpg</filename>{size}{thing}</annotation>")
"""


@pytest.mark.parametrize(
    ("canvas", "size", "crop", "place"),
    [
        pytest.param(CANVAS, CANVAS, CANVAS, (0, 0), id="on the canvas"),
        pytest.param(CANVAS, (50, 40), (50, 40), (46, 32), id="smaller"),
        pytest.param(None, (50, 40), (50, 40), (0, 0), id="native"),
    ],
)
def test_boxes_by_other_means(
    run: Runs, folder: Path, canvas: Canvas, size: Size, crop: Size, place: tuple[int, int]
) -> None:
    """Where a script writes a VOC file beside its image, that says what it shows, in the image's own pixels."""
    assert run(OWN + VOC + f"save({size})\nboxes('a.xml', {size}, (11, 6, 30, 20))", canvas) == []
    [record] = records(folder)
    assert (record.crop, record.origin, record.objects) == (crop, place, (Object("moved", Box(10, 5, 30, 20)),))
    assert record.mesh.followed(Box(10, 5, 30, 20)) == Box(10, 5, 30, 20)
    assert not (folder / "out/a.xml").exists()


@pytest.mark.parametrize(
    ("size", "box", "fault"),
    [
        pytest.param((9, 9), (1, 1, 5, 5), "whose <size> of 9x9 isn't the image's 50x40", id="of another image"),
        pytest.param((50, 40), (60, 1, 70, 9), 'in which the box of "moved" lies outside the image', id="outside"),
    ],
)
def test_boxes_that_are_none(run: Runs, size: Size, box: tuple[int, ...], fault: str) -> None:
    """A VOC file that can't be of its image is refused."""
    text = refused(run, OWN + VOC + f"save((50, 40))\nboxes('a.xml', {size}, {box})")
    assert text.startswith(f"button: daug.py wrote a.xml, {fault}; write ")


@pytest.mark.parametrize("canvas", [(30, 30), (20, 72)])
@pytest.mark.parametrize("script", [MIX, OWN + f"save({MASTER})"], ids=["dlim's", "its own"])
def test_a_master_larger_than_the_canvas(run: Runs, folder: Path, canvas: Size, script: str) -> None:
    """Where the learner says so, master and images are made smaller, and boxes keep their place in them."""
    run(script, canvas, shrink=True)
    for record in records(folder):
        factor = min(canvas[0] / MASTER[0], canvas[1] / MASTER[1])
        assert record.size == canvas
        assert record.crop == (int(MASTER[0] * factor + 1e-9), int(MASTER[1] * factor + 1e-9))
        assert (record.mesh.width, record.mesh.height) == MASTER
    if script != MIX:
        assert record.mesh.followed(Box(0, 0, *MASTER)) == Box(0, 0, *record.crop)


def test_what_differs_each_time_is_said(run: Runs) -> None:
    """A script that draws from what nobody can seed is told, by an image that differs."""
    drawing = "import os\nfor n in range(6):\n    save((9 + n, 9), f'{n}.jpg', colour=tuple(os.urandom(3)))\n"
    assert run(OWN + drawing) == [
        "button: daug.py draws other images each time (0.jpg for one): seed what it draws with, or builds will differ",
        BOXES.format("6 images have"),
    ]


@pytest.mark.parametrize(
    "drawing",
    [
        "tuple(np.random.default_rng().bytes(3))",
        "tuple(random.Random().randbytes(3))",
        "tuple(np.random.RandomState().bytes(3))",
        "(hash('a') % 256, *hash('b').to_bytes(8, 'big', signed=True)[:2])",
    ],
)
def test_what_can_be_seeded_is_the_same_each_time(run: Runs, drawing: str) -> None:
    """A generator that a script makes without a seed has one, and so have its hashes."""
    script = (
        OWN + f"import random, numpy as np\nfor n in range(6):\n    save((9 + n, 9), f'{{n}}.jpg', colour={drawing})\n"
    )
    assert run(script) == [BOXES.format("6 images have")]


def test_a_table_that_is_a_link(run: Runs) -> None:
    """What a script links to isn't copied into a dataset."""
    text = refused(run, MIX + "import os\nos.symlink('/etc/passwd', 'a.csv')")
    assert text == "button: daug.py made a.csv as a link; write a file there"


def test_a_table_with_too_long_a_name(run: Runs) -> None:
    """A table's name that no archive holds is refused where it is written."""
    text = refused(run, MIX + "Augmentation().table('表' * 33 + '.csv', 'a')")
    assert text == (
        f"button: daug.py wrote a table with a name of over 80 bytes, {'表' * 20}...; give it a shorter name"
    )


def test_a_script_without_an_end(run: Runs) -> None:
    """A script that takes longer than it may is ended, and told."""
    assert refused(run, "while True: pass", limit=0.3) == (
        "button: daug.py ran for longer than 0.3 s; see whether it ends at all; "
        "time_limit under [augment] in config/dlim.toml gives it longer"
    )


@pytest.mark.parametrize(("script", "fault"), FAULTS)
def test_what_a_script_may_not_leave(run: Runs, script: str, fault: str) -> None:
    """What is no set of images is refused, with the file and what to do."""
    assert refused(run, OWN + script) == f"button: {fault}"


def test_a_script_that_deletes_dlims_images(run: Runs) -> None:
    """An image that has a record must be there."""
    assert refused(run, MIX + "import os\nos.unlink('mix-0002.jpg')") == (
        "button: daug.py deleted mix-0002.jpg again; leave the files of dlim.augment alone"
    )


def test_a_script_that_writes_records_of_its_own(run: Runs, folder: Path) -> None:
    """A file of records that dlim didn't write is refused with its line."""
    assert refused(run, OWN + "save((9, 9))\nopen('variations.jsonl', 'w').write('{}\\n')") == (
        f"{folder}/out/variations.jsonl:1: is no record of a variation; "
        "leave that file to dlim.augment, or don't write one"
    )


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        pytest.param("x = 1\nx.y", "daug.py line 2: AttributeError: 'int' object has no attribute 'y'", id="raises"),
        pytest.param("import sys; sys.exit(3)", "ended with status 3", id="exits with 3"),
        pytest.param("import os; os.kill(os.getpid(), 9)", "was killed by SIGKILL", id="is killed"),
    ],
)
def test_a_script_that_failed(run: Runs, script: str, failure: str) -> None:
    """A failure is told with the line and with where to read what was printed."""
    assert refused(run, script) == (
        f"button: daug.py failed: {failure}; mend it; what it printed is in logs/button.log"
    )


def test_a_script_that_dlim_refuses(run: Runs) -> None:
    """An error of dlim.augment's is told as it is, with the project and its own way out."""
    text = refused(run, "from dlim.augment import Augmentation\nAugmentation(placement='left-uper')")
    assert text == 'button: daug.py: placement: "left-uper" is unknown; did you mean "left-upper"?'


def test_what_cannot_be_read_beside_a_script(run: Runs, folder: Path) -> None:
    """A pipe beside daug.py, which nobody could read to its end, is told by name."""
    os.mkfifo(folder / "data_augmentation/pipe")
    assert refused(run, MIX) == "button: data_augmentation/pipe is no file; take it away"


def test_no_script(folder: Path) -> None:
    """A project without daug.py says what to do."""
    project = Project("button", folder, ProjectSettings())
    with pytest.raises(ProjectError) as caught:
        augment.augment(project, folder, Settings(None, "left-upper", 1, 3, 125), folder / "log")
    assert str(caught.value) == (
        f"button: data_augmentation/daug.py is missing; copy sample/daug.py to {folder}/data_augmentation/daug.py"
    )


def test_no_master(run: Runs, folder: Path) -> None:
    """A project that is no generator needs its master before its script is run."""
    (folder / "master/image.jpg").unlink()
    assert refused(run, MIX).startswith("button: master/image.jpg is missing; doit new button --image")
    assert not (folder / "logs").exists()
