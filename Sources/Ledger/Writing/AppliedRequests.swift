import Locks

/// Which requests of the pipelines' spools are in the ledger, committed. Asked from any thread, written by the ledger's.
final class AppliedRequests: Sendable {
  private let runs: Locked<[String: SequenceRuns]>
  /// Runs of a pipeline that are remembered, the latest ones. What is older and comes again meets its spans in their traces.
  private static let keptAtMost = 100_000

  init() {
    runs = Locked([:])
  }

  func contains(_ sequence: UInt64, of pipeline: String) -> Bool {
    runs.withLock { $0[pipeline]?.contains(sequence) ?? false }
  }

  /// Reads all of it anew.
  func load(from database: Database) throws(LedgerError) {
    var found: [String: [ClosedRange<UInt64>]] = [:]
    try database.forEach("SELECT pipeline, first, last FROM applied ORDER BY pipeline, first") { row in
      let first = UInt64(bitPattern: row.int(1))
      found[row.text(0), default: []].append(first...max(first, UInt64(bitPattern: row.int(2))))
    }
    let all = found.mapValues { SequenceRuns($0) }
    runs.withLock { $0 = all }
  }

  /// Writes the requests of a batch.
  ///
  /// - Returns: what to `publish` when they are committed.
  func write(_ batch: [Arrival], to database: Database) throws(LedgerError) -> [String: SequenceRuns] {
    var sequences: [String: [UInt64]] = [:]
    for arrival in batch {
      if let sequence = arrival.sequence { sequences[arrival.pipeline, default: []].append(sequence) }
    }
    var written: [String: SequenceRuns] = [:]
    for (pipeline, sequences) in sequences {
      var runs = self.runs.withLock { $0[pipeline] } ?? SequenceRuns()
      for sequence in sequences { runs.insert(sequence) }
      let changed = Set(sequences.compactMap { runs.run(of: $0) })
      for run in changed { try write(run, of: pipeline, to: database) }
      if runs.runs.count > Self.keptAtMost {
        runs.keepHighest(Self.keptAtMost)
        try database.run(
          "DELETE FROM applied WHERE pipeline = ?1 AND first < ?2",
          [.text(pipeline), .int(Int64(bitPattern: runs.runs[0].lowerBound))])
      }
      written[pipeline] = runs
    }
    return written
  }

  func publish(_ written: [String: SequenceRuns]) {
    runs.withLock { $0.merge(written) { $1 } }
  }

  private func write(_ run: ClosedRange<UInt64>, of pipeline: String, to database: Database) throws(LedgerError) {
    let first = SQLValue.int(Int64(bitPattern: run.lowerBound))
    let last = SQLValue.int(Int64(bitPattern: run.upperBound))
    try database.run(
      "DELETE FROM applied WHERE pipeline = ?1 AND first BETWEEN ?2 AND ?3", [.text(pipeline), first, last])
    try database.run(
      "INSERT INTO applied (pipeline, first, last) VALUES (?1, ?2, ?3)", [.text(pipeline), first, last])
  }
}
