"""A collector with a ledger, and what is asked of it: over HTTP, and by the command line from its file."""

import json
import signal
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass

from support import config
from support.collector import Collector, free_port, run
from support.outputs import json_lines, spans_of
from support.waiting import PATIENCE, wait_until

API = "/api/v1"


def encoded(part):
    """A part of a path, as it stands there."""
    return urllib.parse.quote(part, safe="")


class LedgerAPI:
    """The ledger's endpoint. `check` is called with the path that was asked and each good answer's document."""

    def __init__(self, port, token=None):
        self.endpoint = f"http://127.0.0.1:{port}"
        self.token = token
        self.check = lambda path, document: None

    def get(self, *path, **query):
        """The document at a path below /api/v1, whose parts are encoded here; query parameters that are None are left
        out."""
        status, document = self.ask(*path, **query)
        assert status == 200, f"{path} {query}: {status} {document}"
        self.check("/".join(map(encoded, path)), document)
        return document

    def ask(self, *path, **query):
        """The status and the document, whatever they are."""
        place = "/".join(map(encoded, path))
        asked = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        request = urllib.request.Request(f"{self.endpoint}{API}/{place}{'?' if asked else ''}{asked}")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                assert answer.headers["Content-Type"].split(";")[0] == "application/json"
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def every(self, *path, **query):
        """All elements of a list, page by page."""
        found, cursor = [], None
        while True:
            page = self.get(*path, **query, cursor=cursor)
            found += page[path[-1]]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


@dataclass
class Ledgered:
    """A collector with a ledger and a file of spans: one life after another in the same directories."""

    folder: object
    enduser: str = config.QUICK
    ledger: str = ""
    token: str | None = None

    def __post_init__(self):
        self.port, self.api_port = free_port(), free_port()
        self.api = LedgerAPI(self.api_port, self.token)
        self.spans_file, self.database = self.folder / "spans.jsonl", self.folder / "ledger.db"
        self.config_file = self.folder / "config.yaml"
        self.configure()
        self.running = None

    def configure(self):
        self.config_file.write_text(self.config())

    def config(self):
        settings = f"path: '{self.database}', endpoint: '127.0.0.1:{self.api_port}', interval: 100ms"
        settings += f", token: '{self.token}'" if self.token else ""
        pipeline = config.pipeline(
            self.port,
            {"file": config.file_exporter(self.spans_file, "append: true")},
            enduser=self.enduser,
            service="extensions: [ledger]",
        )
        return f"extensions:\n  ledger: {{{settings}{config.comma(self.ledger)}}}\n{pipeline}"

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def begin(self):
        self.running = Collector("--config", self.config_file, port=self.port, cwd=self.folder)
        wait_until(lambda: "Everything is ready" in self.running.stderr, lambda: self.running.stderr)
        return self

    def end(self, number=signal.SIGTERM):
        self.running.terminate(number)
        status = self.running.wait()
        self.running.__exit__(None, None, None)
        assert status == (0 if number == signal.SIGTERM else -number), self.running.stderr

    def close(self):
        if self.running:
            self.running.__exit__(None, None, None)

    def places(self):
        """Every span that came out so far; after a kill perhaps some twice."""
        return spans_of(json_lines(self.spans_file))

    def wait_for_spans(self, keys):
        """Until all of these have come out: (trace id, span id)."""
        wait_until(
            lambda: keys <= {place.key for place in self.places()},
            lambda: f"{len(keys)} spans, of which {len(keys - {place.key for place in self.places()})} did not come",
            step=0.1,
        )

    def command(self, *arguments, url=False):
        """What a command says of the ledger's file, or with `url` of the running collector, in JSON."""
        place = ("--url", self.api.endpoint) if url else ("--ledger", self.database)
        result = run(*arguments, "--json", *place, cwd=self.folder)
        assert result.returncode == 0, f"{arguments}: {result.stderr}"
        return json.loads(result.stdout)


@contextmanager
def ledgered(folder, **parts):
    life = Ledgered(folder, **parts).begin()
    try:
        yield life
    finally:
        life.close()
