import SelfTelemetry

/// What a log of any kind counts. Separate from the log, so that the registry does not keep that alive.
struct LogCounters: Sendable {
  let corruptRecords: Counter
  let syncs: Counter
  let writeErrors: Counter

  init(_ registry: MetricRegistry, _ labels: MetricRegistry.Labels) {
    corruptRecords = registry.counter(
      "heirloom_spool_corrupt_records", help: "Damaged places and payloads found in the spool's files.", labels: labels)
    syncs = registry.counter("heirloom_spool_syncs", help: "Times that files were synced to the disk.", labels: labels)
    writeErrors = registry.counter(
      "heirloom_spool_write_errors", help: "Writes and syncs that the disk refused.", labels: labels)
  }

  static func registerBytes(
    _ registry: MetricRegistry, _ labels: MetricRegistry.Labels, _ read: @escaping @Sendable () -> Int
  ) {
    registry.gauge("heirloom_spool_bytes", help: "Bytes that the spool takes on the disk.", labels: labels) {
      Double(read())
    }
  }
}

/// What a spool tells about itself.
struct SpoolMetrics: Sendable {
  let counters: LogCounters
  let logBytes = Gauge()
  let doneBytes = Gauge()
  /// Records that are not done.
  let records = Gauge()
  let segments = Gauge()
  let movedBytes: Counter

  init(_ registry: MetricRegistry, _ labels: MetricRegistry.Labels) {
    counters = LogCounters(registry, labels)
    movedBytes = registry.counter(
      "heirloom_spool_moved_bytes", help: "Payload bytes written again so that old segments could go.", labels: labels)
    LogCounters.registerBytes(registry, labels) { [logBytes, doneBytes] in logBytes.value + doneBytes.value }
    registry.gauge("heirloom_spool_records", help: "Requests in the spool that are not done.", labels: labels) {
      [records] in Double(records.value)
    }
    registry.gauge("heirloom_spool_segments", help: "Segments of the spool.", labels: labels) { [segments] in
      Double(segments.value)
    }
  }

  /// The spool is closed.
  func reset() {
    logBytes.set(0)
    doneBytes.set(0)
    records.set(0)
    segments.set(0)
  }
}
