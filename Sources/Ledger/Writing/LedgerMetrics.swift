import Glibc
import SelfTelemetry

/// What the ledger counts, under `heirloom_ledger_` names. Counters hold what was committed.
final class LedgerMetrics: Sendable {
  let spans: Counter
  let duplicates: Counter
  let omitted: Counter
  let refused: Counter
  let traces: Counter
  let removedTraces: Counter
  let conflictingSessions: Counter
  let unpricedCalls: Counter
  let scores: Counter
  let refusedScores: Counter
  let removedScores: Counter
  let transactions: Counter
  let failedTransactions: Counter
  let noRoom: Counter
  let queuedBytes = Gauge()
  let queuedRequests = Gauge()

  /// - Parameters:
  ///   - registry: gets the metrics.
  ///   - path: of the ledger's file.
  init(_ registry: MetricRegistry, path: String) {
    func counter(_ name: String, _ help: String) -> Counter { registry.counter("heirloom_ledger_" + name, help: help) }
    spans = counter("spans", "Spans that were written to the ledger.")
    duplicates = counter("duplicate_spans", "Spans that the ledger had already.")
    omitted = counter("omitted_spans", "Observations that are counted and not kept, because their trace has too many.")
    refused = counter("refused_spans", "Spans left out because they belong to a forgotten end user.")
    traces = counter("traces", "Traces that came for the first time.")
    removedTraces = counter("removed_traces", "Traces that were too old or too many, or a forgotten end user's.")
    conflictingSessions = counter("conflicting_sessions", "Sessions whose traces began to name different end users.")
    unpricedCalls = counter("unpriced_calls", "Calls of models that no price is known for.")
    scores = counter("scores", "Scores that were written to the ledger, those that replaced another included.")
    refusedScores = counter("refused_scores", "Scores left out because their trace is a forgotten end user's.")
    removedScores = counter(
      "removed_scores", "Scores that went with what they were about, or waited for it for too long.")
    transactions = counter("transactions", "Transactions that were committed.")
    failedTransactions = counter("failed_transactions", "Transactions that failed; what they held is tried again.")
    noRoom = counter("full", "Requests that the ledger had no room for and will be offered again.")
    let (bytes, requests) = (queuedBytes, queuedRequests)
    registry.gauge("heirloom_ledger_queue_bytes", help: "Facts that wait to be written.") { Double(bytes.value) }
    registry.gauge("heirloom_ledger_queue_requests", help: "Requests whose facts wait to be written.") {
      Double(requests.value)
    }
    for (name, suffix, help) in [
      ("file", "", "Size of the ledger's file."),
      ("log", "-wal", "Size of the write-ahead log beside the ledger's file."),
    ] {
      registry.gauge("heirloom_ledger_\(name)_bytes", help: help) {
        var status = stat()
        return stat(path + suffix, &status) == 0 ? Double(status.st_size) : 0
      }
    }
  }

  func add(_ tally: LedgerWriter.Tally) {
    transactions.add()
    spans.add(tally.spans)
    duplicates.add(tally.duplicates)
    omitted.add(tally.omitted)
    refused.add(tally.refused)
    traces.add(tally.newTraces)
    removedTraces.add(tally.removedTraces)
    conflictingSessions.add(tally.conflictingSessions)
    unpricedCalls.add(tally.unpricedCalls)
    scores.add(tally.scores)
    refusedScores.add(tally.refusedScores)
    removedScores.add(tally.removedScores)
  }
}
