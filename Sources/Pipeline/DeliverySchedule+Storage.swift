package import OTLP
package import Spool

/// What a durable queue adds: see `RequestBuffer+Storage`.
extension DeliverySchedule {
  /// Attempts to read a record before it is passed over.
  private static let loadAttempts = 5

  /// What is to be done with the disk now; nil at the end.
  package mutating func nextStore(now: UInt64) -> RequestBuffer.StoreStep? {
    isClosed ? nil : buffer.nextStore(now: now)
  }

  /// Takes note of what became of an `append`: the record, or nil when the disk refused.
  package mutating func stored(_ record: SpoolRecord?, now: UInt64) {
    buffer.stored(record, now: now)
    giveMemoryUp()
  }

  /// Takes note of how a sync ended.
  package mutating func synced(upTo order: UInt64, isDone: Bool, now: UInt64) {
    buffer.synced(upTo: order, isDone: isDone, now: now)
    giveMemoryUp()
  }

  /// What nobody needs to care for any more, since the last call.
  package mutating func takeFinished() -> RequestBuffer.Finished { buffer.takeFinished() }

  /// From now on nothing new leaves before `endRestoring`: what earlier runs have left goes first.
  package mutating func beginRestoring() { buffer.beginRestoring() }

  /// All that earlier runs have left was restored.
  package mutating func endRestoring() { buffer.endRestoring() }

  /// Adds a request of an earlier run.
  package mutating func restore(_ record: SpoolRecord, itemCount: Int, byteCount: Int) {
    buffer.restore(record, itemCount: itemCount, byteCount: byteCount)
    waitingSize += batch?.sizer.size(items: itemCount, bytes: byteCount) ?? 0
  }

  /// Takes note of what became of a `load`.
  ///
  /// - Parameters:
  ///   - request: nil when it could not be read: it is tried a few times more.
  ///   - now: monotonic nanoseconds.
  /// - Returns: items that are passed over in this run, for they cannot be read.
  package mutating func loaded(_ request: EncodedRequest?, now: UInt64) -> Int {
    buffer.endLoading(request)
    guard request == nil else {
      loadPause = nil
      loadFailures = 0
      return 0
    }
    loadPause = now &+ RequestBuffer.pause
    loadFailures += 1
    guard loadFailures >= Self.loadAttempts, let oldest = buffer.stored.first else { return 0 }
    loadFailures = 0
    waitingSize -= batch?.sizer.size(items: oldest.itemCount, bytes: oldest.byteCount) ?? 0
    return buffer.abandonUnreadable()
  }

  /// Lets the newest of what was taken, or is next, leave the memory if that is more than it should be.
  mutating func giveMemoryUp() {
    guard isDurable, !isDraining else { return }
    while buffer.isHeadTooLarge {
      if buffer.shrinkFront() { continue }
      // One always has room, as when it is loaded: else it would come back at once, and be tried without a pause.
      guard let job = newestIdleJob(), buffer.headBytes > job.entries.reduce(0, { $0 + $1.byteCount }) else { return }
      ready.removeAll { $0.job === job }
      retries.removeAll { $0.delivery.job === job }
      for entry in job.entries {
        entry.firstAttempt = job.firstAttempt
        waitingSize += batch?.sizer.size(items: entry.itemCount, bytes: entry.byteCount) ?? 0
        buffer.putBack(entry)
      }
    }
  }

  private func newestIdleJob() -> DeliveryJob? {
    retries.lazy.map(\.delivery.job).filter(\.canBePutBack).max { $0.entries[0].order < $1.entries[0].order }
  }
}
