import Locks
package import SelfTelemetry

/// How safe an accepted request is.
package enum Durability: String, Sendable, CaseIterable {
  /// On the disk before the sender hears of it.
  case fsync
  /// With the system before the sender hears of it, on the disk soon after: survives a crash of the process.
  case buffered
  /// In memory.
  case memory
}

/// Why a spool does not take a record.
package enum SpoolError: Error, Sendable, Equatable, CustomStringConvertible {
  /// `max_spool_mib` is reached.
  case full(limit: Int)
  /// The system refused, for the operator to read.
  case system(String)

  package var description: String {
    switch self {
    case .full(let limit): "the spool is full (\(limit >> 20) MiB)"
    case .system(let message): message
    }
  }
}

/// A log of accepted requests in a directory of its own: what was appended and is not done survives the process.
package final class Spool: SpoolRecord.Keeper, @unchecked Sendable {
  package struct Configuration: Sendable {
    package var directory: String
    /// `fsync` or `buffered`.
    package var durability = Durability.buffered
    package var syncInterval = Duration.seconds(1)
    /// Bytes after which a segment is closed and the next begins.
    package var segmentBytes = 32 << 20

    package init(directory: String) { self.directory = directory }
  }

  /// What replay hands out.
  package struct Replayed {
    package let record: SpoolRecord
    package let payload: UnsafeRawBufferPointer
    /// For a record that was moved: the unit of each item in the payload. Nil: they are the same.
    package let units: [UInt32]?
  }

  /// A record's payload reduced to the units that are not done, when it is moved: the new payload, and for each unit in it
  /// its number and where its bytes were in the original payload and are in the new one.
  package struct Reduced {
    package var payload: [UInt8]
    package var units: [(unit: UInt32, originalOffset: UInt32, offset: UInt32, length: UInt32)]
    package init(payload: [UInt8], units: [(unit: UInt32, originalOffset: UInt32, offset: UInt32, length: UInt32)]) {
      self.payload = payload
      self.units = units
    }
  }

  /// Opens the directory (creating it) and reads what is in it: which records are not done. Corrupt ones are skipped,
  /// counted and reported.
  package init(
    _ configuration: Configuration, budget: SpoolBudget, log: Log, registry: MetricRegistry,
    labels: MetricRegistry.Labels
  ) throws(SpoolError) {
    fatalError()
  }

  /// Called on the spool's thread before it records what was done: what must be on disk first is written here.
  package func beforeRecording(_ body: @escaping @Sendable () -> Void) { fatalError() }

  /// Makes a moved record of what is not done of an old one; without it nothing is moved. Nil: it can't be reduced.
  package func reduceWith(_ body: @escaping @Sendable (UnsafeRawBufferPointer, SpoolRecord) -> Reduced?) {
    fatalError()
  }

  /// Starts the threads that sync, record, retire and move.
  package func start() { fatalError() }

  /// Records and syncs everything, ends the threads and closes the files. What is not done stays for the next start.
  package func stop() { fatalError() }

  /// Hands out the records that were not done when the spool was opened, oldest first; to be called once, on any thread, while others append.
  /// Stops when `body` returns false. A record whose bytes turn out to be corrupt is skipped, counted and reported.
  package func replay(_ body: (Replayed) -> Bool) { fatalError() }

  /// Records that `replay` has not handed out.
  package var replayCount: Int { fatalError() }

  /// Why nothing is taken at the moment: the limit is reached or the disk refuses; nil otherwise. Cheap: asked for each request.
  package var refusal: SpoolError? { fatalError() }

  /// Writes a record. When this returns, a crash of the process loses it no more.
  package func append(_ payload: [UnsafeRawBufferPointer], unitCount: Int) throws(SpoolError) -> SpoolRecord {
    fatalError()
  }

  /// Calls `body` with true once everything appended so far is on the disk (with false if the disk refused), from another thread;
  /// many calls share one sync.
  package func whenSynced(_ body: @escaping @Sendable (Bool) -> Void) { fatalError() }

  /// Reads bytes of a record that is not done. `offset` counts in the payload as it was appended, also after the record was
  /// moved (then only ranges that lie within one unit that was not done can be read).
  package func read(_ record: SpoolRecord, offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SpoolError) {
    fatalError()
  }

  /// All of a record's payload; only for records that were never moved.
  package func readAll(_ record: SpoolRecord) throws(SpoolError) -> [UInt8] { fatalError() }

  package func noteChange(of record: SpoolRecord) { fatalError() }
}
