import Locks
import SelfTelemetry

/// Removes segments that nobody needs any more. Only for the spool's thread.
final class Retirement: @unchecked Sendable {
  // Sendable: `isFailing` is touched only by the spool's thread.

  private let store: SegmentStore
  private let writer: SegmentWriter
  private let recorder: DoneRecorder
  /// Whether the last attempt failed, so that it is said once, and not tried again before the next sync.
  private var isFailing = false

  init(store: SegmentStore, writer: SegmentWriter, recorder: DoneRecorder) {
    self.store = store
    self.writer = writer
    self.recorder = recorder
  }

  /// Between syncs: when there is much to do requests come fast, and the next segments can use the files of these.
  func runIfWorthwhile() {
    guard !isFailing, store.sorted({ $0.isFinished && !$0.hasMoved }).count > 1 else { return }
    run(isEverythingRecorded: false)
  }

  /// - Parameter isEverythingRecorded: whether what is done is on the disk. Until it is, a segment with moved records stays:
  ///   without it their old places would be theirs again.
  func run(isEverythingRecorded: Bool) {
    store.spares.removeIfSpaceIsShort()
    writer.rollIfFinished()
    // Somebody must tell the next run where the sequence numbers go on.
    guard writer.hasSegment else { return }
    // The oldest first: what was moved is removed after where it came from.
    let finished = store.sorted { $0.isFinished && (isEverythingRecorded || !$0.hasMoved) }
    guard !finished.isEmpty else { return }
    // Without their records nothing tells any more what they have led to.
    recorder.prepareToSync()
    // A disk that refuses gets the space back.
    let keepsFiles = writer.diskRefusal == nil
    do throws(SpoolError) {
      for segment in finished {
        let (isRead, isLost) = store.lock.withLock { (segment.wasRead, segment.isLost) }
        if keepsFiles, store.spares.take(over: segment, isRead: isRead, isLost: isLost) { continue }
        try store.directory.remove(segment.number, SegmentStore.logSuffix)
      }
      // A log without its done file would come back to life.
      try store.directory.sync()
      for segment in finished {
        try store.directory.remove(segment.number, SegmentStore.doneSuffix)
        store.remove(segment)
      }
      // Their names are on the disk: they may be written over.
      store.spares.release()
      isFailing = false
    } catch {
      store.metrics.counters.writeErrors.add()
      if !isFailing {
        store.log.warn("cannot remove old segments: tried again", ["error": error.description])
      }
      isFailing = true
    }
  }
}
