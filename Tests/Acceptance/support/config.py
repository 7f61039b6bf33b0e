"""Configurations, as text: what a person would write, with the ports and paths of a test in it."""


def pipeline(
    port,
    exporters,
    enduser="",
    receiver="",
    telemetry="{metrics: {level: none}}",
    service="",
    durability="buffered",
    storage="",
    grpc=None,
    extensions=None,
):
    """A traces pipeline from OTLP/HTTP, and from OTLP/gRPC where `grpc` has its settings, through `enduser`. `exporters`
    maps ids to their settings, in YAML's flow style, as are the other parts; `extensions` does too, and all of them run. What
    it keeps on disk, it keeps where no other collector of the test does."""
    lines = [f"  {name}: {{{settings}}}" for name, settings in exporters.items()]
    return "\n".join(
        [
            "receivers:",
            "  otlp:",
            "    protocols:",
            f"      http: {{endpoint: '127.0.0.1:{port}'{comma(receiver)}}}",
            *([f"      grpc: {{{grpc}}}"] if grpc is not None else []),
            "processors:",
            f"  enduser: {{{enduser or QUICK}}}",
            "exporters:",
            *lines,
            *(["extensions:"] if extensions else []),
            *(f"  {name}: {{{settings}}}" for name, settings in (extensions or {}).items()),
            "service:",
            f"  telemetry: {telemetry}",
            f"  durability: {durability}",
            f"  storage: {{directory: 'spool-{port}'{comma(storage)}}}",
            *([f"  {service}"] if service else []),
            *([f"  extensions: [{', '.join(extensions)}]"] if extensions else []),
            "  pipelines:",
            "    traces:",
            "      receivers: [otlp]",
            "      processors: [enduser]",
            f"      exporters: [{', '.join(exporters)}]",
            "",
        ]
    )


# Short where a test waits for it, long where nothing should come of it.
QUICK = "fallback_wait: 300ms, local_root_wait: 60s, root_wait: 60s"


def file_exporter(path, *settings):
    return ", ".join([f"path: '{path}'", "flush_interval: 50ms", *settings])


def http_exporter(endpoint, *settings):
    return ", ".join([f"endpoint: '{endpoint}'", *settings])


def grpc_exporter(endpoint, *settings, tls="{insecure: true}"):
    return ", ".join([f"endpoint: '{endpoint}'", f"tls: {tls}", *settings])


def comma(text):
    return f", {text}" if text else ""
