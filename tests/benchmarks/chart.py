"""Draw the cold starts of results.json against those of the peers, as SVG: `python -m tests.benchmarks.chart`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

RESULTS = Path(__file__).with_name("results.json")
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "cold-starts.svg"
LINK, PROCESSORS = "78-tls", "all"
SETS = {
    "A": "pandas, scipy, scikit-learn, Arrow; 0.5 GB",
    "B": "TensorFlow; 1.6 GB",
    "C": "the first, and 500 MB that do not compress",
    "D": "one file of 2 GB",
    "E": "50,000 small files",
    "N": "Node.js",
}
METHODS = {
    "dropshift": ("Dropshift", "#0f766e"),
    "p1": ("boto3, then unzip", "#94a3b8"),
    "p2": ("tar.gz, streamed (Zappa)", "#64748b"),
    "p3": ("zipfile's extractall", "#cbd5e1"),
    "p4": ("AWS SDK, unzipper", "#94a3b8"),
    "p5": ("AWS SDK, adm-zip", "#64748b"),
}
_LEFT, _WIDTH, _BAR, _GAP, _TOP = 300, 960, 15, 22, 64
"""Pixels."""


class Bar(NamedTuple):
    """One method's time for one set."""

    method: str
    seconds: float
    least: float
    most: float


def draw() -> None:
    """Write the picture anew."""
    rows = json.loads(RESULTS.read_text())["rows"]
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(chart({name: bars for name in SETS if (bars := _bars(name, rows))}))


def _bars(name: str, rows: list[dict[str, Any]]) -> list[Bar]:
    """Return the bars of a set: ours and its peers', in the order of METHODS."""
    place = (name, LINK, PROCESSORS)
    known = {row["method"]: row for row in rows if (row["set"], row["link"], row["processors"]) == place}
    found = [(method, known[method]) for method in METHODS if method in known]
    return [Bar(method, row["ready_s"], row["ready_s_min"], row["ready_s_max"]) for method, row in found]


def chart(sets: dict[str, list[Bar]]) -> str:
    """Return a horizontal bar chart: seconds until a release is ready, with the spread of the rounds."""
    longest = max(bar.most for bars in sets.values() for bar in bars)
    scale = (_WIDTH - _LEFT - 70) / longest
    parts, y = [], _TOP
    for name, bars in sets.items():
        middle = y + len(bars) * _BAR / 2 + 5
        parts.append(f'<text x="{_LEFT - 12}" y="{middle:.0f}" text-anchor="end">{escape(SETS[name])}</text>')
        for bar in bars:
            parts += _drawn(bar, y, scale)
            y += _BAR
        y += _GAP
    used = {bar.method for bars in sets.values() for bar in bars}
    return "\n".join([*_head(y), *_legend([one for one in METHODS if one in used]), *parts, "</svg>", ""])


def _head(height: int) -> Iterator[str]:
    box = f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {box}>'
    yield f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>'
    title = "Seconds from the start of a process until the first call can be answered"
    yield f'<text x="16" y="24" font-size="14" font-weight="bold">{title}</text>'


def _legend(methods: list[str]) -> Iterator[str]:
    x = 16
    for method in methods:
        name, colour = METHODS[method]
        yield f'<rect x="{x}" y="36" width="11" height="11" fill="{colour}"/>'
        yield f'<text x="{x + 16}" y="46">{escape(name)}</text>'
        x += 34 + 7 * len(name)


def _drawn(bar: Bar, y: float, scale: float) -> Iterator[str]:
    """Draw a bar, a line from its quickest round to its slowest, and its seconds."""
    end, middle = _LEFT + bar.seconds * scale, y + (_BAR - 2) / 2
    size, colour = f'width="{bar.seconds * scale:.1f}" height="{_BAR - 2}"', METHODS[bar.method][1]
    yield f'<rect x="{_LEFT}" y="{y}" {size} fill="{colour}"/>'
    first, last = _LEFT + bar.least * scale, _LEFT + bar.most * scale
    yield f'<path d="M{first:.1f} {middle}H{last:.1f}" stroke="#0f172a"/>'
    weight = ' font-weight="bold"' if bar.method == "dropshift" else ""
    yield f'<text x="{max(end, last) + 6:.1f}" y="{y + _BAR - 4}" font-size="11"{weight}>{bar.seconds:.2f}</text>'


if __name__ == "__main__":
    draw()
