"""Other ways to load a large application, as people write them: each is a module whose import loads it.

Every one notes in the file `DONE` names when its files were in place.
"""

from pathlib import Path

from tests.benchmarks.sets import CACHE, install, install_from_npm

ZAPPA = ("zappa==0.63.0", "werkzeug", "markupsafe", "durationpy")
"""Modules that its handler imports, besides boto3."""

COMMON = """\
import os, sys, time
HERE = os.environ["TARGET"]
os.makedirs(HERE, exist_ok=True)
def done():
    with open(os.environ["DONE"], "w") as file:
        file.write(str(time.time()))
    sys.path.insert(0, HERE)
    os.chdir(HERE)
"""
CLIENT = 'import boto3\ns3 = boto3.client("s3")\n'
USUAL = (
    COMMON
    + CLIENT
    + """\
import subprocess
s3.download_file(os.environ["BUCKET"], os.environ["KEY"], HERE + "/release.zip")
subprocess.run(["unzip", "-q", "-o", HERE + "/release.zip", "-d", HERE], check=True)
os.unlink(HERE + "/release.zip")
done()
from app import handler
"""
)
"""P1: boto3's download_file, then unzip."""
SLIM = (
    COMMON
    + """\
os.rmdir(HERE)
sys.path[1:1] = [os.environ["ZAPPA"]]
from zappa.handler import LambdaHandler
LambdaHandler("zappa_settings")
done()
from app import handler
"""
)
"""P2: Zappa's slim handler, Zappa itself: a tar.gz, streamed from S3 into extractall."""
SETTINGS = """\
import os
LOG_LEVEL = "INFO"
PROJECT_NAME = ".." + os.environ["TARGET"]  # below /tmp
API_STAGE = "benchmark"
ENVIRONMENT_VARIABLES = {}
DJANGO_SETTINGS = None
SLIM_HANDLER = True
ARCHIVE_PATH = "s3://" + os.environ["BUCKET"] + "/" + os.environ["KEY"]
"""
"""The content that `zappa deploy` would write into zappa_settings.py, as far as the handler reads it."""
EXTRACT = (
    COMMON
    + CLIENT
    + """\
import zipfile
s3.download_file(os.environ["BUCKET"], os.environ["KEY"], HERE + "/release.zip")
zipfile.ZipFile(HERE + "/release.zip").extractall(HERE)
os.unlink(HERE + "/release.zip")
done()
from app import handler
"""
)
"""P3: zipfile.extractall, as serverless-python-requirements does."""
PEERS = {"p1": USUAL, "p2": SLIM, "p3": EXTRACT}
GET_OBJECT = """\
import fs from "node:fs";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
const { BUCKET: Bucket, KEY: Key, DONE, TARGET } = process.env;
fs.mkdirSync(TARGET, { recursive: true });
const client = new S3Client({ forcePathStyle: true, responseChecksumValidation: "WHEN_REQUIRED" });
const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
"""
IMPORT = """
fs.writeFileSync(DONE, String(Date.now() / 1000));
process.chdir(TARGET);
export const { handler } = await import(`${TARGET}/app.js`);
"""
STREAMED = """\
import { pipeline } from "node:stream/promises";
import unzipper from "unzipper";
await pipeline(Body, unzipper.Extract({ path: TARGET }));
"""
"""P4: the SDK's GetObject, unzipped as it arrives by unzipper."""
EXTRACTED = """\
import { buffer } from "node:stream/consumers";
import AdmZip from "adm-zip";
new AdmZip(await buffer(Body)).extractAllTo(TARGET, true, true);
"""
"""P5: the SDK's GetObject into memory, then adm-zip."""
NODE_PEERS = {"p4": GET_OBJECT + STREAMED + IMPORT, "p5": GET_OBJECT + EXTRACTED + IMPORT}
NODE_PACKAGES = ("@aws-sdk/client-s3@3.1175.0", "unzipper@0.12.5", "adm-zip@0.6.1")


def zappa() -> Path:
    """Return the folder that Zappa is installed in."""
    folder = CACHE / "zappa"
    if not folder.exists():
        install(folder.with_suffix(".new"), "--no-deps", *ZAPPA)
        folder.with_suffix(".new").rename(folder)
    return folder


def node_packages() -> Path:
    """Return the folder with the SDK, which Lambda's own runtime has too, and what unzips."""
    folder = CACHE / "node-peers"
    if not folder.exists():
        install_from_npm(folder.with_suffix(".new"), *NODE_PACKAGES)
        folder.with_suffix(".new").rename(folder)
    return folder
