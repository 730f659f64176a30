"""New projects: whole, named so that nothing else breaks, and not made twice of one image."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlim import projects, scaffold
from dlim.config import ProjectSettings
from dlim.errors import ConfigError, DlimError, ProjectError
from dlim.labelling.label import suggested
from dlim.projects import Project
from dlim.scaffold import Made, Skipped
from tests.conftest import ROOT, XML, Workspace, draw_master


def picture(path: Path, seed: int = 1, size: tuple[int, int] = (24, 16)) -> Path:
    """An image like no other of another seed, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(seed).integers(0, 255, (4, 6, 3), np.uint8)
    Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST).save(path)
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def taken_up(folder: Path, source: Path, **given: str) -> list[Made | Skipped]:
    """What comes of a folder of images, with what is in the folder of projects now."""
    return list(scaffold.from_folder(folder, source, taken=scaffold.taken([folder]), **given))


def names(found: list[Made | Skipped]) -> list[str]:
    return [one.name for one in found if isinstance(one, Made)]


def reasons(found: list[Made | Skipped]) -> dict[str, str]:
    return {one.source.name: one.reason for one in found if isinstance(one, Skipped)}


def refused(folder: Path, name: str, taken: dict[str, Path] | None = None, **given: object) -> str:
    """What is said of a project that isn't made; nothing of it is left."""
    before = files(folder)
    with pytest.raises(DlimError) as caught:
        scaffold.create(folder, name, taken=taken or scaffold.taken([folder]), **given)  # type: ignore[arg-type]
    assert isinstance(caught.value, (ConfigError, ProjectError))
    assert files(folder) == before
    return str(caught.value)


def test_an_empty_project(tmp_path: Path) -> None:
    """A new project has the folders that a person fills, a daug.py that runs, and no settings to delete again."""
    made = scaffold.create(tmp_path, "close", taken={})
    assert made == Made("close", tmp_path / "close")
    assert files(tmp_path / "close") == ["data_augmentation", "data_augmentation/daug.py", "master"]
    assert os.access(made.folder / "data_augmentation/daug.py", os.X_OK)
    assert projects.load(tmp_path) == {"close": Project("close", tmp_path / "close", ProjectSettings())}


def test_the_folder_of_projects_is_made(tmp_path: Path) -> None:
    """The first project of a workspace needs no folder to lie in."""
    assert scaffold.create(tmp_path / "projects", "close", taken=scaffold.taken([tmp_path / "projects"]))
    assert list(projects.load(tmp_path / "projects")) == ["close"]


def test_the_sample_is_copied(tmp_path: Path) -> None:
    """daug.py is the workspace's sample, and dlim's own where there is none; both are whole scripts."""
    sample = ROOT / "sample/daug.py"
    one = scaffold.create(tmp_path, "one", taken={}, template=sample)
    two = scaffold.create(tmp_path, "two", taken={}, template=tmp_path / "none.py")
    assert (one.folder / "data_augmentation/daug.py").read_bytes() == sample.read_bytes()
    assert (two.folder / "data_augmentation/daug.py").read_text() == scaffold.SCRIPT


def test_settings_that_were_given(tmp_path: Path) -> None:
    """A label and a placement are in project.toml, where dlim reads them."""
    scaffold.create(tmp_path, "a", label="close_btn", placement="right-upper", taken={})
    scaffold.create(tmp_path, "b", placement="centre", taken={})
    assert (tmp_path / "a/project.toml").read_text() == 'label = "close_btn"\nplacement = "right-upper"\n'
    found = projects.load(tmp_path)
    assert [project.settings for project in found.values() if isinstance(project, Project)] == [
        ProjectSettings("close_btn", "right-upper"),
        ProjectSettings(None, "centre"),
    ]


