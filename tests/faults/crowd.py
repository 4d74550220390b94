"""An account with many applications that had many releases: `python -m tests.faults.crowd [applications releases]`.

It prints how long `status` of all of them takes here, where each call is answered from memory.
"""

import copy
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import replace

from tests.faults.account import BUNDLES
from tests.faults.flows import mid_bake, prepared
from tests.faults.wiring import inhabited
from tests.faults.world import World


def add(world: World, names: Iterable[str], releases: int = 0) -> None:
    """Add applications that stand where the first one does, and had so many releases before."""
    first, lambda_ = world.applications[0], world.account.lambda_
    objects, model = world.account.s3.buckets[BUNDLES].objects, lambda_.functions[world.settings.function(first)]
    mine = {key: one for key, one in objects.items() if key.startswith("records/") and first in key.split("/")}
    record = next(one for key, one in mine.items() if key.endswith(".json"))
    for name in names:
        lambda_.functions[world.settings.function(name)] = copy.deepcopy(model)
        lambda_.commanded.append(name)
        objects |= {key.replace(f"/{first}", f"/{name}"): one for key, one in mine.items()}
        objects |= {f"records/{name}/{number:032x}.json": record for number in range(releases)}


def main(applications: int = 300, releases: int = 7_300) -> None:
    """Ask for the status of everything once, and print the seconds."""
    world = prepared(mid_bake)
    add(world, (f"app-{number}" for number in range(applications - 1)), releases)
    went_live = [f"{number:032x}" for number in range(1_000)]
    for key, found in world.account.s3.buckets[BUNDLES].objects.items():
        if key.startswith("records/_overview/"):
            body = json.dumps(json.loads(found[-1].body) | {"went_live": went_live}).encode()
            world.account.s3.buckets[BUNDLES].objects[key] = [replace(found[-1], body=body)]
    with inhabited(world):
        began = time.perf_counter()
        answer = world.command("status", application=None)
        seconds = time.perf_counter() - began
    size = len(json.dumps(answer))
    print(f"{len(answer['applications'])} applications with {releases} releases each: {seconds:.1f} s, {size} bytes")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
