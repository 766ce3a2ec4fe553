"""An embedding server on a real socket, as OpenAI's clients know it: a vector for each text, or out of order."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class Embeddings:
    """What the server says while it is up, and how many texts it was sent."""

    model: str = ""
    down: bool = False
    texts: list[str] = field(default_factory=list)

    def answer(self, texts: list[str]) -> bytes:
        """A vector for each text, by how often it has some letters."""
        self.texts += texts
        found = [[1.0, *(float(text.count(letter)) for letter in "abcdefghijklmnop")] for text in texts]
        return json.dumps({"data": [{"index": at, "embedding": one} for at, one in enumerate(found)]}).encode()


@contextmanager
def serving() -> Iterator[Embeddings]:
    """A server that answers until the block is left."""
    embeddings = Embeddings()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = (503, b"{}") if embeddings.down else (200, embeddings.answer(body["input"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        embeddings.model = f"openai:http://127.0.0.1:{server.server_port}/v1#e"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield embeddings
        server.shutdown()
        thread.join()
