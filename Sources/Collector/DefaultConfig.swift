/// What runs when no configuration is given: receive, attribute, keep in files, know who it was about, and say so on the console.
enum DefaultConfig {
  static let yaml = """
    receivers:
      otlp:
        protocols:
          grpc:
            endpoint: 127.0.0.1:4317
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
      file/logs:
        path: heirloom-data/logs.jsonl
        append: true
        create_directory: true
      file/metrics:
        path: heirloom-data/metrics.jsonl
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
        logs:
          receivers: [otlp]
          processors: [memory_limiter, enduser]
          exporters: [file/logs]
        metrics:
          receivers: [otlp]
          processors: [memory_limiter]
          exporters: [file/metrics]
    """
}