def test_with_an_image(tmp_path: Path) -> None:
    """The image is the master."""
    source = picture(tmp_path / "in/shot.png")
    made = scaffold.create(tmp_path / "projects", "close", image=source, box=(2, 3, 12, 9), taken={})
    assert made == Made("close", tmp_path / "projects/close", source)
    with Image.open(made.folder / "master/image.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (12, 9))


def test_what_is_said_of_an_image(tmp_path: Path) -> None:
    """What was decided about the image comes with the project."""
    path = tmp_path / "a.gif"
    Image.new("RGB", (8, 8), "red").save(path, save_all=True, append_images=[Image.new("RGB", (8, 8), "blue")])
    made = scaffold.create(tmp_path / "projects", "close", image=path, taken={})
    assert made.notes == (f"{path}: has several frames; the first was taken",)


def test_labelled_it_builds(workspace: Workspace) -> None:
    """A project from an image wants a box and nothing else."""
    folder = workspace.folder / "projects"
    draw_master(workspace.folder / "crop.png", (32, 24), (8, 6, 24, 18))
    made = scaffold.create(folder, "close", image=workspace.folder / "crop.png", taken=scaffold.taken([folder]))
    daug = made.folder / "data_augmentation/daug.py"
    daug.write_text(daug.read_text().replace("suite()", "suite(count=2)"))
    text = XML.format(width=32, height=24, label="close", box=(9, 7, 24, 18))
    (made.folder / "master/image_extended.xml").write_text(text)
    done = workspace.doit("build:close")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((made.folder / "build/ssd").glob("*.jpg"))) == 18


def test_by_hand_it_runs(workspace: Workspace) -> None:
    """The new daug.py can be run as a program, as any other."""
    draw_master(workspace.folder / "crop.png", (32, 24), (8, 6, 24, 18))
    folder = workspace.folder / "projects"
    made = scaffold.create(folder, "close", image=workspace.folder / "crop.png", taken={})
    (workspace.folder / "config/dlim.toml").write_text("augment.count = 1\n")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [made.folder / "data_augmentation/daug.py", "close"],
        cwd=workspace.folder,
        env={**os.environ, "PATH": path},
        check=True,
        timeout=120,
    )
    assert len(list((made.folder / "build/.by_hand").rglob("*.jpg"))) == 9


NAMES = [
    ("", '"": is no name for a project; name it with letters, digits, _ and - only'),
    ("my button", "my button: is no name for a project; name it with letters, digits, _ and - only"),
    ("閉じる", "閉じる: is no name for a project; name it with letters, digits, _ and - only"),
    ("a/b", "a/b: is no name for a project; name it with letters, digits, _ and - only"),
    ("..", "..: is no name for a project; name it with letters, digits, _ and - only"),
    ("a\n", "a\\n: is no name for a project; name it with letters, digits, _ and - only"),
    ("-q", "-q: would be taken for an option of doit; begin the name with a letter or a digit"),
    ("a" * 49, f"{'a' * 49}: has over 48 characters; give it a shorter name"),
    (
        "a" * 41,
        f"{'a' * 41}: has 41 characters, and a label at most 40; give it a shorter name, or another label with --label",
    ),
    ("push", "push: is taken: doit label:push is a task of its own; give it another name"),
    ("Pull", "Pull: is taken: doit label:pull is a task of its own; give it another name"),
    ("NUL", "NUL: can't be the name of a folder on Windows; give it another name"),
    ("com7", "com7: can't be the name of a folder on Windows; give it another name"),
]


@pytest.mark.parametrize(("name", "fault"), NAMES)
def test_names_that_cannot_be(tmp_path: Path, name: str, fault: str) -> None:
    """A name that breaks a reader, a task or a file system is refused before anything is made."""
    assert refused(tmp_path, name) == fault


@pytest.mark.parametrize("name", ["a" * 40, "Close_2-b", "7", "_a", "pushed", "com"])
def test_names_that_can_be(tmp_path: Path, name: str) -> None:
    """What projects.load takes, and no task has, is a name."""
    scaffold.create(tmp_path, name, taken={})
    assert isinstance(projects.load(tmp_path)[name], Project)


