"""What tests of the commands share: the workspaces of the tests of `build`."""

from tests.build.conftest import built, two

__all__ = ["built", "two"]
