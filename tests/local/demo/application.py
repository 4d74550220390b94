"""The demo's application: scikit-learn, pandas, scipy and Arrow from PyPI, and a model that is trained here."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from tests import pythons

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "build" / "demo"
_PACKAGES = ROOT / "requirements" / "demo.txt"
_TRAIN = """
import sys
import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
data = load_iris()
model = RandomForestClassifier(n_estimators=50, random_state=0).fit(data.data, data.target)
joblib.dump({"model": model, "species": [str(name) for name in data.target_names]}, sys.argv[1], compress=3)
"""
_HANDLER = '''
"""Tell the species of an iris from four measurements in centimetres."""
import os
import joblib
import pandas as pd

RELEASE = {release!r}
FOUND = joblib.load(os.path.join(os.environ["LAMBDA_TASK_ROOT"], "model.joblib"))
COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]

def handler(event, context):
    flower = pd.DataFrame([event["flower"]], columns=COLUMNS)
    {defect}
    species = FOUND["species"][int(FOUND["model"].predict(flower.to_numpy())[0])]
    return {{"species": species, "release": RELEASE}}
'''
_DEFECT = "flower = flower.drop(columns=['petal lenght'])  # the typo that the demo is about"
_MANIFEST = """
schema = 1

[application]
handler = "predict.handler"

[smoke]
event = { flower = [5.1, 3.5, 1.4, 0.2], smoke = true }

[rollout]
stages = [{ weight = 10, bake = "5m" }, { weight = 50, bake = "5m" }]

[resources]
memory = 2048
timeout = 60
ephemeral-storage = 1024
"""
SMOKED = "if not event.get('smoke'): "
"""The bad release passes its smoke test: only real traffic shows the defect."""


def progress() -> Progress:
    """Return a line that fills up, with bytes and speed."""
    columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, transient=False)


def install(python: str) -> Path:
    """Install the packages for a version of Python once; later runs find them."""
    site = BUILD / f"packages-{python}"
    ready = BUILD / f"packages-{python}.ready"
    if not ready.exists() or ready.read_text() != _PACKAGES.read_text():
        shutil.rmtree(site, ignore_errors=True)
        uv = Path(sys.executable).with_name("uv")
        command: list[str | Path] = [uv, "pip", "install", "--require-hashes", "--no-deps"]
        where: list[str | Path] = ["--python", pythons.runtime(python), "--target", site]
        subprocess.run([*command, *where, "-r", _PACKAGES], check=True)
        ready.write_text(_PACKAGES.read_text())
    return site


def train(site: Path, python: str) -> Path:
    """Train the model with the very packages and Python that will serve it."""
    model = BUILD / "model.joblib"
    environment = {"PYTHONPATH": str(site)}
    subprocess.run([pythons.runtime(python), "-c", _TRAIN, str(model)], env=environment, check=True)
    return model


def files(site: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file of the packages, and the name it has in the archive."""
    for path in sorted(site.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and "bin" not in path.relative_to(site).parts[:1]:
            yield path, path.relative_to(site).as_posix()


def pack(site: Path, model: Path, bar: Progress) -> tuple[Path, int, int]:
    """Pack everything but the handler once; return the archive, the number of files and their bytes."""
    listed = [*files(site), (model, model.name)]
    size = sum(path.stat().st_size for path, _ in listed)
    archive = BUILD / "base.zip"
    task = bar.add_task("packing", total=size)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for path, name in listed:
            packed.write(path, name)
            bar.advance(task, path.stat().st_size)
    return archive, len(listed), size


def release(base: Path, name: str, *, defective: bool = False) -> Path:
    """Make the archive of one release: the base, its handler and its manifest."""
    archive = BUILD / f"{name}.zip"
    shutil.copyfile(base, archive)
    defect = SMOKED + _DEFECT if defective else "pass"
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("predict.py", _HANDLER.format(release=name, defect=defect))
        packed.writestr("dropshift.toml", _MANIFEST)
    return archive