def test_a_long_name_with_a_label(tmp_path: Path) -> None:
    """A name too long for a label is one where a label is given."""
    scaffold.create(tmp_path, "a" * 48, label="close", taken={})
    assert isinstance(projects.load(tmp_path)["a" * 48], Project)


def test_a_name_that_is_there(tmp_path: Path) -> None:
    """A second project of a name is refused, also where only a folder or a file has it."""
    scaffold.create(tmp_path, "close", image=picture(tmp_path / "in/a.png"), taken={})
    (tmp_path / "notes").mkdir()
    (tmp_path / "list").touch()
    (tmp_path / "gone").symlink_to("nowhere")
    for name in ("close", "notes", "list", "gone"):
        fault = f"{tmp_path}/{name}: exists already; give the new project another name, or take that away"
        assert refused(tmp_path, name) == fault
        assert refused(tmp_path, name, image=tmp_path / "in/a.png") == fault
    assert refused(tmp_path, "close", taken={"other": tmp_path / "other"}).startswith(f"{tmp_path}/close: exists")


def begun(folder: Path, settings: str = "") -> Path:
    """A project that was begun without an image."""
    made = scaffold.create(folder, "close", taken={}).folder
    (made / "data_augmentation/daug.py").write_text("a person's own\n")
    if settings:
        (made / "project.toml").write_text(settings)
    return made


def test_a_project_that_was_begun_gets_its_image(tmp_path: Path) -> None:
    """An image given later becomes the master, and nothing else of the project changes."""
    folder = begun(tmp_path / "projects", 'label = "x"\nplacement = "centre"\n')
    source = picture(tmp_path / "a.png")
    (folder / "master").rmdir()  # git keeps no empty folder
    taken = scaffold.taken([tmp_path / "projects"])
    made = scaffold.create(folder.parent, "close", image=source, box=(2, 3, 12, 9), label="x", taken=taken)
    assert made == Made("close", folder, source, begun=True)
    assert files(folder) == [
        "data_augmentation",
        "data_augmentation/daug.py",
        "master",
        "master/image.jpg",
        "project.toml",
    ]
    assert (folder / "data_augmentation/daug.py").read_text() == "a person's own\n"
    assert (folder / "project.toml").read_text() == 'label = "x"\nplacement = "centre"\n'
    with Image.open(folder / "master/image.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (12, 9))


def test_a_project_that_was_begun_and_no_image(tmp_path: Path) -> None:
    """The same name once more, without an image, says what is wanted."""
    begun(tmp_path)
    assert refused(tmp_path, "close") == (
        f"{tmp_path}/close: exists already, and wants an image; say which with --image, or give the new project "
        "another name"
    )


@pytest.mark.parametrize(
    ("settings", "given", "fault"),
    [
        (
            'label = "x"',
            {"label": "y"},
            '/project.toml: label: is "x" here; leave out --label, or write label = "y" there',
        ),
        ("", {"label": "y"}, '/project.toml: label: isn\'t set here; leave out --label, or write label = "y" there'),
        (
            "",
            {"placement": "centre"},
            (
                '/project.toml: placement: is "left-upper" here; '
                'leave out --placement, or write placement = "centre" there'
            ),
        ),
        ("lable = 1", {}, '/project.toml: lable: is no key here; did you mean "label"?'),
        ("generator = true", {}, ": exists already; give the new project another name, or take that away"),
    ],
)
def test_what_a_begun_project_does_not_take(
    tmp_path: Path, settings: str, given: dict[str, object], fault: str
) -> None:
    """What its own project.toml says otherwise is a line, and the image isn't put there."""
    begun(tmp_path / "projects", settings)
    source = picture(tmp_path / "a.png")
    assert refused(tmp_path / "projects", "close", image=source, **given) == f"{tmp_path}/projects/close{fault}"


def test_an_image_for_a_begun_project_that_cannot_be_read(tmp_path: Path) -> None:
    """A bad image leaves the project as it was, and so does a link that stands where the master should."""
    folder = begun(tmp_path / "projects")
    (tmp_path / "a.png").write_bytes(b"text")
    assert refused(folder.parent, "close", image=tmp_path / "a.png").startswith(f"{tmp_path}/a.png: is no image")
    (folder / "master/image.jpg").symlink_to("nowhere")
    assert "exists already" in refused(folder.parent, "close", image=picture(tmp_path / "b.png"))


@pytest.mark.parametrize("name", ["A-b", "a_b", "A_B"])
def test_a_name_that_meets_another_in_a_dataset(tmp_path: Path, name: str) -> None:
    """What would be called the same in a dataset's files, or on a disk that knows no case, is refused."""
    scaffold.create(tmp_path, "a-b", taken={})
    assert refused(tmp_path, name) == (
        f"{name}: its images would be called like those of {tmp_path}/a-b; give it another name"
    )


def test_a_name_of_another_folder_of_projects(tmp_path: Path) -> None:
    """The projects of all learners count: their images may meet in one dataset."""
    scaffold.create(tmp_path / "one", "close", taken={})
    taken = scaffold.taken([tmp_path / "one", tmp_path / "two", tmp_path / "none"])
    (tmp_path / "two").mkdir()
    assert refused(tmp_path / "two", "Close", taken) == (
        f"Close: its images would be called like those of {tmp_path}/one/close; give it another name"
    )


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"label": "Close"}, 'a: label: "Close" is no label; use at most 40 of a-z, 0-9, _ and -'),
        ({"label": "x" * 41}, f'a: label: "{"x" * 40}" is no label; use at most 40 of a-z, 0-9, _ and -'),
        ({"label": 'a"\nb = "c'}, 'a: label: "a"\\nb = "c" is no label; use at most 40 of a-z, 0-9, _ and -'),
        ({"placement": "right-uper"}, 'a: placement: "right-uper" is unknown; did you mean "right-upper"?'),
        ({"box": (0, 0, 9, 9)}, "a: a box was given and no image; say which image with --image"),
    ],
)
def test_what_cannot_be_given(tmp_path: Path, given: dict[str, object], fault: str) -> None:
    """A label that no dataset can carry, an unknown placement, a box of nothing: one line, and no project."""
    assert refused(tmp_path, "a", **given) == fault


