"""A server in the place of the product, which repeats what nginx sends it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    """Answers with the request's line, headers and body; `drop` and `hold` in the path do as they say."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.received.append(self.requestline)
        if "drop" in self.path:
            self.close_connection = True
            return
        if "hold" in self.path:
            self.server.released.wait(30)
            self.close_connection = True
            return
        echoed = json.dumps({"line": self.requestline, "headers": self.headers.items(), "size": len(body)})
        self.send_response(200)
        self.send_header("Content-Length", str(len(echoed)))
        self.end_headers()
        self.wfile.write(echoed.encode())

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the names that http.server calls

    def log_message(self, *_):
        pass


@contextmanager
def run_echo():
    """Run it, in threads; `received` has the first line of each request."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.received, server.released = [], threading.Event()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            server.address = f"127.0.0.1:{server.server_port}"
            yield server
        finally:
            server.released.set()
            server.shutdown()
            thread.join()
