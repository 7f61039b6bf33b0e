"""The requests that real SDKs sent, from Tests/Fixtures/captures."""

import json
from dataclasses import dataclass

from support import otlpjson
from support.collector import REPOSITORY
from support.servers import JSON, PROTOBUF, decoded
from support.spans import places

FOLDER = REPOSITORY / "Tests/Fixtures/captures"


@dataclass(frozen=True)
class Captured:
    path: str
    headers: dict
    body: bytes

    @property
    def message(self):
        return decoded(self.path, {name.lower(): value for name, value in self.headers.items()}, self.body)

    @property
    def places(self):
        return places(self.message)

    @property
    def in_json(self):
        """The same request, as an SDK would send it in JSON, uncompressed."""
        headers = {"Content-Type": JSON, "User-Agent": self.headers["User-Agent"]}
        return Captured(self.path, headers, otlpjson.text(self.message).encode())


def trace_requests(*names):
    """The trace requests of these captures, in the order in which they came."""
    requests = []
    for name in names:
        for line in (FOLDER / f"{name}-index.jsonl").read_text().splitlines():
            entry = json.loads(line)
            if entry["path"] != "/v1/traces":
                continue
            sent = dict(entry["headers"])
            headers = {"Content-Type": PROTOBUF, "User-Agent": sent["user-agent"]}
            if "Content-Encoding" in sent:
                headers["Content-Encoding"] = sent["Content-Encoding"]
            requests.append(Captured(entry["path"], headers, (FOLDER / entry["file"]).read_bytes()))
    return requests
