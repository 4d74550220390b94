"""Measure cold starts: python -m tests.benchmarks --sets A --links 78-tls --methods dropshift p1 curl --rounds 5.

Methods are interleaved within a round, so that what disturbs the machine disturbs all of them. Rows that were measured
before and are not measured now stay in results.json.
"""

import argparse
import json
import os
import platform
import statistics
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from operator import truediv
from pathlib import Path
from typing import Any

from deployer.model.profile import Profile
from tests.benchmarks import chart
from tests.benchmarks.accounting import PROCESSORS
from tests.benchmarks.cost import Cost
from tests.benchmarks.link import LINKS, serving
from tests.benchmarks.measure import start
from tests.benchmarks.methods import OURS, measured
from tests.benchmarks.peers import NODE_PEERS, PEERS
from tests.benchmarks.recording import recorded
from tests.benchmarks.sets import CACHE, SETS, Packed, pack_for_peers, packed

RESULTS = Path(__file__).with_name("results.json")
ALL_PEERS = (*PEERS, *NODE_PEERS)
USUAL = ("dropshift", "before", *ALL_PEERS, "curl", "native")
METHODS = (*USUAL, "apart", "create")
LIMITS = ("curl", "create")
QUICK = timedelta(seconds=30)
"""For a first release, which is only built to be watched."""
type Row = dict[str, Any]
type Key = tuple[str, str, str, str]


def main() -> None:
    """Measure what was asked for, print it as a table, keep it as JSON."""
    asked = _asked()
    for name in asked.sets:
        made = _made(name, timedelta(seconds=asked.budget), profiled=not asked.unprofiled)
        methods = [one for one in asked.methods if one in measured(made)]
        if {*ALL_PEERS} & {*methods}:
            pack_for_peers(made)
        for link in asked.links:
            with serving(LINKS[link], CACHE) as served:
                for processors in asked.processors:
                    costs: dict[str, list[Cost]] = defaultdict(list)
                    for number in range(asked.rounds + 1):
                        for method in methods:
                            watch = number == asked.rounds
                            costs[method].append(start(method, made, served, PROCESSORS[processors], memory=watch))
                    new = [_row(name, link, processors, method, costs) for method in methods]
                    _show(new)
                    _keep(new)
    chart.draw()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["A"])
    parser.add_argument("--links", nargs="+", choices=LINKS, default=["78-tls"])
    parser.add_argument("--processors", nargs="+", choices=PROCESSORS, default=["all"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=USUAL)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--budget", type=float, default=300, help="seconds to compress a set once")
    parser.add_argument("--unprofiled", action="store_true", help="measure a first release, which has no profile")
    return parser.parse_args()


def _made(name: str, budget: timedelta, *, profiled: bool) -> Packed:
    """Make a set; with a profile, as every release but an application's first is laid out."""
    if not profiled or not SETS[name].runtime.startswith("python"):
        return packed(name, budget)
    first = packed(name, QUICK)
    kept = CACHE / f"{name}.profile.json"
    if not kept.exists():
        kept.write_text(recorded(first).model_dump_json())
    return packed(name, budget, Profile.model_validate_json(kept.read_text()))


def _row(name: str, link: str, processors: str, method: str, costs: dict[str, list[Cost]]) -> Row:
    *timed, watched = costs[method]
    row: Row = {"set": name, "link": link, "processors": processors, "method": method, "rounds": len(timed)}
    for field in ("imported_s", "ready_s", "files_s", "touch_s", "cpu_s"):
        values = [getattr(cost, field) for cost in timed]
        row |= {
            field: round(statistics.median(values), 3),
            f"{field}_min": round(min(values), 3),
            f"{field}_max": round(max(values), 3),
        }
    if method in OURS:
        row |= _ratios(method, costs)
    return row | {
        "peak_mb": round(watched.peak_mb, 1),
        "loader_mb": round(watched.loader_mb, 1),
        "disk_mb": round(watched.disk_mb, 1),
        "wire_bytes": watched.wire_bytes,
    }


def _ratios(method: str, costs: dict[str, list[Cost]]) -> Row:
    """Compare round by round: how much sooner we are ready than each peer, and our times against the limits.

    Each is a median, the least and the most; the last round, which also watches memory, is left out.
    """
    timed = {one: values[:-1] for one, values in costs.items()}
    ours = timed[method]

    def against(others: Iterable[str], field: str) -> dict[str, list[float]]:
        return {
            one: _spread(
                getattr(cost, field) / getattr(other, field) for cost, other in zip(ours, timed[one], strict=True)
            )
            for one in others
            if one in timed and one != method
        }

    sooner = {one: [cost.ready_s for cost in timed[one]] for one in ALL_PEERS if one in timed}
    ready = [cost.ready_s for cost in ours]
    return {
        "ready_sooner_than": {one: _spread(map(truediv, values, ready)) for one, values in sooner.items()},
        "ready_against": against(("before", "native"), "ready_s"),
        "files_against": against((*LIMITS, "before"), "files_s"),
        "cpu_against": against(("before",), "cpu_s"),
    }


def _spread(values: Iterable[float]) -> list[float]:
    some = sorted(values)
    return [round(value, 2) for value in (statistics.median(some), some[0], some[-1])]


def _show(rows: Iterable[Row]) -> None:
    for row in rows:
        print(
            f"{row['set']:2} {row['link']:12} {row['processors']:5} {row['method']:10}"
            f" imported {row['imported_s']:7.2f}"
            f" ready {row['ready_s']:7.2f} ({row['ready_s_min']:.2f}-{row['ready_s_max']:.2f})"
            f" files {row['files_s']:7.2f} touch {row['touch_s']:6.2f} cpu {row['cpu_s']:6.2f}"
            f" peak {row['peak_mb']:6.0f} MB, loader {row['loader_mb']:4.0f} MB"
            f" disk {row['disk_mb']:6.0f} MB wire {row['wire_bytes'] / 1e6:7.1f} MB",
            flush=True,
        )
        for one, (middle, least, most) in row.get("ready_sooner_than", {}).items():
            print(f"   ready {middle:.2f} ({least:.2f}-{most:.2f}) times sooner than {one}")
        for what in ("ready", "files", "cpu"):
            for one, (middle, least, most) in row.get(f"{what}_against", {}).items():
                print(f"   {what} {middle:.2f} ({least:.2f}-{most:.2f}) times what {one} takes")


def _keep(rows: Iterable[Row]) -> None:
    known = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    kept = {_key(row): row for row in (*known, *rows)}
    machine = {
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    text = json.dumps({"machine": machine, "rows": [kept[key] for key in sorted(kept)]}, indent=1)
    RESULTS.write_text(text + "\n")


def _key(row: Row) -> Key:
    return row["set"], row["link"], row["processors"], row["method"]


if __name__ == "__main__":
    main()
