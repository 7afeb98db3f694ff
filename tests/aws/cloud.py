"""MiniStack, a stand-in for AWS, with the rules of IAM put right where it has others.

It takes its port and its root credentials from the environment, keeps all in memory and ends when
its standard input does, so that it cannot outlive the tests. What is put right: calls for several
messages of SQS need the permission for one; Athena's queries belong to a workgroup; objects of a
bucket with a KMS key need permissions for the key; and without s3:ListBucket nobody learns that a
key is absent. So a user with a policy meets here what AWS would answer.
"""

import importlib.metadata
import json
import os
import re
import sys
import threading

from ministack.core import iam_actions

VERSION = "1.5.33"
FOR_ONE_MESSAGE = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}

extract_iam_action = iam_actions.extract_iam_action
extract_resource_arn = iam_actions.extract_resource_arn
s3_additional_checks = iam_actions.s3_additional_checks


def action(*request, **more):
    found = extract_iam_action(*request, **more)
    return FOR_ONE_MESSAGE.get(found, found)


def workgroup(body):
    from ministack.services import athena

    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return None
    if query := request.get("QueryExecutionId"):
        return athena._executions.get(query, {}).get("WorkGroup", "primary")
    return request.get("WorkGroup") or ("primary" if "QueryString" in request else None)


def resource(service, method, path, headers, body, query, region, account):
    if service == "athena" and (name := workgroup(body)):
        return f"arn:aws:athena:{region}:{account}:workgroup/{name}"
    return extract_resource_arn(service, method, path, headers, body, query, region, account)


def kms_key(bucket):
    from ministack.services import s3

    rule = s3._bucket_encryption.get(bucket) or b""
    rule = rule.decode() if isinstance(rule, bytes) else str(rule)
    found = re.search(r"KMSMasterKeyID>\s*(arn:[^<\s]+)", rule)
    return found and found.group(1)


def further(method, path, headers, body, query):
    from ministack.services import s3

    checks = list(s3_additional_checks(method, path, headers, body, query))
    bucket, *key = [part for part in path.split("/") if part] or [None]
    if not key:
        return checks
    wanted = iam_actions._s3_action(method, path, query)
    if wanted == "GetObject" and "/".join(key) not in (s3._buckets.get(bucket) or {}).get("objects", {}):
        return [("s3:ListBucket", f"arn:aws:s3:::{bucket}")]
    if encryption := kms_key(bucket):
        if wanted in ("GetObject", "GetObjectVersion") and method == "GET":
            checks.append(("kms:Decrypt", encryption))
        # Parts are encrypted with the upload's key, which must be had first.
        if wanted == "PutObject" and "uploadId" in query:
            checks.append(("kms:Decrypt", encryption))
        if wanted == "PutObject" and (method == "PUT" or "uploads" in query):
            checks.append(("kms:GenerateDataKey", encryption))
    return checks


def end_with_standard_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


def main():
    if (found := importlib.metadata.version("ministack")) != VERSION:
        sys.exit(f"written for MiniStack {VERSION}, not {found}: look again at what is put right here")
    iam_actions.extract_iam_action = action
    iam_actions.extract_resource_arn = resource
    iam_actions.s3_additional_checks = further
    threading.Thread(target=end_with_standard_input, daemon=True).start()

    from ministack import app

    app.main()


if __name__ == "__main__":
    main()