def test_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    """Nothing is made of a bad image."""
    (tmp_path / "a.png").write_bytes(b"text")
    (tmp_path / "projects").mkdir()
    assert refused(tmp_path / "projects", "a", image=tmp_path / "a.png") == (
        f"{tmp_path}/a.png: is no image that can be read; save it as PNG or JPEG"
    )


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """Where the image can't be written, the folder isn't made either."""
    picture(tmp_path / "a.png", size=(240, 160))
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from dlim import scaffold\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (900, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    scaffold.create(Path('projects'), 'close', image=Path('a.png'), taken={})\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "File too large\n"
    assert files(tmp_path / "projects") == []


def test_a_folder_of_images(tmp_path: Path) -> None:
    """Each image becomes a project, by name, with the settings that hold for all."""
    for number, name in enumerate(["b.png", "a.jpg", "c.webp"]):
        picture(tmp_path / "in" / name, number)
    found = taken_up(tmp_path / "projects", tmp_path / "in", label="close", placement="right-upper")
    assert names(found) == ["a", "b", "c"]
    loaded = projects.load(tmp_path / "projects")
    assert {project.settings for project in loaded.values() if isinstance(project, Project)} == {
        ProjectSettings("close", "right-upper")
    }
    assert all((tmp_path / "projects" / name / "master/image.jpg").is_file() for name in "abc")


def test_the_second_time_nothing_is_new(tmp_path: Path) -> None:
    """What was taken in is known again by what it shows, under any name and in any lossless format."""
    for number, name in enumerate(["a.png", "b.jpg", "c.gif"]):
        picture(tmp_path / "in" / name, number)
    taken_up(tmp_path / "projects", tmp_path / "in")
    picture(tmp_path / "in/new.png", 7)
    picture(tmp_path / "in/z.bmp", 0)
    found = taken_up(tmp_path / "projects", tmp_path / "in")
    assert names(found) == ["new"]
    assert reasons(found) == {
        "a.png": "is here already as a",
        "b.jpg": "is here already as b",
        "c.gif": "is here already as c",
        "z.bmp": "is here already as a",
    }


def test_a_hand_made_master_counts(tmp_path: Path) -> None:
    """An image that someone made a project of by hand isn't taken in again, in whichever folder that lies."""
    master = picture(tmp_path / "other/close_x/master/image.jpg")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.jpg").write_bytes(master.read_bytes())
    taken = scaffold.taken([tmp_path / "other"])
    (found,) = scaffold.from_folder(tmp_path / "projects", tmp_path / "in", taken=taken)
    assert found == Skipped(tmp_path / "in/a.jpg", "is here already as close_x")


def test_a_broken_master_is_in_nobodys_way(tmp_path: Path) -> None:
    """A project whose master can't be read stops no other."""
    (tmp_path / "projects/bad/master").mkdir(parents=True)
    (tmp_path / "projects/bad/master/image.jpg").write_bytes(b"text")
    picture(tmp_path / "in/a.png")
    assert names(taken_up(tmp_path / "projects", tmp_path / "in")) == ["a"]


def test_what_a_folder_holds_beside_images(tmp_path: Path) -> None:
    """Other files are named with what is wrong with them; hidden files and folders are passed over."""
    picture(tmp_path / "in/a.png")
    picture(tmp_path / "in/b.bmp")
    picture(tmp_path / "in/sub/c.png", 3)
    (tmp_path / "in/.DS_Store").touch()
    (tmp_path / "in/list.txt").write_text("a")
    (tmp_path / "in/part.png").write_bytes((tmp_path / "in/a.png").read_bytes()[:90])
    (tmp_path / "in/gone.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "in/pipe.png")
    found = taken_up(tmp_path / "projects", tmp_path / "in")
    assert names(found) == ["a"]
    assert reasons(found) == {
        "b.bmp": "shows the same as a.png",
        "gone.png": "is missing; name an image file",
        "list.txt": "is no image that can be read; save it as PNG or JPEG",
        "part.png": "is a damaged image, or only part of one; save it again",
        "pipe.png": "is no file; name an image file",
    }


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Close Btn 12.PNG", "close_btn_12"),
        ("close-btn.png", "close-btn"),
        ("  a..b  .png", "a_b"),
        ("Fermé.png", "ferme"),
        ("閉じる.png", "crop"),
        ("閉じる12.png", "crop_12"),
        ("２０２５.png", "crop_2025"),
        ("-x-.png", "x"),
        (f"{'a' * 39} b.png", "a" * 39),
        (f"{'a' * 60}.png", "a" * 40),
        ("push.png", "push_2"),
        ("CON.png", "con_2"),
        ("a\nb.png", "a_b"),
        ("a\udcffb.png", "a_b"),
    ],
)
def test_names_after_files(tmp_path: Path, file: str, name: str) -> None:
    """A project is called after its file, as far as a name can be like that, and its box can be called so, too."""
    picture(tmp_path / "a.png").rename(tmp_path / "in.png")
    (tmp_path / "in").mkdir()
    (tmp_path / "in.png").rename(tmp_path / "in" / file)
    assert names(taken_up(tmp_path / "projects", tmp_path / "in")) == [name]
    made = projects.load(tmp_path / "projects")[name]
    assert isinstance(made, Project)
    assert suggested(made, ()) == name


