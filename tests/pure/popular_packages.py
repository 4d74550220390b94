"""Packages of popular projects, fetched on demand and inspected: no real one may be refused.

    python -m tests.pure.popular_packages

Twenty wheels by pip and twenty tarballs by npm; each must be accepted with the same files that Python's
own zipfile or tarfile finds in it.
"""

import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

from deployer.inspection.archive import Contents, Limits, read
from tests.pure.fuzz import tar_files, zip_files
from tests.pure.hostile import Memory

WHEELS = """
numpy pandas scikit-learn requests urllib3 boto3 pydantic pydantic-core cryptography pillow
fastapi sqlalchemy lxml pyyaml aiohttp protobuf grpcio setuptools pip debugpy
"""
TARBALLS = """
react lodash express typescript axios webpack esbuild eslint prettier next
vue chalk commander uuid rxjs zod sharp better-sqlite3 aws-sdk @types/node
"""


def main() -> int:
    """Fetch all, inspect each; return 1 if one was not as it should be."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pip = ["-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d"]
        subprocess.run([sys.executable, *pip, name, *WHEELS.split()], check=True)
        subprocess.run(["npm", "pack", "--silent", *TARBALLS.split()], cwd=folder, check=True, capture_output=True)
        faults = [fault for path in sorted(folder.iterdir()) if (fault := _fault(path))]
    print("\n".join(faults) or f"all {len((WHEELS + TARBALLS).split())} accepted, the same files in each")
    return 1 if faults else 0


def _fault(path: Path) -> str | None:
    data = path.read_bytes()
    wheel = path.suffix == ".whl"
    found = read(Memory("release.zip" if wheel else "release.tgz", data, 2**18), Limits())
    if not isinstance(found, Contents):
        return f"{path.name}: {found}"
    theirs = zip_files(data) if wheel else tar_files(gzip.decompress(data))
    ours = {entry.path: entry.sha256 for entry in found.entries if entry.kind == "file"}
    return None if ours == theirs else f"{path.name}: other files than Python finds"


if __name__ == "__main__":
    sys.exit(main())
