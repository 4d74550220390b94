"""Pages of docs/: the figures between their markers are written by the commands that count them."""

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
END = "<!-- end -->"


def write(command: str, text: str, page: Path = PAGE) -> None:
    """Replace what stands between the marker of a command and the next end; raises ValueError without a marker."""
    begin = f"<!-- written by `{command}` -->\n"
    before, marker, rest = page.read_text().partition(begin)
    if not marker:
        raise ValueError(f"{page.name} has no line {begin.strip()}")
    page.write_text(f"{before}{begin}{text}\n{END}{rest.partition(END)[2]}")
