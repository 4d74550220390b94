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
    + CLIENT
    + """\
import tarfile
body = s3.get_object(Bucket=os.environ["BUCKET"], Key=os.environ["KEY"])["Body"]
with tarfile.open(fileobj=body, mode="r|gz") as archive:
    archive.extractall(HERE)
done()
from app import handler
"""
)
"""P2: Zappa's slim handler: a tar.gz, streamed from S3 into extractall."""
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
