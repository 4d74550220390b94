"""What people do today, as they would write it: each is a module whose import loads the application.

Every one notes in the file `DONE` names when its files were in place.
"""

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
"""What `zappa deploy` would write into zappa_settings.py, as far as the handler reads it."""
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
