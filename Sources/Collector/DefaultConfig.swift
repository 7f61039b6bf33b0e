/// What runs when no configuration is given: receive, attribute, keep in a file, know who it was about, and say so on the console.
enum DefaultConfig {
  static let yaml = """
    receivers:
      otlp:
        protocols:
          http:
            endpoint: 127.0.0.1:4318
    processors:
      memory_limiter:
        check_interval: 1s
        limit_percentage: 80
        spike_limit_percentage: 20
      enduser:
        log_traces: true
    exporters:
      file:
        path: heirloom-data/spans.jsonl
        append: true
        create_directory: true
    extensions:
      ledger:
        path: heirloom-data/ledger.db
        endpoint: 127.0.0.1:4319
      health_check:
        endpoint: 127.0.0.1:13133
    service:
      extensions: [ledger, health_check]
      pipelines:
        traces:
          receivers: [otlp]
          processors: [memory_limiter, enduser]
          exporters: [file]
    """
}
