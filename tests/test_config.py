"""config/: what it says, and what a person is told who wrote something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlim import config
from dlim.config import Augment, Learner, ProjectSettings, Server, Settings, Split
from dlim.errors import ConfigError
from dlim.formats import FORMATS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config/ folder with one learner."""
    (tmp_path / "learners").mkdir()
    (tmp_path / "learners/ssd.toml").write_text("canvas = [400, 400]\n")
    return tmp_path


def told(folder: Path) -> str:
    """What a person is told of a folder that can't be followed: one line."""
    with pytest.raises(ConfigError) as caught:
        config.load(folder)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_what_is_not_written_has_its_default(folder: Path) -> None:
    """Without dlim.toml, and with a learner's canvas alone, everything else is as documented."""
    made = config.load(folder)
    assert made.settings == Settings(
        seed=1, labelling_canvas=(400, 400), split=Split(train_percent=80, by="image"), augment=Augment(99, 125)
    )
    assert made.learners == {
        "ssd": Learner((400, 400), "projects", ("*",), (), {}, boxes="follow", format="voc", class_lists=True)
    }


def test_all_that_can_be_written(folder: Path) -> None:
    """Every key of both files is read as it stands."""
    (folder / "dlim.toml").write_text(
        "seed = 7\nlabelling_canvas = [500, 300]\n"
        '[split]\ntrain_percent = 99\nby = "master"\n[augment]\ncount = 1\ncval = 0\n'
    )
    (folder / "learners/ssd.toml").write_text(
        'canvas = "native"\nprojects = "other_projects"\ninclude = ["a*", "b"]\nexclude = ["ab"]\n'
        'boxes = "master"\nformat = "voc"\nclass_lists = false\n[labels]\n"x_*" = "x"\n'
    )
    made = config.load(folder)
    assert made.settings == Settings(7, (500, 300), Split(99, "master"), Augment(1, 0))
    assert made.learners["ssd"] == Learner(
        "native", "other_projects", ("a*", "b"), ("ab",), {"x_*": "x"}, "master", "voc", class_lists=False
    )


def test_the_committed_files_are_good() -> None:
    """The configuration that a fresh checkout has can be followed."""
    assert set(config.load(ROOT / "config").learners) >= {"resnet34", "ssd"}


def test_learners_are_sorted_by_name(folder: Path) -> None:
    """Learners come in one order on every machine, and only .toml files are learners."""
    for name in ("b.toml", "a.toml", "notes.txt"):
        (folder / "learners" / name).write_text('canvas = "native"\n')
    assert list(config.load(folder).learners) == ["a", "b", "ssd"]


NATIVE = 'canvas = "native"\n'


def test_a_project_needs_no_file(tmp_path: Path) -> None:
    """Without project.toml a project has the defaults; with it, what it says."""
    path = tmp_path / "project.toml"
    assert config.project_settings(path) == ProjectSettings(None, "left-upper", generator=False)
    path.write_text('label = "close"\nplacement = "centre"\ngenerator = true\n')
    assert config.project_settings(path) == ProjectSettings("close", "centre", generator=True)


def test_text_in_another_encoding(folder: Path) -> None:
    """A file that isn't UTF-8 is named as no TOML."""
    (folder / "dlim.toml").write_bytes("# 日本語\n".encode("shift-jis"))
    text = told(folder)
    assert text.startswith(f"{folder}/dlim.toml: is no TOML: 'utf-8' codec can't decode byte 0x93 in position 2")
    assert text.endswith("; mend it at that place")


@pytest.mark.parametrize("name", ["SSD", "my ssd", "ssd.old"])
def test_what_a_learner_may_not_be_called(folder: Path, name: str) -> None:
    """A learner's name goes into task names and paths, and is refused where it can't."""
    path = folder / f"learners/{name}.toml"
    path.write_text(NATIVE)
    assert told(folder) == f"{path}: is no name for a learner; name it with a-z, 0-9, _ and - only"


def test_a_workspace_without_a_learner(tmp_path: Path) -> None:
    """Without a learner there is nothing to build for, and that is said."""
    assert told(tmp_path) == f"{tmp_path}/learners: holds no learner; write one there, such as ssd.toml"


