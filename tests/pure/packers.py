"""Every tool that people pack releases with: a tree in, an archive's bytes out.

Those not installed are skipped by name. npm's packers and Go's are made ready in build/packers on demand,
by `python -m tests.pure.packers`; Debian has the others: zip p7zip-full libarchive-tools pigz zstd git golang-go.
"""

import io
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build" / "packers"
NODE_PACKAGES = ("archiver", "yazl", "jszip")
GO = BUILD / "go"


@dataclass(frozen=True)
class Packer:
    """One tool that packs a directory into one file."""

    suffix: str
    pack: Callable[[Path, Path], None]
    needs: str = ""
    """A command on PATH, a package of npm's, or "go"."""
    links: bool = True
    """Keeps symbolic links; otherwise the trees it gets have none."""
    prefix: str = ""
    """The prefix that it writes to every path."""

    def missing(self) -> str | None:
        """Return what has to be installed first."""
        places = {"go": GO, **{name: BUILD / "node_modules" / name for name in NODE_PACKAGES}}
        there = places[self.needs].exists() if self.needs in places else not self.needs or shutil.which(self.needs)
        return None if there else self.needs


def _run(*command: str) -> Callable[[Path, Path], None]:
    """Return a packer that runs a command in the tree; OUT stands for the archive."""

    def pack(tree: Path, out: Path) -> None:
        words = [word.replace("OUT", str(out)) for word in command]
        subprocess.run(words, cwd=tree, check=True, capture_output=True)

    return pack


_ALONE = '--silent --ignore-scripts --offline --no-update-notifier --cache "$(mktemp -d OUT-npm.XXXX)"'
"""npm by itself: it asks nobody for news, and shares no cache with another npm that runs at the same time."""


def _shell(script: str) -> Callable[[Path, Path], None]:
    return _run("bash", "-o", "pipefail", "-c", script)


def _zipfile(method: int, *, streamed: bool = False, zip64: bool = False) -> Callable[[Path, Path], None]:
    def pack(tree: Path, out: Path) -> None:
        with (_Pipe if streamed else io.FileIO)(out, "w") as file, zipfile.ZipFile(file, "w", method) as archive:
            for path in sorted(tree.rglob("*")):
                name = path.relative_to(tree).as_posix()
                if path.is_dir() or not zip64:
                    archive.write(path, name)
                else:
                    with archive.open(zipfile.ZipInfo.from_file(path, name), "w", force_zip64=True) as member:
                        member.write(path.read_bytes())

    return pack


