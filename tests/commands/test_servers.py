"""servers, trust, label:push and label:pull, where every server is a folder of this machine."""

from __future__ import annotations

from tests.conftest import XML, Workspace


def test_servers_and_their_keys(workspace: Workspace) -> None:
    """Each server is a line; one that is a folder here has no host key, and one that nobody named is told."""
    workspace.project("red")
    done = workspace.doit("servers")
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:]] == [
        [name, f".dlim/servers/{name}", "ready"] for name in ("imglabeling", "resnet34", "ssd")
    ]
    done = workspace.doit("trust:ssd", "--record")
    assert (done.returncode, done.stdout) == (0, "ssd: is a folder of this machine; it has no host key\n")
    done = workspace.doit("trust:sdd")
    assert done.returncode == 3
    assert 'trust:sdd: "sdd" is no server; did you mean "ssd"?' in done.stdout + done.stderr


def test_labels_go_and_come(workspace: Workspace) -> None:
    """Images are made where they are lacking or old; a project that can't be put on the canvas stops no other."""
    red, blue = workspace.project("red"), workspace.project("blue")
    (blue / "master/image.jpg").write_bytes(b"no image")
    done = workspace.doit("label:push")
    assert done.returncode == 3
    assert "label:push: .dlim/servers/imglabeling: brought red" in done.stdout
    assert "blue" in done.stdout.splitlines()[0]
    there = workspace.folder / ".dlim/servers/imglabeling/projects/red/master"
    assert (there / "image_extended.jpg").read_bytes() == (red / "master/image_extended.jpg").read_bytes()
    (there / "image_extended.xml").write_text(XML.format(width=32, height=24, label="red", box=(2, 3, 20, 21)))
    done = workspace.doit("label:pull")
    assert done.returncode == 3
    assert "there red 2,3 to 20,21" in done.stdout
    done = workspace.doit("label:pull", "--take")
    assert done.returncode == 0
    assert "red: taken" in done.stdout
