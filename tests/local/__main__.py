"""`make local`: a local AWS with Dropshift in it, until Ctrl-C."""

import argparse
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from tests.local.aws import LocalAws, PortTakenError, variables
from tests.local.configuration import PORT

SPEED = 60.0
ROOT = Path(__file__).parents[2]
_OLDEST_CLI = (2, 13)
"""The first AWS CLI that reads AWS_ENDPOINT_URL: older ones would talk to the real AWS."""


def main() -> int:
    """Start, deploy, say how to use it, wait."""
    wanted = _arguments()
    console = Console(highlight=False, soft_wrap=True)
    if wanted.environment:
        console.print("\n".join(_shell(wanted.port, wanted.speed)), markup=False)
        return 0
    try:
        with LocalAws(auth=wanted.auth, speed=wanted.speed, port=wanted.port) as aws, suppress(KeyboardInterrupt):
            _serve(aws, wanted, console)
    except PortTakenError as error:
        console.print(f"{error}; choose another: make local PORT={wanted.port + 1}")
        return 1
    console.print("stopped; nothing is left of it")
    return 0


def _serve(aws: LocalAws, wanted: argparse.Namespace, console: Console) -> None:
    what = "building and deploying Dropshift to the local AWS (the first time takes a minute)"
    if not console.is_terminal:
        console.print(what)
    with console.status(what):
        aws.deploy("dropshift")
        for name in wanted.applications.split(","):
            aws.application(name)
    for line in _guide(aws, wanted):
        console.print(line)
    signal.pause()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.local", description=__doc__)
    parser.add_argument("--applications", default="hello", help="comma-separated [hello]")
    parser.add_argument("--port", type=int, default=PORT, help=f"of its one endpoint [{PORT}]")
    parser.add_argument("--auth", action="store_true", help="enforce the IAM policies of function roles")
    parser.add_argument("--speed", type=float, default=SPEED, help=f"of durable waits, as bakes are [{SPEED:g}]")
    parser.add_argument("--environment", action="store_true", help="print what a shell needs, and start nothing")
    return parser.parse_args()


def _shell(port: int, speed: float) -> Iterator[str]:
    """Yield the text for `eval` in a shell: the variables by which tools find it, and the command."""
    for name, value in variables(port, speed).items():
        yield f"export {name}={value}"
    yield f'dropshift() {{ PYTHONPATH="{ROOT}" "{sys.executable}" -m deployer "$@"; }}'


def _guide(aws: LocalAws, wanted: argparse.Namespace) -> Iterator[str]:
    first = wanted.applications.split(",")[0]
    yield f"[bold]Dropshift runs on the local AWS at {aws.endpoint}[/]"
    hour = f"1 h takes {60 / wanted.speed:g} min"
    yield f"Bakes run {wanted.speed:g} times as fast here: {hour}. It forgets everything when it stops: Ctrl-C.\n"
    yield "In another terminal, in this directory:"
    port = "" if wanted.port == PORT else f" PORT={wanted.port}"
    yield f'  eval "$(make -s local-env{port})"'
    yield "  dropshift pack FOLDER"
    yield f"  dropshift drop FOLDER.zip {first} --watch"
    yield f"  dropshift status {first}; dropshift history {first}; dropshift rollback {first}"
    yield f"  aws lambda invoke --function-name dropshift-app-{first}:live /dev/stdout\n"
    yield from _about_the_cli()
    yield f"What the local AWS itself says: {aws.log}"


def _about_the_cli() -> Iterator[str]:
    """Warn of an AWS CLI that would not find the local AWS."""
    if shutil.which("aws") is None:
        return
    said = subprocess.run(["aws", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"aws-cli/(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < _OLDEST_CLI:
        version = f"{found[1]}.{found[2]}"
        yield f"[yellow]Your AWS CLI is {version}: it would talk to the real AWS. 2.13 and later find this one.[/]\n"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
