"""`make pictures`: what a person sees, from real runs on the local AWS, as SVG in docs/pictures/."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.benchmarks import chart
from tests.local import LocalAws
from tests.local.demo.callers import Callers
from tests.terminal import Screen, Terminal

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
_COLUMNS = 104
_FUNCTION = "dropshift-app-hello"
_APP = """RELEASE = {release!r}

def handler(event, context):
    {body}
    return {{"greeting": "hello", "release": RELEASE}}
"""
_MANIFEST = """[application]
handler = "app.handler"

[smoke]
event = { smoke = true }

[rollout]
stages = [{ weight = 10, bake = "10m" }, { weight = 50, bake = "10m" }]
"""
_DEFECT = "if not event.get('smoke'): event['colour']"


class Studio:
    """A shell on the local AWS whose screen is kept."""

    def __init__(self, aws: LocalAws, folder: Path) -> None:
        self._environment = {**os.environ, **aws.environment, "PYTHONPATH": str(ROOT), "TZ": "UTC"}
        self._folder = folder
        os.chdir(folder)

    def source(self, release: str, body: str = "pass") -> None:
        """Write the application, with something to install."""
        app = self._folder / "my-app"
        app.mkdir(exist_ok=True)
        (app / "app.py").write_text(_APP.format(release=release, body=body))
        (app / "dropshift.toml").write_text(_MANIFEST)
        (app / "requirements.txt").write_text("numpy==2.2.6\n")

    def start(self, *words: str) -> Terminal:
        return Terminal([sys.executable, "-m", "deployer", *words], self._environment, _COLUMNS)

    def run(self, *words: str) -> Screen:
        """Run a verb to its end."""
        terminal = self.start(*words)
        terminal.end(300)
        return terminal.screen

    @contextmanager
    def dropping(self, release: str) -> Iterator[Terminal]:
        """Drop a release and follow it to its end."""
        terminal = self.start("drop", "my-app.zip", "hello", "--release", release, "--watch")
        yield terminal
        terminal.end(300)


def main() -> None:
    """Draw all of them."""
    PICTURES.mkdir(exist_ok=True)
    chart.draw()
    folder = Path(tempfile.mkdtemp(prefix="pictures-"))
    try:
        with LocalAws(speed=60, function_environment={"BUNDLE_SECONDS": "3"}) as aws:
            aws.dropshift()
            studio = Studio(aws, folder)
            _first(studio)
            with Callers(aws.client("lambda"), _FUNCTION):
                _rollouts(studio)
    finally:
        shutil.rmtree(folder)


def _first(studio: Studio) -> None:
    studio.source("v1")
    packed = studio.run("pack", "my-app")
    picture("pack", ["dropshift pack my-app"], [packed])
    with studio.dropping("v1"):
        pass


def _rollouts(studio: Studio) -> None:
    studio.source("v2")
    studio.run("pack", "my-app")
    with studio.dropping("v2") as good:
        good.until(lambda text: "stage 2 of 2 with 50 %" in text and "the last look said" in text, 120)
        watched = studio.start("status", "hello", "--watch")
        watched.until(lambda text: "stage 2 of 2" in text and "Ctrl-C" in text)
        picture("status-watch", ["dropshift status hello --watch"], [watched.screen])
        watched.type("\x03")
        watched.end()
    picture("drop-good", ["dropshift drop my-app.zip hello --release v2 --watch"], [good.screen])
    studio.source("v3", _DEFECT)
    studio.run("pack", "my-app")
    with studio.dropping("v3") as bad:
        pass
    picture("drop-bad", ["dropshift drop my-app.zip hello --release v3 --watch"], [bad.screen])
    back = studio.start("rollback", "hello", "--reason", "misclassifies")
    back.until(lambda text: "[y/N]" in text)
    back.type("y\n")
    back.end()
    history = studio.run("history", "hello")
    commands = ['dropshift rollback hello --reason "misclassifies"', "dropshift history hello"]
    picture("rollback-history", commands, [back.screen, history])


def picture(name: str, commands: Sequence[str], screens: Sequence[Screen]) -> None:
    """Write screens, each below the command that made it."""
    console = Console(record=True, width=_COLUMNS, file=Path(os.devnull).open("w"), force_terminal=True)  # noqa: SIM115
    for command, screen in zip(commands, screens, strict=True):
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        console.print(Text.from_ansi(screen.ansi.rstrip("\n")))
    svg = console.export_svg(title="dropshift", theme=MONOKAI, unique_id=name)
    (PICTURES / f"{name}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


if __name__ == "__main__":
    main()
