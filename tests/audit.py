"""`make audit`: what checkov finds in the template, held against what the templates' own Metadata explains.

checkov sees the stack as `make deploy` makes it: after both transforms, conditions decided by the defaults. A finding
without a reason fails, and so does a reason without a finding: it would hide the next one.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests import template as sam

CHECKOV = sam.PATH.parent / ".venv-checkov" / "bin" / "checkov"
SECTION = "WhatCheckovWants"


def main() -> int:
    """Print every finding with its reason; 1 if one has none."""
    source = sam.source()
    reasons: dict[str, str] = {**sam.application()["Metadata"][SECTION], **source["Metadata"][SECTION]}
    stack = sam.transformed(sam.packaged(source))
    found = _findings({"Resources": sam.Names(stack, sam.defaults(source)).text(stack["Resources"])})
    for check in sorted(found.keys() | reasons.keys()):
        print(f"{check}: {reasons.get(check, 'NOT EXPLAINED in the Metadata of either template')}")
        print(f"    {', '.join(sorted(found[check])) or 'NOTHING FOUND: take the reason out of the template'}")
    unexplained, stale = found.keys() - reasons.keys(), {check for check in reasons if not found[check]}
    print(f"{len(unexplained)} unexplained, {len(stale)} explained for nothing, {len(reasons) - len(stale)} explained")
    return 1 if unexplained or stale else 0


def _findings(template: sam.Template) -> defaultdict[str, set[str]]:
    """Return the resources of each check that fails, by its id."""
    with tempfile.TemporaryDirectory(prefix="audit-") as directory:
        path = Path(directory) / "template.json"
        path.write_text(json.dumps(template))
        options = ["--framework", "cloudformation", "-o", "json", "--skip-download", "--soft-fail"]
        command = [str(CHECKOV), "-f", str(path), *options]
        said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=directory).stdout
    results = json.loads(said)["results"]
    if results["parsing_errors"] or not results["passed_checks"]:
        raise RuntimeError(f"checkov did not read the template: {said[:2000]}")
    found: defaultdict[str, set[str]] = defaultdict(set)
    for check in results["failed_checks"]:
        found[check["check_id"]].add(check["resource"].partition(".")[2])
    return found


if __name__ == "__main__":
    sys.exit(main())