@pytest.mark.parametrize(
    ("include", "exclude", "taken"),
    [
        pytest.param(("*",), (), {"close", "close_b", "skip"}, id="all"),
        pytest.param(("close*",), (), {"close", "close_b"}, id="a pattern"),
        pytest.param(("close", "skip"), (), {"close", "skip"}, id="names"),
        pytest.param(("*",), ("close_?",), {"close", "skip"}, id="all but a pattern"),
        pytest.param(("close",), ("*",), set(), id="what is excluded is out, whatever includes it"),
        pytest.param(("Close",), (), set(), id="case counts"),
    ],
)
def test_which_projects_a_learner_takes(include: tuple[str, ...], exclude: tuple[str, ...], taken: set[str]) -> None:
    """A learner takes what is included and not excluded."""
    learner = Learner("native", include=include, exclude=exclude)
    assert {name for name in ("close", "close_b", "skip") if learner.takes(name)} == taken


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        pytest.param("close", 9, id="its own entry"),
        pytest.param("close_b", 20, id="its own entry before a pattern that stands first"),
        pytest.param("close_c", 10, id="the first pattern"),
        pytest.param("skip", None, id="none"),
        pytest.param("Close", None, id="case counts"),
    ],
)
def test_limits(folder: Path, name: str, limit: int | None) -> None:
    """A name's own limit counts before any pattern, then the first pattern that fits; else it has none."""
    table = '"close_*" = 10\nclose = 9\nclose_b = 20\n"clos*" = 5\n'
    (folder / "learners/ssd.toml").write_text(f"{NATIVE}[limit.projects]\n{table}[limit.labels]\n{table}x = 1\n")
    found = config.load(folder).learners["ssd"].limit
    assert (found.of_project(name), found.of_label(name)) == (limit, limit)
    assert (found.of_project("x"), found.of_label("x")) == (None, 1)


def test_every_format_has_its_module() -> None:
    """The formats that a learner may name are those that dlim has."""
    assert set(config.FORMATS) == set(FORMATS)


def test_no_servers(folder: Path) -> None:
    """Without servers.toml, or with an empty one, no server is named."""
    assert config.load(folder).servers == {}
    (folder / "servers.toml").touch()
    assert config.load(folder).servers == {}


def test_all_that_can_be_said_of_a_server(folder: Path) -> None:
    """Every key is read as it stands, and servers come sorted; one may have none at all."""
    (folder / "servers.toml").write_text(
        '[ssd]\nhost = "box"\nuser = "me"\nport = 2200\nhome = "~/ssd"\nidentity_file = ".ssh/key"\n'
        'password_file = "/secret"\n[label-2]\n[here]\nhome = "/srv"\n'
    )
    made = config.load(folder).servers
    assert list(made) == ["here", "label-2", "ssd"]
    assert made["ssd"] == Server("box", "me", 2200, "~/ssd", ".ssh/key", "/secret")
    assert made["label-2"] == Server()
    assert made["here"] == Server(home="/srv")


def test_the_sample_of_servers_is_good() -> None:
    """What a person copies can be followed."""
    assert set(config.servers(ROOT / "config/servers.sample.toml")) == {"imglabeling", "resnet34", "ssd"}


def test_an_address_with_colons_is_a_host(folder: Path) -> None:
    """An IPv6 address is no host with a port."""
    (folder / "servers.toml").write_text('[ssd]\nhost = "fe80::1"\nhome = "dlim"\n')
    assert config.load(folder).servers["ssd"].host == "fe80::1"


TWO = 'canvas = "native"\n[learning]\nserver = "gpu"\nfolder = "{0}"\ndataset_dir = "{1}"\n[service]\nfolder = "{2}"\n'


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (("a", "d", "s"), ("b", "d", "./s"), "service.weight: weights/latest_weight.pth is that of one as well"),
        (("a", "d", "s"), ("a", "d", "t"), "learning.dataset_dir: d is that of one as well"),
        (("a", "d", "s"), ("a", "e", "t"), ""),
    ],
)
def test_learners_that_share_a_place(one: tuple[str, ...], other: tuple[str, ...], told: str, folder: Path) -> None:
    """Two whose weights or datasets would overwrite each other are refused when the configuration is read."""
    for path in (folder / "learners").iterdir():
        path.unlink()
    (folder / "learners/one.toml").write_text(TWO.format(*one))
    (folder / "learners/two.toml").write_text(TWO.format(*other))
    (folder / "servers.toml").write_text('[gpu]\nhost = "box"\nhome = "dlim"\n')
    if not told:
        assert len(config.load(folder).learners) == 2
        return
    with pytest.raises(ConfigError) as caught:
        config.load(folder)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('numbers.loss = "loss ("', r"learning.numbers.loss: is no pattern"),
        ('numbers.loss = "loss"', r"learning.numbers.loss: has no group; put \( and \) around the number"),
    ],
)
def test_what_a_learner_may_not_say(text: str, told: str, folder: Path) -> None:
    """Each is a line when the configuration is read."""
    (folder / "learners/ssd.toml").write_text(f'canvas = "native"\n[learning]\n{text}\n')
    with pytest.raises(ConfigError, match=told):
        config.load(folder)
