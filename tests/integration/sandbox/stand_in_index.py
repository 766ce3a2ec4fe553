"""A package index of the tests' own, for pip, uv and npm, on an address of this machine."""

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StandInIndex:
    """An index of hydranet-standin, whose module `standin` has VALUE = 42, and of standin for npm.

    `paths` were asked for.
    """

    def __init__(self, address: str = "127.0.0.1", files: str = "") -> None:
        self.paths: list[str] = []
        self._wheel, self._tarball = _make_wheel(), _make_tarball()
        self._server = ThreadingHTTPServer((address, 0), self._make_handler())
        self.netloc = f"{address}:{self._server.server_port}"
        self._files = files or self.netloc
        self.simple = f"http://{self.netloc}/simple/"
        self.registry = f"http://{self.netloc}/npm/"

    @contextmanager
    def serving(self) -> Iterator["StandInIndex"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def answer(self, path: str) -> tuple[str, bytes] | None:
        self.paths.append(path)
        if path == "/simple/hydranet-standin/":
            link = f"http://{self._files}/files/hydranet_standin-1.0-py3-none-any.whl"
            return "text/html", f'<a href="{link}">hydranet_standin-1.0-py3-none-any.whl</a>'.encode()
        if path == "/files/hydranet_standin-1.0-py3-none-any.whl":
            return "application/octet-stream", self._wheel
        if path == "/npm/standin":
            return "application/json", json.dumps(self._describe_package()).encode()
        if path == "/files/standin-1.0.0.tgz":
            return "application/octet-stream", self._tarball
        return None

    def _describe_package(self) -> dict[str, object]:
        digest = base64.b64encode(hashlib.sha512(self._tarball).digest()).decode()
        link = f"http://{self._files}/files/standin-1.0.0.tgz"
        version = {
            "name": "standin",
            "version": "1.0.0",
            "dist": {"tarball": link, "integrity": f"sha512-{digest}"},
        }
        return {"name": "standin", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}

    def _make_handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = index.answer(self.path)
                kind, body = found or ("text/plain", b"not here")
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_HEAD(self) -> None:
                found = index.answer(self.path)
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(found[1]) if found else 0))
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        return Handler


def _make_wheel() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("standin.py", "VALUE = 42\n")
        archive.writestr(
            "hydranet_standin-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: hydranet-standin\nVersion: 1.0\n"
        )
        archive.writestr(
            "hydranet_standin-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("hydranet_standin-1.0.dist-info/RECORD", "")
    return content.getvalue()


def _make_tarball() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, text in {
            "package.json": '{"name": "standin", "version": "1.0.0"}',
            "index.js": "module.exports = 42",
        }.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return content.getvalue()