def test_files_that_would_be_called_alike(tmp_path: Path) -> None:
    """The later of two gets a number behind, and again the next time there is one."""
    scaffold.create(tmp_path / "projects", "Close", taken={})
    long = "b" * 40
    for number, name in enumerate(
        ["close.png", "close_3.png", "CLOSE.jpg", "閉.png", "開.png", f"{long}.png", f"{long}c.png"]
    ):
        picture(tmp_path / "in" / name, number)
    found = taken_up(tmp_path / "projects", tmp_path / "in")
    made = {one.source.name: one.name for one in found if isinstance(one, Made) and one.source}
    assert made == {
        "CLOSE.jpg": "close_2",
        f"{long}.png": long,
        f"{long}c.png": f"{'b' * 38}_2",
        "close.png": "close_3",
        "close_3.png": "close_3_2",
        "閉.png": "crop",
        "開.png": "crop_2",
    }
    picture(tmp_path / "in/Close!.png", 99)
    assert names(taken_up(tmp_path / "projects", tmp_path / "in")) == ["close_4"]
    assert all(isinstance(project, Project) for project in projects.load(tmp_path / "projects").values())


def test_an_empty_folder(tmp_path: Path) -> None:
    """From nothing comes nothing."""
    (tmp_path / "in").mkdir()
    assert taken_up(tmp_path / "projects", tmp_path / "in") == []


