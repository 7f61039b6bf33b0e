import Locks
package import SelfTelemetry

/// A log of small entries in order, of which only the latest matter: the oldest go when there are too many or they are too old.
package final class Journal: @unchecked Sendable {
  package struct Configuration: Sendable {
    package var directory: String
    package var segmentBytes = 4 << 20
    package var maxBytes = 256 << 20
    /// Nanoseconds after which an entry is of no use.
    package var lifetime: UInt64

    package init(directory: String, lifetime: UInt64) {
      self.directory = directory
      self.lifetime = lifetime
    }
  }

  package init(
    _ configuration: Configuration, budget: SpoolBudget, log: Log, registry: MetricRegistry,
    labels: MetricRegistry.Labels
  ) throws(SpoolError) { fatalError() }

  /// Hands out the entries of earlier runs, oldest first, each with the time it was appended at (nanoseconds of `SpoolClock`).
  package func replay(_ body: (UnsafeRawBufferPointer, UInt64) -> Void) { fatalError() }

  /// Adds an entry in memory: cheap, for many threads. `flush` writes it.
  package func append(_ entry: UnsafeRawBufferPointer) { fatalError() }

  /// Writes what was appended, and lets old segments go.
  package func flush() { fatalError() }

  /// Flushes, and returns when it is on the disk.
  package func sync() { fatalError() }

  package func close() { fatalError() }
}
