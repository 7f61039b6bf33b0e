import Locks
package import OTLP
import Pipeline
package import Spool

/// A request store in memory, which refuses when a test says so.
package final class StubRequestStore: RequestStore, SpoolRecord.Keeper, @unchecked Sendable {
  // Sendable: the mutable properties are touched under `lock`.

  package let syncs: Bool
  package let delay: Duration
  private let lock = Lock()
  private var records: [(record: SpoolRecord, bytes: [UInt8])] = []
  private var sequence: UInt64 = 0
  private var mayAppend = true
  private var mayLoad = true
  private var earlier: [[UInt8]]

  /// - Parameters:
  ///   - syncs: see `RequestStore`.
  ///   - delay: see `RequestStore`.
  ///   - earlier: requests of an earlier run.
  package init(syncs: Bool = false, delay: Duration = .zero, earlier: [[UInt8]] = []) {
    self.syncs = syncs
    self.delay = delay
    self.earlier = earlier
  }

  /// Requests that are in it and not done, oldest first.
  package var kept: [[UInt8]] {
    lock.withLock { records.filter { $0.record.remainingCount > 0 }.map(\.bytes) }
  }

  /// Requests that were ever appended.
  package var appendCount: Int { lock.withLock { Int(sequence) } }

  /// Whether the disk takes records, and lets them be read.
  package func allow(append: Bool = true, load: Bool = true) {
    lock.withLock { (mayAppend, mayLoad) = (append, load) }
  }

  package func restore(_ body: (SpoolRecord, UnsafeRawBufferPointer) -> Bool) {
    let restored = lock.withLock {
      defer { earlier = [] }
      return earlier.map { ($0, keep($0)) }
    }
    for (bytes, record) in restored {
      guard bytes.withUnsafeBytes({ body(record, $0) }) else { return }
    }
  }

  package func append(_ request: EncodedRequest) throws(SpoolError) -> SpoolRecord {
    lock.lock()
    defer { lock.unlock() }
    guard mayAppend else { throw .full(limit: 1 << 20) }
    return keep(request.bytes)
  }

  private func keep(_ bytes: [UInt8]) -> SpoolRecord {
    sequence += 1
    let record = SpoolRecord(
      sequence: sequence, unitCount: 1, arrival: 0, place: SpoolPlace(segment: 0, offset: 0, length: bytes.count),
      keeper: self)
    records.append((record, bytes))
    return record
  }

  package func whenSynced(_ body: @escaping @Sendable (Bool) -> Void) {
    let isDone = lock.withLock { mayAppend }
    _ = BackgroundThread(name: "sync") { body(isDone) }
  }

  package func load(_ record: SpoolRecord) throws(SpoolError) -> [UInt8] {
    lock.lock()
    defer { lock.unlock() }
    guard mayLoad, let found = records.first(where: { $0.record === record }), record.remainingCount > 0 else {
      throw .system("the disk does not answer")
    }
    return found.bytes
  }

  package func stop() {}
  package func noteChange(of record: SpoolRecord) {}
}
