"""The ways of deploying that are measured: how each starts, and when its files are in place."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bootstrap.pointer import VARIABLE
from tests import pythons, toolchains
from tests.applications import CREDENTIALS, MAIN, package
from tests.benchmarks.before import before, earlier_bundle
from tests.benchmarks.link import Served
from tests.benchmarks.peers import NODE_PEERS, PEERS, SETTINGS, node_packages, zappa
from tests.benchmarks.sets import Packed
from tests.local.waiting import until
from tests.object_store import BUCKET

OURS = ("dropshift", "apart")
"""As a function starts, and as on managed instances, where the import does not begin before the last file is there."""
FETCHED = (*OURS, "before")
LIMIT = 300.0
"""Seconds after which a start counts as failed."""


class Deployed(NamedTuple):
    """A task root, its variables, and the command of its runtime."""

    root: Path
    variables: Mapping[str, str]
    runtime: tuple[str, ...]


def measured(made: Packed) -> tuple[str, ...]:
    """Return the methods that a set can be started by, the usual ones first."""
    if made.runtime.startswith("nodejs"):
        return ("dropshift", *NODE_PEERS, "curl", "native", "create")
    own = made.runtime == f"python{pythons.OWN}"
    return ("dropshift", *(("before", *PEERS) if own else ()), "curl", "native", "apart", "create")


def deployed(method: str, made: Packed, served: Served, directory: Path) -> Deployed:
    """Prepare one way of deploying in `directory`."""
    told = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_FUNCTION_NAME": "app",
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/app",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[7]0123456789abcdef",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{made.runtime}",
        "AWS_ENDPOINT_URL_S3": served.url,
        "AWS_CA_BUNDLE": str(served.authority),
        "AWS_DEFAULT_REGION": "eu-central-1",
        "TARGET": str(directory / "target"),
        "DONE": str(directory / "done"),
        "IMPORTED": str(directory / "imported"),
        "BUCKET": BUCKET,
        "KEY": (made.tar if method == "p2" else made.zip).name,
        **CREDENTIALS,
    }
    if method in NODE_PEERS:
        told["NODE_EXTRA_CA_CERTS"] = str(served.authority)  # the SDK does not look at AWS_CA_BUNDLE
    root, variables = _root(method, made, directory)
    return Deployed(root, told | variables | {"LAMBDA_TASK_ROOT": str(root)}, _runtime(made, directory))


def _root(method: str, made: Packed, directory: Path) -> tuple[Path, dict[str, str]]:
    if method == "native":
        return made.tree, {"_HANDLER": "app.handler"}
    if method == "before":
        earlier = before(made)
        return earlier.package, {VARIABLE: earlier.pointer, "_HANDLER": "bootstrap.handler"}
    if method in OURS:
        kind = {"AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances"} if method == "apart" else {}
        return package(made.runtime), {VARIABLE: made.pointer.encode(), "_HANDLER": "bootstrap.handler", **kind}
    return _peer(method, directory / "peer")


def _peer(method: str, folder: Path) -> tuple[Path, dict[str, str]]:
    folder.mkdir()
    if method in NODE_PEERS:
        (folder / "peer.mjs").write_text(NODE_PEERS[method])
        (folder / "node_modules").symlink_to(node_packages() / "node_modules")
        return folder, {"_HANDLER": "peer.handler"}
    (folder / "peer.py").write_text(PEERS[method])
    (folder / "zappa_settings.py").write_text(SETTINGS)
    return folder, {"_HANDLER": "peer.handler", "ZAPPA": str(zappa())}


def _runtime(made: Packed, directory: Path) -> tuple[str, ...]:
    """Return the runtime's command; our own Python has boto3 beside it, as Lambda's has."""
    if made.runtime.startswith("nodejs"):
        return tuple(toolchains.node_runtime(made.runtime))
    version = made.runtime.removeprefix("python")
    main = directory / "main" / "bootstrap.py"
    main.parent.mkdir()
    main.write_text(MAIN)
    return (sys.executable if version == pythons.OWN else str(pythons.runtime(version)), str(main))


def files_in_place(method: str, directory: Path, began: float) -> float | None:
    """Return the seconds until every file was in place; None where they were before."""
    if method in FETCHED:
        home = directory / "environment" / "tmp" / "dropshift"
        [marker] = until(lambda: list(home.glob("*.complete")), LIMIT)
        return marker.stat().st_mtime - began
    if method == "native":
        return None
    return float((directory / "done").read_text()) - began


def wire(method: str, made: Packed) -> int:
    """Return the bytes that a start receives."""
    if method == "native":
        return 0
    if method in OURS:
        return made.pointer.offset + made.pointer.size  # behind them, the recipe for the next bundle
    bundles = {"before": earlier_bundle(made), "p2": made.tar}
    return bundles.get(method, made.zip).stat().st_size
