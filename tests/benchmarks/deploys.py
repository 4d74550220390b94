"""Measure deploys, from drop to live, on the local AWS: python -m tests.benchmarks.deploys --sets A B S --rounds 5.

Each round of a method drops a first release, one with a changed source file, one with a changed dependency, and the
same bytes again, on a local AWS of its own; `before` does so in a checkout of an earlier commit. Methods take turns in
a round. `--later N` drops so many further changes of one file, case `later`: their bundles grow stronger. Beside them,
on the same tree, what people do today. Rows that are not measured now stay in deploys.json.

Thousands of files are made: set TMPDIR to a file system of its own where other programs write to the same disk.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from deployer.bundle import BuildOptions, build
from tests.applications import entries
from tests.benchmarks.deploy_sets import FOLDER, SETS, archives
from tests.benchmarks.packers import PACKERS

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("deploys.json")
COMMIT = "bb1718f"
"""The last commit that compressed every release anew."""
CHECKOUT = ROOT / "build" / "before-deploys"
DRIVER = Path(__file__).with_name("deploy_driver.py")
FIELDS = ("smoke_s", "live_s", "inspect_s", "bundle_s", "publish_s", "smoke_test_s", "bundle_bytes")

type Row = dict[str, Any]


def main() -> None:
    """Measure, print and keep."""
    asked = _asked()
    for name in asked.sets:
        cases = archives(name)
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for number in range(asked.rounds):
            for method in asked.methods:
                if method == "before" and number >= (asked.rounds_before or asked.rounds):
                    continue
                for case, row in METHODS[method](name, cases, asked.later):
                    found[case, method].append(row)
                    print(name, case, method, json.dumps(row), flush=True)
        _keep(_row(name, case, method, rows) for (case, method), rows in found.items())


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["S"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["before", "dropshift"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rounds-before", type=int, help="fewer rounds for `before`, one of which takes minutes")
    parser.add_argument("--later", type=int, default=0, help="further releases with one changed file, after the others")
    return parser.parse_args()


def _row(name: str, case: str, method: str, rows: list[Row]) -> Row:
    row: Row = {"set": name, "case": case, "method": method, "rounds": len(rows)}
    for field in FIELDS:
        values = [one[field] for one in rows if field in one]
        if values:
            row[field] = round(statistics.median(values), 3)
            row[f"{field}_range"] = [round(min(values), 3), round(max(values), 3)]
    steps = {step for one in rows for step in one.get("steps", {})}
    row["steps"] = {
        step: round(statistics.median(one["steps"].get(step, 0.0) for one in rows), 3) for step in sorted(steps)
    }
    return row


def _dropped(checkout: Path, cases: dict[str, Path], later: int) -> Iterable[tuple[str, Row]]:
    further = _further(cases["one-file"], later)
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, str(DRIVER), *map(str, (*cases.values(), *further))]
    with subprocess.Popen(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for case, line in zip((*cases, *("later" for _ in further)), process.stdout or (), strict=False):
            yield case, json.loads(line)
    if process.returncode:
        raise RuntimeError(f"the driver in {checkout} ended with {process.returncode}")


def _further(archive: Path, count: int) -> list[Path]:
    """Return copies of an archive with one more line each in the handler's file."""
    made = []
    for number in range(count):
        target = archive.with_name(f"{archive.stem}-{number}.zip")
        if not target.exists():
            target.write_bytes(archive.read_bytes())
            (FOLDER / "app.py").write_text(f"NUMBER = {number}\n" + _handler(archive))
            subprocess.run(["zip", "-q", "-j", target, FOLDER / "app.py"], check=True)
        made.append(target)
    return made


def _handler(archive: Path) -> str:
    return subprocess.run(["unzip", "-p", archive, "app.py"], check=True, capture_output=True, text=True).stdout


def _before(_name: str, cases: dict[str, Path], _later: int) -> Iterable[tuple[str, Row]]:
    """Drop in a checkout of the earlier commit."""
    if not CHECKOUT.exists():
        CHECKOUT.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", COMMIT], check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout
        subprocess.run(["tar", "-x", "-C", CHECKOUT], check=True, input=archive)
        (CHECKOUT / ".venv").symlink_to(ROOT / ".venv")
    return _dropped(CHECKOUT, cases, 0)


def _today(_name: str, cases: dict[str, Path], later: int) -> Iterable[tuple[str, Row]]:
    return _dropped(ROOT, cases, later)


def _strongest(name: str, _cases: dict[str, Path], _later: int) -> Iterable[tuple[str, Row]]:
    """Bundle the first release with every frame at the strongest level, whatever time it takes."""
    tree = FOLDER / f"{name}.strongest"
    shutil.copytree(FOLDER / name, tree, symlinks=True, dirs_exist_ok=True)  # it gains bytecode
    described = [entry for entry in entries(tree) if not entry.path.endswith(".pyc")]
    week = timedelta(days=7)
    options = BuildOptions(python=sys.version_info[:2], patient=True, budget=week, threads=os.cpu_count() or 1)
    began = time.monotonic()
    built = build(tree, described, len, options)
    seconds = time.monotonic() - began
    shutil.rmtree(tree)
    yield "first", {"bundle_s": seconds, "bundle_bytes": built.size}


METHODS = {"before": _before, "dropshift": _today, "level-19": _strongest, **PACKERS}
"""Packers do not deploy what they make."""


def _keep(rows: Iterable[Row]) -> None:
    known = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    kept = {(row["set"], row["case"], row["method"]): row for row in (*known, *rows)}
    text = json.dumps({"cores": os.cpu_count(), "rows": [kept[key] for key in sorted(kept)]}, indent=1)
    RESULTS.write_text(text + "\n")


if __name__ == "__main__":
    main()
