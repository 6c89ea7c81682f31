"""An HTTP server that misbehaves as the path says. odd_server.py LOG [CERT KEY]: prints its port, appends each request's line to LOG."""
import http.server
import socketserver
import ssl
import sys
import time


class Odd(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_all(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(sys.argv[1], "ab") as log:
            log.write(f"{self.command} {self.path} {self.headers.get('X-Holdfast-Id', '-')} ".encode() + body + b"\n")
        self.body = body
        word = self.path.lstrip("/").split("/")[0].split("?")[0]
        getattr(self, "be_" + word, self.be_ok)()

    do_GET = do_POST = handle_all

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def be_ok(self):
        self.reply(200, b"fine")

    def be_error(self):
        self.reply(500, b"\xff\x00 broken \x1b[31m")

    def be_picky(self):
        self.reply(413 if b"unwanted" in self.body else 200)

    def be_redirect(self):
        self.reply(307, headers=[("Location", "/stolen")])

    def be_later(self):
        self.reply(429, headers=[("Retry-After", "86400")])

    def be_slow(self):
        time.sleep(20)
        self.reply(200)

    def be_garbage(self):
        self.wfile.write(b"\x00\x01 this is not http\r\n\r\n")
        self.close_connection = True

    def be_close(self):
        self.close_connection = True

    def be_endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            self.close_connection = True

    def be_halfopen(self):
        self.send_response(200)
        self.send_header("Content-Length", "10")
        self.end_headers()
        self.wfile.write(b"12345")
        self.wfile.flush()
        time.sleep(20)

    def be_sse(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b": hello\n\n")
        self.wfile.flush()
        time.sleep(0.3)
        self.wfile.write(b"event: tick\ndata: 1\n\n")
        self.wfile.flush()
        time.sleep(20)

    def be_silent(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b": only comments\n\n")
        self.wfile.flush()
        time.sleep(20)

    def log_message(self, *arguments):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Odd)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
