"""Invented events of all four sources, for the pictures: a load in waves, some of it sent twice and some of
it broken, none of it pushed broken.

As a program: invented_load.py IDTRAIL ADDRESS DATA SECONDS.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.request


def event(source, now, dice):
    """One invented event."""
    instant = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    person, address = f"user{dice.randrange(40)}@example.com", f"203.0.113.{dice.randrange(250)}"
    number = f"{dice.getrandbits(128):032x}"
    if source == "aws":
        return {"eventVersion": "1.08", "eventID": number, "eventTime": instant, "eventSource": "s3.amazonaws.com",
                "eventName": dice.choice(["GetObject", "PutObject", "ListBucket"]), "awsRegion": "eu-central-1",
                "sourceIPAddress": address, "userAgent": "aws-cli/2", "recipientAccountId": "111122223333",
                "userIdentity": {"type": "IAMUser", "userName": person, "accountId": "111122223333",
                                 "arn": f"arn:aws:iam::111122223333:user/{person}"}}
    if source == "github":
        return {"_document_id": number, "@timestamp": int(now * 1000), "action": dice.choice(["git.clone", "git.push"]),
                "actor": person.split("@")[0], "actor_ip": address, "org": "acme", "repo": "acme/shop"}
    if source == "okta":
        return {"uuid": number, "published": instant, "eventType": "user.session.start", "actor": {"alternateId": person},
                "outcome": {"result": dice.choice(["SUCCESS", "FAILURE"])}, "client": {"ipAddress": address}}
    return {"uid": number, "time": instant, "event": "session.start", "code": "T2000I", "user": person,
            "addr.remote": f"{address}:4711", "cluster_name": "acme"}


def bundle(source, count, dice):
    """Lines, some of them twice."""
    lines = [json.dumps(event(source, time.time() - dice.random() * 60, dice)) for _ in range(count)]
    lines += lines[: count // 50]
    return ("\n".join(lines) + "\n").encode()


def load(program, address, data, seconds):
    """Publishes and pushes until the time is over, more in waves."""
    dice = random.Random(1)
    begun, round_ = time.time(), 0
    with tempfile.TemporaryDirectory() as name:
        while time.time() < begun + seconds:
            round_ += 1
            count = 2000 if round_ % 12 < 4 else 300
            for source in ["aws", "github", "okta", "teleport"]:
                path = pathlib.Path(name) / f"{source}.ndjson"
                lines = bundle(source, count if source == "aws" else count // 4, dice)
                path.write_bytes(lines + (b'{"broken":\n' if dice.random() < 0.1 else b""))
                command = [program, "publish", "--quiet", "--data", data, "--source", source, path]
                # On standard error it says which lines are broken.
                subprocess.run(command, check=True, capture_output=True)
            request = urllib.request.Request(f"http://{address}/api/v1/ingest/okta", bundle("okta", 50, dice),
                                             {"Content-Type": "application/x-ndjson"})
            urllib.request.urlopen(request, timeout=10).close()
            time.sleep(1)


if __name__ == "__main__":
    load(*sys.argv[1:4], float(sys.argv[4]))
