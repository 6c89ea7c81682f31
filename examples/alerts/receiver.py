#!/usr/bin/env python3
"""A receiver of holdfast's webhooks: checks the signature, refuses what is old, and takes each alert once.

receiver.py SECRET_FILE LOG [PORT]: listens on 127.0.0.1, prints its port, and appends each alert that it takes to LOG.

X-Holdfast-Signature is "t=<unix time>,v1=<hex>", where hex is HMAC-SHA-256(secret, "<t>.<body>") over the exact bytes of
the body. X-Holdfast-Id is the same each time an alert is sent, so a repetition is answered like the first one.
"""
import hashlib
import hmac
import http.server
import json
import sys
import time

WINDOW_SECONDS = 300
MAX_BODY = 64 * 1024


def is_genuine(secret: bytes, header: str, body: bytes, now: float) -> bool:
    try:
        parts = dict(part.split("=", 1) for part in header.split(","))
        sent = int(parts["t"])
        given = parts["v1"]
    except (KeyError, ValueError):
        return False
    expected = hmac.new(secret, parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, given) and abs(now - sent) <= WINDOW_SECONDS


class Receiver(http.server.BaseHTTPRequestHandler):
    secret = b""
    log_path = ""
    seen: set = set()

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > MAX_BODY:
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_genuine(self.secret, self.headers.get("X-Holdfast-Signature", ""), body, time.time()):
            return self.answer(401)
        alert = json.loads(body)
        if alert["id"] not in self.seen:
            with open(self.log_path, "a", encoding="utf-8") as log:
                log.write(json.dumps(alert) + "\n")
            self.seen.add(alert["id"])
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def main():
    with open(sys.argv[1], "rb") as file:
        Receiver.secret = file.read().rstrip(b"\r\n")
    Receiver.log_path = sys.argv[2]
    port = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    server = http.server.HTTPServer(("127.0.0.1", port), Receiver)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
