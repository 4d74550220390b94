"""A release makes the same few calls whatever came before it, as docs/scale.md has them."""

from pathlib import Path

from tests.faults.calls import EARLIER, calls, shown, table

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


def test_a_release_makes_as_many_calls_after_ten_thousand_others_as_after_one_and_the_page_says_how_many() -> None:
    assert shown(table()) in PAGE.read_text()


def test_the_default_leaves_the_account_most_of_its_control_plane() -> None:
    """Three hundred applications with twenty releases each in eight hours are 0.21 releases per second."""
    assert calls("canary", EARLIER[0])["control plane (15/s)"] * 6_000 / (8 * 3_600) < 15 / 3
