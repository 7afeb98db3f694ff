"""Calls AWS for the tests, as root: a line of JSON in, a line out, until standard input ends.

    root.py ENDPOINT REGION KEY SECRET

in: ["sqs", "send_message", {…}], out: {"ok": {…}} or {"error": "…"}. Bytes are {"base64": "…"}, both ways.
"""

import base64
import json
import sys

import botocore.config
import botocore.exceptions
import botocore.session


def given(value):
    if list(value) == ["base64"]:
        return base64.b64decode(value["base64"])
    return value


def shown(value):
    if hasattr(value, "read"):
        return {"base64": base64.b64encode(value.read()).decode()}
    return str(value)


def main(endpoint, region, key, secret):
    session = botocore.session.get_session()
    config = botocore.config.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    clients = {}
    for line in sys.stdin:
        service, operation, parameters = json.loads(line, object_hook=given)
        if service not in clients:
            clients[service] = session.create_client(
                service, region, endpoint_url=endpoint, aws_access_key_id=key, aws_secret_access_key=secret, config=config
            )
        try:
            answer = getattr(clients[service], operation)(**parameters)
            answer.pop("ResponseMetadata", None)
            answer = {"ok": answer}
        except botocore.exceptions.BotoCoreError as error:
            answer = {"error": str(error)}
        except botocore.exceptions.ClientError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer, default=shown), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
