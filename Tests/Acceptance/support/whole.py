"""The whole way: application → recorder → collector → two files and a backend."""

from support import otlpjson
from support.outputs import framed_messages, json_lines, spans_of
from support.spans import assert_inherited
from support.waiting import wait_until


class Whole:
    def __init__(self, collector, recorder, backend, json_file, proto_file):
        self.collector = collector
        self.recorder = recorder
        self.backend = backend
        self.json_file = json_file
        self.proto_file = proto_file

    @property
    def endpoint(self):
        """Where an application sends to."""
        return self.recorder.endpoint

    def check(self, identities):
        """Waits for everything that was sent of these traces, and checks all of it in every output. Returns what was
        sent, for what a test wants to say about its own traffic."""
        sent = self.recorder.traces(identities)
        assert {place.trace for place in sent} == set(identities), "the application did not send these traces"
        count = len({place.key for place in sent})

        at_backend = self.backend.wait_for(count, identities)
        assert_inherited(sent, at_backend, identities)
        assert_inherited(sent, self._in(self.proto_file, framed_messages, count, identities), identities)
        assert_inherited(
            sent, self._in(self.json_file, json_lines, count, identities), identities, form=otlpjson.expressible
        )
        return sent

    @staticmethod
    def _in(file, reader, count, identities):
        def found():
            return [place for place in spans_of(reader(file)) if place.trace in identities]

        return wait_until(
            lambda: (spans if len(spans := found()) >= count else None),
            lambda: f"{count} spans in {file.name}, of which {len(found())} came",
        )
