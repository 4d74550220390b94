"""Record the access profile of a set as a smoke test does: one start from its first bundle."""

import os
import tempfile
from pathlib import Path

from bootstrap.pointer import VARIABLE
from deployer.aws.profile_request import unwrap
from deployer.model.profile import Profile
from tests import pythons
from tests.applications import CREDENTIALS, MAIN, invocation, package
from tests.benchmarks.link import LINKS, serving
from tests.benchmarks.sets import CACHE, Packed
from tests.local.environments import Environment, Program


def recorded(made: Packed) -> Profile:
    """Start the set once and give what it touched."""
    with serving(LINKS["loopback"], CACHE) as served, tempfile.TemporaryDirectory() as directory:
        main = Path(directory) / "bootstrap.py"
        main.write_text(MAIN)
        python, root = pythons.runtime(made.runtime.removeprefix("python")), package(made.runtime)
        variables = {
            "PATH": os.environ["PATH"],
            "LAMBDA_TASK_ROOT": str(root),
            "_HANDLER": "bootstrap.handler",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency",
            "AWS_ENDPOINT_URL_S3": served.url,
            VARIABLE: made.pointer.encode(),
            **CREDENTIALS,
        }
        environment = Environment(Program((str(python), str(main)), root, variables), Path(directory) / "e")
        try:
            environment.start(300)
            outcome = environment.run(invocation({}, profile=True), 60)
        finally:
            environment.remove()
    profile = unwrap(outcome.payload).profile
    if profile is None:
        raise RuntimeError(f"no profile was recorded: {outcome}")
    return profile
