package import OTLP
package import Spool

/// Where a sending queue keeps what it can't deliver soon: a log of requests that survives the process.
package protocol RequestStore: AnyObject, Sendable {
  /// Whether a record is to be relied on only after `whenSynced`.
  var syncs: Bool { get }

  /// How long a request is left in memory before it is appended.
  var delay: Duration { get }

  /// Hands out the requests of earlier runs, oldest first, until `body` returns false. Called once, before the first
  /// `append`; starts the store.
  func restore(_ body: (SpoolRecord, UnsafeRawBufferPointer) -> Bool)

  /// Writes a request.
  func append(_ request: EncodedRequest) throws(SpoolError) -> SpoolRecord

  /// Calls `body` from another thread with true when everything appended so far is on the disk, with false if the disk
  /// refused.
  func whenSynced(_ body: @escaping @Sendable (Bool) -> Void)

  /// The bytes of a request that is not done.
  func load(_ record: SpoolRecord) throws(SpoolError) -> [UInt8]

  /// Writes what is to be written and closes the files. What is not done stays.
  func stop()
}

/// A spool with one record for each request.
package final class SpoolStore: RequestStore {
  package let syncs: Bool
  package let delay: Duration
  private let spool: Spool

  /// A store that has not started.
  ///
  /// - Parameters:
  ///   - spool: of this store alone.
  ///   - syncs: whether a record is to be relied on only when it is synced.
  ///   - delay: how long a request is left in memory.
  package init(_ spool: Spool, syncs: Bool, delay: Duration) {
    self.spool = spool
    self.syncs = syncs
    self.delay = delay
  }

  package func restore(_ body: (SpoolRecord, UnsafeRawBufferPointer) -> Bool) {
    spool.start()
    spool.replay { body($0.record, $0.payload) }
  }

  package func append(_ request: EncodedRequest) throws(SpoolError) -> SpoolRecord {
    try spool.append((0..<request.segmentCount).map { request.segment($0) }, unitCount: 1)
  }

  package func whenSynced(_ body: @escaping @Sendable (Bool) -> Void) { spool.whenSynced(nil, body) }

  package func load(_ record: SpoolRecord) throws(SpoolError) -> [UInt8] { try spool.readAll(record) }

  package func stop() { spool.stop() }
}