class _Pipe(io.FileIO):
    """A file that cannot be sought in, as a pipe cannot."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise io.UnsupportedOperation

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation


def _tarfile(mode: str, form: int) -> Callable[[Path, Path], None]:
    def pack(tree: Path, out: Path) -> None:
        with tarfile.open(str(out), mode, format=form) as archive:  # type: ignore[call-overload] # any of them
            for path in sorted(tree.iterdir()):
                archive.add(path, path.name)

    return pack


def _shutil(form: str) -> Callable[[Path, Path], None]:
    def pack(tree: Path, out: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            shutil.move(shutil.make_archive(f"{folder}/made", form, tree), out)

    return pack


def _node(package: str) -> Callable[[Path, Path], None]:
    return _run("env", f"NODE_PATH={BUILD / 'node_modules'}", "node", str(HERE / "packers.cjs"), package, "OUT")


GIT = (
    "git init -q && git add -A -f && git -c user.name=a -c user.email=a@b commit -q -m x"
    " && git archive -o OUT {} HEAD; status=$?; rm -rf .git; exit $status"
)

PACKERS: Mapping[str, Packer] = {
    "zipfile stored": Packer(".zip", _zipfile(zipfile.ZIP_STORED), links=False),
    "zipfile deflated": Packer(".zip", _zipfile(zipfile.ZIP_DEFLATED), links=False),
    "zipfile to a pipe": Packer(".zip", _zipfile(zipfile.ZIP_DEFLATED, streamed=True), links=False),
    "zipfile zip64": Packer(".zip", _zipfile(zipfile.ZIP_DEFLATED, zip64=True), links=False),
    "zipfile zip64 to a pipe": Packer(".zip", _zipfile(zipfile.ZIP_STORED, streamed=True, zip64=True), links=False),
    "shutil zip": Packer(".zip", _shutil("zip"), links=False),
    "shutil gztar": Packer(".tar.gz", _shutil("gztar")),
    "tarfile pax": Packer(".tar.gz", _tarfile("w:gz", tarfile.PAX_FORMAT)),
    "tarfile gnu": Packer(".tar.gz", _tarfile("w:gz", tarfile.GNU_FORMAT)),
    "tarfile to a pipe": Packer(".tar.gz", _tarfile("w|gz", tarfile.PAX_FORMAT)),
    "tarfile plain": Packer(".tar", _tarfile("w:", tarfile.PAX_FORMAT)),
    "zip": Packer(".zip", _run("zip", "-qry", "OUT", "."), "zip"),
    "zip -9X": Packer(".zip", _run("zip", "-9XqryD", "OUT", "."), "zip"),
    "zip -0": Packer(".zip", _run("zip", "-0qry", "OUT", "."), "zip"),
    "zip -fz": Packer(".zip", _run("zip", "-qry", "-fz", "OUT", "."), "zip"),
    "zip -fd": Packer(".zip", _run("zip", "-qr", "-fd", "OUT", "."), "zip", links=False),
    "zip to a pipe": Packer(".zip", _shell("zip -qr - . | cat > OUT"), "zip", links=False),
    "7z": Packer(".zip", _run("7z", "a", "-tzip", "-snl", "-bd", "OUT", "."), "7z"),
    "7z -mx0": Packer(".zip", _run("7z", "a", "-tzip", "-snl", "-mx0", "OUT", "."), "7z"),
    "7z tar": Packer(".tar", _run("7z", "a", "-ttar", "-snl", "OUT", "."), "7z"),
    # to a pipe, bsdtar fills a zip's last block with zeros: no other tool does, and the profile refuses it
    "bsdtar zip": Packer(".zip", _run("bsdtar", "--format=zip", "-cf", "OUT", "."), "bsdtar"),
    "bsdtar": Packer(".tar.gz", _run("bsdtar", "-czf", "OUT", "."), "bsdtar"),
    "bsdtar gnutar": Packer(".tar.gz", _run("bsdtar", "--format=gnutar", "-czf", "OUT", "."), "bsdtar"),
    "bsdtar zstd": Packer(".tar.zst", _run("bsdtar", "--zstd", "-cf", "OUT", "."), "bsdtar"),
    "git archive zip": Packer(".zip", _shell(GIT.format("--format=zip")), "git"),
    "git archive tar.gz": Packer(".tar.gz", _shell(GIT.format("--format=tar.gz")), "git"),
    "GNU tar": Packer(".tar.gz", _run("tar", "-czf", "OUT", "."), "tar"),
    "GNU tar --format=pax": Packer(".tar.gz", _run("tar", "--format=pax", "-czf", "OUT", "."), "tar"),
    "GNU tar --format=oldgnu": Packer(".tar.gz", _run("tar", "--format=oldgnu", "-czf", "OUT", "."), "tar"),
    "GNU tar --zstd": Packer(".tar.zst", _run("tar", "--zstd", "-cf", "OUT", "."), "zstd"),
    "zstd -19 --long": Packer(".tar.zst", _shell("tar -cf - . | zstd -q -19 --long=27 -T2 > OUT"), "zstd"),
    "zstd in two frames": Packer(".tar.zst", _shell("tar -cf - . | split -b 7000 --filter='zstd -q' > OUT"), "zstd"),
    "pzstd": Packer(".tar.zst", _shell("tar -cf - . | pzstd -q -p 2 > OUT"), "pzstd"),
    "pigz": Packer(".tar.gz", _shell("tar -cf - . | pigz > OUT"), "pigz"),
    "gzip --rsyncable": Packer(".tar.gz", _shell("tar -cf - . | gzip --rsyncable > OUT"), "gzip"),
    "Go archive/zip": Packer(".zip", _run(str(GO), "zip", "OUT"), "go"),
    "Go archive/tar": Packer(".tar.gz", _run(str(GO), "tar", "OUT"), "go"),
    "npm archiver": Packer(".zip", _node("archiver"), "archiver"),
    "npm archiver tar": Packer(".tar.gz", _node("archiver-tar"), "archiver"),
    "npm yazl": Packer(".zip", _node("yazl"), "yazl", links=False),
    "npm jszip": Packer(".zip", _node("jszip"), "jszip", links=False),
    "npm jszip streamed": Packer(".zip", _node("jszip-stream"), "jszip", links=False),
    "npm pack": Packer(".tgz", _shell(f"npm pack {_ALONE} && mv *.tgz OUT"), "npm", links=False, prefix="package/"),
}


def _install() -> None:
    """Make npm's packers and Go's ready."""
    BUILD.mkdir(parents=True, exist_ok=True)
    if shutil.which("npm"):
        subprocess.run(["npm", "install", "--silent", "--prefix", str(BUILD), *NODE_PACKAGES], check=True)
    if shutil.which("go"):
        subprocess.run(["go", "build", "-o", str(GO), str(HERE / "packers.go")], check=True)


if __name__ == "__main__":
    _install()
    print("not installed:", sorted({packer.missing() or "" for packer in PACKERS.values()} - {""}) or "nothing")
