import OTLP
import Pipeline

/// Where what waits in a table leaves to: the pipeline of the spans, and the pipelines of log records that share the table.
final class Outlets: @unchecked Sendable {
  // Sendable: written while the pipelines are built, by one thread; only read from then on.

  /// One way out.
  struct Outlet: Sendable {
    let output: Batcher
    /// Makes what reads spilled items back from the pipeline's spool; nil without one.
    let makeReader: (@Sendable () -> SpilledReader)?
  }

  /// Pipelines that can share a table: a waiting block has four bits for the number of its outlet, of which 0 is the spans'.
  static let maxLogs = 15

  let spans: Outlet
  /// The first of them has number 1.
  private(set) var logs: [Outlet] = []

  init(spans: Outlet) {
    self.spans = spans
  }

  /// Adds a pipeline of log records.
  ///
  /// - Returns: its number.
  func addLogs(_ outlet: Outlet) -> Int {
    precondition(logs.count < Self.maxLogs, "more pipelines of log records than a table can have")
    logs.append(outlet)
    return logs.count
  }

  subscript(number: Int) -> Outlet { number == 0 ? spans : logs[number - 1] }
}
