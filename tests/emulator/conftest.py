"""Fixtures of the tests under AWS's emulator."""

from tests.end_to_end.conftest import store  # noqa: F401 - a fixture
