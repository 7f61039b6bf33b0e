"""A collector with a ledger whose `sessions` connector tells a backend and two files, and what was told."""

import json
from dataclasses import dataclass, field

from support import config
from support.ledger import Ledgered
from support.signals import came, log_records
from support.spans import plain

QUICKLY = "update_interval: 100ms, metrics_interval: 100ms, idle_timeout: 1h"


def plain_or_list(value):
    return [plain(each) for each in value.array_value.values] if value.HasField("array_value") else plain(value)


def attributes_of(message):
    """Attributes as Python values. A key that is there twice is an error."""
    found = {each.key: plain_or_list(each.value) for each in message.attributes}
    assert len(found) == len(message.attributes), message
    return found


@dataclass
class Told(Ledgered):
    backend: object = None
    connector: str = QUICKLY
    # Of the pipelines that the connector hands on to.
    exporters: str = "[otlp_http, file/told]"
    signals: tuple = ("logs", "metrics")
    told_file: object = field(init=False)

    def __post_init__(self):
        self.told_file = self.folder / "told.jsonl"
        super().__post_init__()

    def config(self):
        lines = super().config().splitlines()
        lines = [line.replace("exporters: [file]", "exporters: [file, sessions]") for line in lines]
        places = [
            f"  otlp_http: {{endpoint: '{self.backend.endpoint}', retry_on_failure: {{initial_interval: 50ms}}}}",
            f"  file/told: {{{config.file_exporter(self.told_file, 'append: true')}}}",
        ]
        at = lines.index("exporters:") + 1
        told = [f"    {each}: {{receivers: [sessions], exporters: {self.exporters}}}" for each in self.signals]
        return "\n".join(
            ["connectors:", f"  sessions: {{{self.connector}}}", *lines[:at], *places, *lines[at:], *told, ""]
        )

    def came(self, path):
        return came(self.backend, path)

    @property
    def records(self):
        return log_records(self.backend)

    def events(self, name):
        """The attributes of log records of that name, in the order in which they came."""
        return [attributes_of(record) for record in self.records if record.event_name == name]

    @property
    def points(self):
        """The latest point of every series, with the metric that it is of: by the metric's name and the point's attributes."""
        found = {}
        for message in self.came("/v1/metrics"):
            for resource in message.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        data = getattr(metric, metric.WhichOneof("data"))
                        for point in data.data_points:
                            key = frozenset(attributes_of(point).items())
                            before = found.get((metric.name, key))
                            if not before or before[1].time_unix_nano <= point.time_unix_nano:
                                found[metric.name, key] = (metric, point)
        return found

    def point(self, name, attributes):
        """The latest point of the series with these attributes; None without one."""
        return self.points.get((name, frozenset(attributes.items())), (None, None))[1]

    @property
    def told_lines(self):
        """What the file has of logs and metrics: JSON, a line a request."""
        if not self.told_file.exists():
            return []
        *lines, unfinished = self.told_file.read_text().split("\n")
        return [json.loads(line) for line in lines]
