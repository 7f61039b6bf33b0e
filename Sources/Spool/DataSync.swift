import Locks
import SelfTelemetry

/// Brings what was appended to the disk. One sync at a time, from any thread.
final class DataSync: Sendable {
  private let store: SegmentStore
  private let writer: SegmentWriter
  private let turn = Lock()

  init(store: SegmentStore, writer: SegmentWriter) {
    self.store = store
    self.writer = writer
  }

  /// Where each segment ended, by its number.
  typealias Ends = [UInt64: Int]

  /// Syncs all that was appended before the call, and the directory.
  ///
  /// A segment of which everything is done is left out: nobody will read it.
  ///
  /// - Returns: what that was.
  @discardableResult
  func run() -> Ends {
    let ends = store.lock.withLock { store.segments.mapValues(\.size) }
    turn.withLock {
      let unsynced = store.sorted { $0.synced < $0.size && !$0.isLost && !$0.isFinished }
      for segment in unsynced {
        let end = store.lock.withLock { segment.size }
        do throws(SpoolError) {
          store.metrics.counters.syncs.add()
          try segment.file.sync()
          store.lock.withLock { segment.synced = end }
        } catch { lose(segment, error) }
      }
      do throws(SpoolError) {
        try store.directory.sync()
      } catch {
        // What was written to new files may be on the disk, but their names are not.
        store.metrics.counters.writeErrors.add()
        for segment in unsynced { store.lock.withLock { segment.synced = 0 } }
        store.log.error("cannot sync the spool's directory", ["error": error.description])
      }
    }
    return ends
  }

  /// After a failed sync the system may have thrown away what it could not write, and says so only once.
  private func lose(_ segment: Segment, _ error: SpoolError) {
    store.metrics.counters.writeErrors.add()
    store.lock.withLock { segment.isLost = true }
    writer.abandon(segment)
    store.log.error(
      "cannot sync a segment: requests in it may be lost if the machine stops now; the next go to another segment",
      ["error": error.description])
  }

  /// Whether the record, where it is now, is on the disk.
  func isSynced(_ record: SpoolRecord) -> Bool {
    store.lock.withLock {
      guard record.remainingCount > 0 else { return true }
      guard let segment = store.segments[record.place.segment] else { return false }
      return record.place.offset < segment.synced
    }
  }

  /// Whether all that is not done of what was there with these ends is on the disk.
  func isSynced(upTo ends: Ends) -> Bool {
    store.lock.withLock {
      store.segments.allSatisfy { number, segment in
        segment.live.keys.allSatisfy { $0 < segment.synced || $0 >= ends[number, default: 0] }
      }
    }
  }
}
