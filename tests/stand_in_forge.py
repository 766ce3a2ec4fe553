"""A forge on the loopback: the answers of GitHub Enterprise, GitLab or Gitea, and git over HTTP."""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PATH = "acme/shop"
ROOTS = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1"}
SIGNS = {"github": "/api/v3/meta", "gitlab": "/api/v4/version", "gitea": "/api/v1/version"}


@dataclass
class Reply:
    """An answer to be given once: `cut` breaks it off in the middle."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Request:
    """What the server was asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None


@dataclass
class StandInForge:
    """A forge with one project; `replies` at a path come before what it would answer."""

    kind: str
    token: str = ""
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    branches: set[str] = field(default_factory=lambda: {"main"})
    commits: set[str] = field(default_factory=set)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    projects: Path | None = None
    address: str = ""

    @property
    def server(self) -> str:
        return self.address.partition("://")[2]

    @property
    def root(self) -> str:
        """Where the project's interface is."""
        return ROOTS[self.kind] + ("/projects/acme%2Fshop" if self.kind == "gitlab" else f"/repos/{PATH}")

    def url(self, number: int) -> str:
        dash = "/-" if self.kind == "gitlab" else ""
        return f"{self.address}/{PATH}{dash}/issues/{number}"

    def answer(self, request: Request) -> Reply:
        if queue := self.replies.get(request.path):
            return queue.pop(0) if len(queue) > 1 else queue[0]
        if request.path == SIGNS[self.kind]:
            return Reply(401 if self.token else 200, {"version": "1"})
        if not request.path.startswith(f"{ROOTS[self.kind]}/"):
            return Reply(404, {"message": "Not Found"})
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Reply(401, {"message": "Bad credentials"})
        if not request.path.startswith(self.root):
            return Reply(404, {"message": "Not Found"})
        parts = [unquote(part) for part in request.path[len(self.root) :].split("/") if part]
        return self._answer_project(request, parts) or Reply(404, {"message": "Not Found"})

    def _answer_project(self, request: Request, parts: list[str]) -> Reply | None:
        match parts:
            case []:
                return Reply(body={"default_branch": "main"})
            case ["issues", number] if int(number) in self.issues:
                return Reply(body=self._describe_issue(self.issues[int(number)]))
            case ["issues", number, ("comments" | "notes")] if int(number) in self.issues:
                return Reply(body=self._list_comments(self.issues[int(number)]["comments"], request.query))
            case ["branches", name] | ["repository", "branches", name] if name in self.branches:
                return Reply(body={"name": name})
            case ["git", "commits", commit] | ["repository", "commits", commit] if commit in self.commits:
                return Reply(body={"id": commit})
            case [("pulls" | "merge_requests")] if request.method == "GET":
                return Reply(body=self.pulls)
            case [("pulls" | "merge_requests")]:
                return self._open(request.body)
        return None

    def _describe_issue(self, issue: dict[str, Any]) -> dict[str, Any]:
        count = len(issue["comments"])
        if self.kind == "gitlab":
            return {"title": issue["title"], "description": issue["body"], "user_notes_count": count}
        pull = {"pull_request": issue["pull_request"]} if "pull_request" in issue else {}
        return {"title": issue["title"], "body": issue["body"], "comments": count, **pull}

    def _list_comments(self, comments: list[tuple[str, str]], query: dict[str, str]) -> list[dict[str, Any]]:
        if self.kind == "gitlab":
            rows = [{"author": {"username": name}, "body": body, "system": name == "ghost"} for name, body in comments]
        else:
            rows = [{"user": {"login": name}, "body": body} for name, body in comments]
        if self.kind == "gitea":
            return rows
        size, page = int(query["per_page"]), int(query["page"])
        return rows[(page - 1) * size : page * size]

    def _open(self, asked: dict[str, str]) -> Reply:
        number = len(self.pulls) + 1
        if self.kind == "gitlab":
            branch, address = asked["source_branch"], f"{self.address}/{PATH}/-/merge_requests/{number}"
            of = {"source_branch": branch, "source_project_id": 1, "target_project_id": 1, "web_url": address}
            known = [pull["source_branch"] for pull in self.pulls]
        else:
            branch, address = asked["head"], f"{self.address}/{PATH}/pull/{number}"
            of = {"head": {"ref": branch, "repo": {"full_name": PATH}}, "html_url": address}
            known = [pull["head"]["ref"] for pull in self.pulls]
        if branch in known:
            return Reply(409 if self.kind != "github" else 422, {"message": "A pull request exists already."})
        self.pulls.append({**of, **asked} if self.kind == "gitlab" else {**asked, **of})
        return Reply(201, of)


@contextmanager
def serve(forge: StandInForge, certificate: Path | None = None) -> Iterator[StandInForge]:
    """Serve a forge, over TLS with a certificate and its key in one file."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(forge))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    forge.address = f"http{'s' if certificate else ''}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _make_handler(forge: StandInForge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def log_message(self, *arguments: Any) -> None:
            pass

        def _handle(self) -> None:
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            data = self.rfile.read(int(headers.get("content-length", 0)))
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            request = Request(self.command, address.path, query, headers)
            forge.requests.append(request)
            if ".git/" in address.path and forge.projects is not None:
                self._run_git(forge, request, address.query, data)
                return
            request.body = json.loads(data) if data else None
            reply = forge.answer(request)
            body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if reply.cut else body)

        def _run_git(self, forge: StandInForge, request: Request, query: str, data: bytes) -> None:
            login = base64.b64encode(f"user:{forge.token}".encode()).decode()
            if forge.token and request.headers.get("authorization") != f"Basic {login}":
                self.send_response(401)
                self.send_header("www-authenticate", 'Basic realm="forge"')
                self.send_header("content-length", "0")
                self.end_headers()
                return
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(forge.projects),
                "GIT_HTTP_EXPORT_ALL": "1",
                "PATH_INFO": request.path,
                "QUERY_STRING": query,
                "REQUEST_METHOD": request.method,
                "CONTENT_TYPE": request.headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(data)),
                "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
                "REMOTE_USER": "user",
            }
            done = subprocess.run(
                ["git", "http-backend"], input=data, env=environment, stdout=subprocess.PIPE, check=True
            )
            head, _, body = done.stdout.partition(b"\r\n\r\n")
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in {**fields, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def write_certificate(folder: Path) -> Path:
    """Write a certificate for the loopback and its key into one file, which is also the authority's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in forge")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "forge.pem"
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file
