package import SelfTelemetry

/// What the `enduser` processor counts, under `heirloom_` names.
package final class EndUserMetrics: Sendable {
  let resolved: [Identity.Source: Counter]
  let unattributed: [Unattributed: Counter]
  let lateIdentities: Counter
  let conflictingRoots: Counter
  let replacedIdentities: Counter
  let lateSpans: Counter
  let duplicateSpans: Counter
  let observations: Counter
  /// Waiting spans that could not be read back, and entries of the journal that are none.
  let unreadableSpans: Counter
  let unreadableIdentities: Counter
  /// Log records of a trace that left with an end user, and without one.
  let attributedLogRecords: Counter
  let unattributedLogRecords: Counter
  /// Traces that wait, their spans and log records, those of both that are only on disk, and the bytes that all take in memory.
  let waitingTraces = Gauge()
  let waitingSpans = Gauge()
  let waitingLogRecords = Gauge()
  let waitingSpansOnDisk = Gauge()
  let waitingBytes = Gauge()
  let rememberedTraces = Gauge()

  /// Registers everything, labelled with the ids of the processor and of the pipeline that it works in.
  package init(registry: MetricRegistry, processor: String, pipeline: String) {
    let label: MetricRegistry.Labels = [("processor", processor), ("pipeline", pipeline)]
    resolved = Dictionary(
      uniqueKeysWithValues: Identity.Source.allCases.filter { $0 != .none }.map {
        (
          $0,
          registry.counter(
            "heirloom_traces_resolved", help: "Traces whose end user was found, by where it came from.",
            labels: label + [("source", $0.rawValue)])
        )
      })
    unattributed = Dictionary(
      uniqueKeysWithValues: Unattributed.allCases.map {
        (
          $0,
          registry.counter(
            "heirloom_traces_unattributed", help: "Traces that left without an end user, by reason.",
            labels: label + [("reason", $0.rawValue)])
        )
      })
    lateIdentities = registry.counter(
      "heirloom_late_identities", help: "Traces whose identity came or changed after spans of theirs had left.",
      labels: label)
    conflictingRoots = registry.counter(
      "heirloom_conflicting_roots",
      help: "Roots that named another end user than the root that speaks for their trace.",
      labels: label)
    replacedIdentities = registry.counter(
      "heirloom_child_identities_replaced",
      help: "Spans and log records whose own identity was removed or replaced by that of their trace.", labels: label)
    attributedLogRecords = registry.counter(
      "heirloom_attributed_log_records", help: "Log records that left with the end user of their trace.", labels: label)
    unattributedLogRecords = registry.counter(
      "heirloom_unattributed_log_records", help: "Log records of a trace that left without an end user.", labels: label)
    lateSpans = registry.counter(
      "heirloom_late_spans", help: "Spans that came after their trace was resolved.", labels: label)
    observations = registry.counter(
      "heirloom_observations", help: "Spans that came for the first time, completion markers left out.", labels: label)
    duplicateSpans = registry.counter(
      "heirloom_duplicate_spans", help: "Spans left out because they had come before.", labels: label)
    unreadableSpans = registry.counter(
      "heirloom_enduser_unreadable_spans", help: "Waiting spans lost because they could not be read back from disk.",
      labels: label)
    unreadableIdentities = registry.counter(
      "heirloom_enduser_unreadable_identities",
      help: "Identities of resolved traces lost because they could not be read back from disk.", labels: label)
    registry.gauge("heirloom_waiting_traces", help: "Traces that wait to be resolved.", labels: label) {
      [waitingTraces] in Double(waitingTraces.value)
    }
    registry.gauge("heirloom_waiting_spans", help: "Spans of traces that wait to be resolved.", labels: label) {
      [waitingSpans] in Double(waitingSpans.value)
    }
    registry.gauge(
      "heirloom_waiting_log_records", help: "Log records of traces that wait to be resolved.", labels: label
    ) { [waitingLogRecords] in Double(waitingLogRecords.value) }
    registry.gauge(
      "heirloom_enduser_waiting_spans_on_disk",
      help: "Spans and log records of traces that wait to be resolved, of which memory holds only the place on disk.",
      labels: label
    ) { [waitingSpansOnDisk] in Double(waitingSpansOnDisk.value) }
    registry.gauge("heirloom_waiting_bytes", help: "Memory of spans and log records that wait.", labels: label) {
      [waitingBytes] in Double(waitingBytes.value)
    }
    registry.gauge("heirloom_remembered_traces", help: "Resolved traces kept in mind for late spans.", labels: label) {
      [rememberedTraces] in Double(rememberedTraces.value)
    }
  }
}
