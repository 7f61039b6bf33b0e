/// What runs when no configuration is given: receive, attribute, keep in a file, and say so on the console.
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
    service:
      pipelines:
        traces:
          receivers: [otlp]
          processors: [memory_limiter, enduser]
          exporters: [file]
    """
}
