"""Print the Runtime of a function in a SAM template: template_runtime.py TEMPLATE FUNCTION. Runs at build time only."""

import sys
from pathlib import Path
from typing import Any

import yaml


class Loader(yaml.SafeLoader):
    """Reads a template; values that CloudFormation fills in (`!Ref`, `!Sub` ...) become None."""


Loader.add_multi_constructor("!", lambda _loader, _tag, _node: None)  # type: ignore[no-untyped-call]


def runtime(template: str, function: str) -> str:
    """Return the Runtime of a function, or else the shared one; raises ValueError when it is not a plain name."""
    content = yaml.load(template, Loader)  # noqa: S506 - a SafeLoader
    if function not in content["Resources"]:
        raise ValueError(f"the template has no function {function}")
    shared: dict[str, Any] = content.get("Globals", {}).get("Function", {})
    found = (shared | content["Resources"][function]["Properties"]).get("Runtime")
    if not isinstance(found, str):
        raise ValueError(f"the Runtime of {function} is no plain name: write it out, its package depends on it")  # noqa: TRY004 - a template's
    return found


if __name__ == "__main__":
    try:
        sys.stdout.write(runtime(Path(sys.argv[1]).read_text(), sys.argv[2]))
    except ValueError as error:
        sys.exit(str(error))
