"""`make local`: a local AWS with Dropshift in it, until Ctrl-C."""

import argparse
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress

from rich.console import Console

from tests.local.aws import LocalAws

SPEED = 60.0


def main() -> None:
    """Start, deploy, say how to use it, wait."""
    wanted = _arguments()
    console = Console(highlight=False, soft_wrap=True)
    with LocalAws(auth=wanted.auth, speed=wanted.speed) as aws:
        with console.status("building and deploying Dropshift to the local AWS (the first time takes a minute)"):
            outputs = aws.dropshift()
        for line in _guide(aws, outputs, wanted.speed):
            console.print(line)
        with suppress(KeyboardInterrupt):
            signal.pause()
    console.print("stopped; nothing is left of it")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.local", description=__doc__)
    parser.add_argument("--auth", action="store_true", help="enforce the IAM policies of function roles")
    parser.add_argument("--speed", type=float, default=SPEED, help=f"of durable waits, as bakes are [{SPEED:g}]")
    return parser.parse_args()


def _guide(aws: LocalAws, outputs: Mapping[str, str], speed: float) -> Iterator[str]:
    yield f"[bold]Dropshift runs on the local AWS at {aws.endpoint}[/]"
    yield f"A bake of {speed:g} minutes takes one. It forgets everything when it stops: Ctrl-C.\n"
    yield "In another terminal:"
    yield "  export " + " ".join(f"{name}={value}" for name, value in aws.environment.items()) + "\n"
    for name, command in outputs.items():
        if name.endswith("Command"):
            yield f"  {command}"
    yield f"  aws lambda invoke --function-name {outputs['FunctionPrefix']}hello:live /dev/stdout"
    yield f"  aws logs tail --follow /aws/lambda/{outputs['Rollout']}\n"
    yield f"What the local AWS itself says: {aws.log}"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
