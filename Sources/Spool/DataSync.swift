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

  /// Syncs all that was appended before the call, and the directory.
  ///
  /// A segment of which everything is done is left out: nobody will read it.
  func run() {
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

  /// How far each segment was written at one moment.
  struct Mark {
    fileprivate let sizes: [UInt64: Int]
  }

  /// How far the segments are written now.
  func mark() -> Mark {
    store.lock.withLock { Mark(sizes: store.segments.mapValues(\.size)) }
  }

  /// Whether all that was there at that moment, and is not done, is on the disk. What came since has to wait for another
  /// sync, and says nothing about this one.
  func isEverythingSynced(upTo mark: Mark) -> Bool {
    store.lock.withLock {
      store.segments.values.allSatisfy { segment in
        let end = mark.sizes[segment.number] ?? 0
        return segment.synced >= end || segment.live.keys.allSatisfy { $0 < segment.synced || $0 >= end }
      }
    }
  }

  /// Whether the record, where it is now, is on the disk.
  func isSynced(_ record: SpoolRecord) -> Bool {
    store.lock.withLock {
      guard record.remainingCount > 0 else { return true }
      guard let segment = store.segments[record.place.segment] else { return false }
      return record.place.offset < segment.synced
    }
  }
}
