"""A real HTTP server on loopback that can misbehave like servers on the Internet."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        length = int(self.headers.get("content-length") or 0)
        self.body = self.rfile.read(length)
        self.server.seen.append((time.monotonic(), self.command, self.path, dict(self.headers)))  # type: ignore[attr-defined]
        routes = self.server.routes  # type: ignore[attr-defined]
        below = (f"{path[:end]}/*" for end in range(len(path) - 1, 0, -1) if path[end] == "/")
        route = routes.get(path) or next((routes[name] for name in below if name in routes), None)
        if route is None:
            self.answer(404, b"not here")
        else:
            route(self)

    do_POST = do_GET

    def answer(self, status: int, body: bytes, **headers: object) -> None:
        """A complete and correct answer; names of headers have underscores for hyphens."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def cut(self, status: int, body: bytes, announced: int, **headers: object) -> None:
        """Announce more bytes than are sent, and close the connection."""
        self.send_response(status)
        self.send_header("Content-Length", str(announced))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def json(self, value: object) -> None:
        self.answer(200, json.dumps(value).encode(), Content_Type="application/geo+json")


Route = Callable[[Handler], None]


class Server:
    """Routes by path, `/a/*` for every path below `/a`, and a list of every request: (when, method, path, headers)."""

    def __init__(self, port: int = 0):
        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # clients close connections on purpose
        self._http.routes, self._http.seen = {}, []  # type: ignore[attr-defined]
        self.routes: dict[str, Route] = self._http.routes  # type: ignore[attr-defined]
        self.seen: list[tuple[float, str, str, dict[str, str]]] = self._http.seen  # type: ignore[attr-defined]
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def count(self, path: str) -> int:
        return sum(seen[2].split("?")[0] == path for seen in self.seen)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving(port: int = 0) -> Iterator[Server]:
    server = Server(port)
    try:
        yield server
    finally:
        server.close()


def file_route(body: bytes, etag: str | None = None, **headers: Any) -> Route:
    """Serve one file correctly, with ranges, If-Range and an ETag."""
    etag = etag or f'"{hashlib.md5(body).hexdigest()}"'

    def route(handler: Handler) -> None:
        span = handler.headers.get("Range")
        if span and handler.headers.get("If-Range", etag) == etag:
            start, _, last = span.removeprefix("bytes=").partition("-")
            start, end = int(start), min(int(last or len(body)) + 1, len(body))
            if start >= len(body):
                handler.answer(416, b"", Content_Range=f"bytes */{len(body)}")
                return
            where = f"bytes {start}-{end - 1}/{len(body)}"
            handler.answer(206, body[start:end], ETag=etag, Content_Range=where, **headers)
        else:
            handler.answer(200, body, ETag=etag, **headers)

    return route


def in_turn(*routes: Route) -> Route:
    """Give the answers in turn; the last one repeats."""
    left = list(routes)

    def route(handler: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(handler)

    return route
