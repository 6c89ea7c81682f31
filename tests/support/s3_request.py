#!/usr/bin/env python3
"""One signed request to an S3 store, for what rclone cannot ask: versioning, object lock, policies.

usage: s3_request.py METHOD /bucket[/key][?query] [HEADER:VALUE]... [<body]
S3_ENDPOINT, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY are in the environment. Prints the status, then the body.
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import os
import sys
import urllib.parse

method, target = sys.argv[1:3]
body = b"" if sys.stdin.isatty() or method in ("GET", "DELETE") else sys.stdin.buffer.read()
endpoint = urllib.parse.urlsplit(os.environ["S3_ENDPOINT"])
path, _, query = target.partition("?")
pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
query = "&".join(f"{urllib.parse.quote(k, safe='')}={urllib.parse.quote(v, safe='')}" for k, v in pairs)
now = datetime.datetime.now(datetime.timezone.utc)
stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
digest = hashlib.sha256(body).hexdigest()
headers = {"host": endpoint.netloc, "x-amz-date": stamp, "x-amz-content-sha256": digest}
headers.update((name.lower(), value) for name, value in (arg.split(":", 1) for arg in sys.argv[3:]))
if body:
    headers["content-md5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
signed = ";".join(sorted(headers))
canonical = "\n".join([method, urllib.parse.quote(path), query, "".join(f"{n}:{headers[n]}\n" for n in sorted(headers)), signed, digest])
scope = f"{day}/us-east-1/s3/aws4_request"
text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
key = ("AWS4" + os.environ["S3_SECRET_ACCESS_KEY"]).encode()
for part in scope.split("/"):
    key = hmac.new(key, part.encode(), hashlib.sha256).digest()
signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
credential = os.environ["S3_ACCESS_KEY_ID"] + "/" + scope
headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={signed}, Signature={signature}"
connection = http.client.HTTPConnection(endpoint.netloc, timeout=30)
connection.request(method, path + ("?" + query if query else ""), body=body or None, headers=headers)
answer = connection.getresponse()
print(answer.status)
sys.stdout.write(answer.read().decode("utf-8", "replace"))
