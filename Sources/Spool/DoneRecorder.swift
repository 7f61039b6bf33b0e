import Locks
import SelfTelemetry
import Synchronization

/// Collects which records have changed, and writes what is done of them beside their segments.
final class DoneRecorder: SpoolRecord.Keeper, @unchecked Sendable {
  // Sendable: `changed`, `isStopping` and `lastRecord` are touched only under `lock`, the rest only by the spool's thread.

  /// A function in a structure: a generic value that is a bare function gets another wrapper at each access.
  private struct Preparation {
    let body: @Sendable () -> Void
  }

  private let store: SegmentStore
  private let lock = Lock()
  private var changed: [SpoolRecord] = []
  private var isStopping = false
  private var lastRecord: UInt64 = 0
  /// What one delivery tells of comes within this time.
  private static let gathering: UInt64 = 1_000_000
  /// What must be with the system before anything is recorded as done, and on the disk before that is.
  private let before = Locked<Preparation?>(nil)
  private let beforeSync = Locked<Preparation?>(nil)
  /// Whether the last attempt to write failed, so that it is said once.
  private var isFailing = false

  init(store: SegmentStore) { self.store = store }

  func beforeRecording(_ body: @escaping @Sendable () -> Void) { before.withLock { $0 = Preparation(body: body) } }

  func beforeSyncing(_ body: @escaping @Sendable () -> Void) { beforeSync.withLock { $0 = Preparation(body: body) } }

  func noteChange(of record: SpoolRecord) {
    lock.withLock {
      guard !isStopping else { return }
      changed.append(record)
      if changed.count == 1 { lock.wakeOne() }
    }
  }

  func stopWaiting() {
    lock.withLock {
      isStopping = true
      lock.wakeAll()
    }
  }

  /// Waits until a record changes, but no longer than to `deadline`; when there was news lately a moment more, so that what
  /// is done meanwhile is written with it.
  ///
  /// - Returns: false when the thread shall end.
  func waitForChanges(until deadline: UInt64) -> Bool {
    lock.withLock {
      while changed.isEmpty && !isStopping && lock.wait(until: deadline) {}
      if !changed.isEmpty {
        // The first news are written at once: what is lost with the process is done again.
        let time = max(MonotonicClock.now() + Self.gathering, lastRecord &+ store.configuration.recordDelay.nanoseconds)
        while !isStopping && lock.wait(until: time) {}
        lastRecord = MonotonicClock.now()
      }
      return !isStopping
    }
  }

  /// Calls what `beforeRecording` was given.
  func prepare() { before.withLock { $0 }?.body() }

  /// Calls what `beforeSyncing` was given.
  func prepareToSync() { beforeSync.withLock { $0 }?.body() }

  /// Writes what has become done since the last call.
  func record() {
    let news = lock.withLock {
      defer { changed = [] }
      return changed
    }
    if !news.isEmpty {
      // What becomes done from here on may need more than what is brought to the disk now: it is for the next time.
      let finished = news.filter(takeNote)
      prepare()
      for record in finished { forget(record) }
    }
    write()
  }

  /// Lays down what has changed in a record, to be written. Returns true if all of it is done.
  private func takeNote(of record: SpoolRecord) -> Bool {
    record.takeNote()
    let (place, segment) = store.lock.withLock { (record.place, store.segments[record.place.segment]) }
    let isDone = record.remainingCount == 0
    // Told again after it was forgotten.
    guard let segment, store.lock.withLock({ segment.live[place.offset] === record }) else { return false }
    if isDone {
      segment.done.addWhole(place.offset)
    } else if let (first, words) = record.takeUnrecorded() {
      segment.done.add(place.offset, first: first, words: words)
    }
    return isDone
  }

  private func forget(_ record: SpoolRecord) {
    let wasLive = store.lock.withLock {
      store.segments[record.place.segment]?.live.removeValue(forKey: record.place.offset) != nil
    }
    if wasLive { store.metrics.records.add(-1) }
  }

  /// Lays down all of what is done of a record that has a new place.
  func recordAnew(_ record: SpoolRecord) {
    let (place, segment) = store.lock.withLock { (record.place, store.segments[record.place.segment]) }
    guard let segment, let (first, words) = record.takeUnrecorded() else { return }
    segment.done.add(place.offset, first: first, words: words)
  }

  /// Takes out a place that a record has left.
  func vacate(_ place: SpoolPlace) {
    guard let segment = store.lock.withLock({ store.segments[place.segment] }) else { return }
    segment.done.addWhole(place.offset)
    store.lock.withLock { segment.live[place.offset] = nil }
  }

  /// Writes what is laid down. What the disk refuses is tried again the next time.
  func write() { forEachDoneFile({ _ in true }) { done throws(SpoolError) in try done.write() } }

  /// Brings what is written to the disk, but of segments that nobody needs any more: they go as a whole.
  ///
  /// - Returns: whether it is all there.
  func sync() -> Bool {
    forEachDoneFile({ !$0.isFinished }) { done throws(SpoolError) in
      store.metrics.counters.syncs.add()
      try done.sync()
    }
    do throws(SpoolError) {
      try store.directory.sync()
    } catch {
      note(error)
      return false
    }
    return store.sorted { !$0.isFinished }.allSatisfy(\.done.isSynced)
  }

  private func forEachDoneFile(_ isWanted: (Segment) -> Bool, _ body: (DoneFile) throws(SpoolError) -> Void) {
    var fault: SpoolError?
    var hadWork = false
    for segment in store.sorted(isWanted) where !segment.done.isSynced {
      hadWork = true
      do throws(SpoolError) { try body(segment.done) } catch {
        store.metrics.counters.writeErrors.add()
        fault = fault ?? error
      }
    }
    if let fault { note(fault) } else if hadWork { isFailing = false }
  }

  private func note(_ error: SpoolError) {
    guard !isFailing else { return }
    isFailing = true
    store.log.error(
      "cannot record what is done: it is tried again, and done again if Heirloom ends before",
      ["error": error.description])
  }
}