@pytest.mark.parametrize(
    ("source", "given", "fault"),
    [
        ("none", {}, "none: is no folder; name a folder of images"),
        ("a.png", {}, "a.png: is no folder; name a folder of images"),
        (".", {"label": "A"}, ': label: "A" is no label; use at most 40 of a-z, 0-9, _ and -'),
        (".", {"placement": "center"}, ': placement: "center" is unknown; did you mean "centre"?'),
    ],
)
def test_a_folder_that_cannot_be_taken(tmp_path: Path, source: str, given: dict[str, str], fault: str) -> None:
    """What is wrong with the whole is said at once, before the first project."""
    picture(tmp_path / "a.png")
    with pytest.raises(DlimError) as caught:
        scaffold.from_folder(tmp_path / "projects", tmp_path / source, taken={}, **given)
    assert str(caught.value).endswith(fault)
    assert not (tmp_path / "projects").exists()


def test_the_same_folder_makes_the_same_projects(tmp_path: Path) -> None:
    """Whatever order a file system lists them in, names and bytes are the same."""
    for number, name in enumerate(["a b.png", "a_b.png", "A-B.png", "c.png"]):
        picture(tmp_path / "in" / name, number)
    for folder in ("one", "two"):
        taken_up(tmp_path / folder, tmp_path / "in")
    held = [
        {path: (tmp_path / folder / path).read_bytes() for path in files(tmp_path / folder) if "." in path}
        for folder in ("one", "two")
    ]
    assert held[0] == held[1]
    assert len(held[0]) == 8


def test_killed_half_way(tmp_path: Path) -> None:
    """What was made until a kill is whole, and the next time makes the rest."""
    for number in range(300):
        picture(tmp_path / f"in/{number:03d}.png", number)
    code = (
        "from pathlib import Path\n"
        "from dlim import scaffold\n"
        "list(scaffold.from_folder(Path('projects'), Path('in'), taken={}))\n"
    )
    running = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    folder = tmp_path / "projects"
    while running.poll() is None and (not folder.exists() or len(list(folder.glob("crop_*"))) < 20):
        time.sleep(0.001)
    running.send_signal(signal.SIGKILL)
    running.wait()
    whole = ["data_augmentation", "data_augmentation/daug.py", "master", "master/image.jpg"]
    made = list(folder.glob("crop_*"))
    assert len(made) >= 20
    assert all(files(path) == whole for path in made)
    taken_up(folder, tmp_path / "in")
    assert sorted(path.name for path in folder.iterdir()) == [f"crop_{number:03d}" for number in range(300)]
    assert all(files(path) == whole for path in folder.iterdir())
