"""What made a build beside its inputs: the packages that a script imports."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from dlim import provenance


def test_the_packages_that_a_script_imports_are_inputs(tmp_path: Path) -> None:
    """With those that they ask for, as these draw for them; not what is installed beside, and not the script's own."""
    (tmp_path / "daug.py").write_text(
        "import os, numpy as np\nfrom imgaug.augmenters import Fliplr\nimport helper, nowhere\n"
    )
    (tmp_path / "helper.py").write_text("from PIL import Image\n")
    found = provenance.imported([str(tmp_path / name) for name in ("daug.py", "helper.py", "table.csv")])
    assert found["the version of numpy"] == metadata.version("numpy")
    assert found["the version of imgaug"] == metadata.version("imgaug")
    assert {f"the version of {name}" for name in ("scipy", "scikit-image")} <= found.keys()
    assert "the version of nowhere" not in found
    assert {Path(path).name for path in provenance.imported_files([str(tmp_path / "daug.py")])} == {"METADATA"}
