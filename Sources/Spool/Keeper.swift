import Locks

/// The spool's thread: records what is done, syncs, and lets old segments go.
final class Keeper: @unchecked Sendable {
  // Sendable: what is variable is touched only by the owner.

  private let store: SegmentStore
  private let writer: SegmentWriter
  private let recorder: DoneRecorder
  private let sync: DataSync
  private let mover: Mover
  private let mayMove: @Sendable () -> Bool
  private let retirement: Retirement
  private var thread: BackgroundThread?

  init(
    store: SegmentStore, writer: SegmentWriter, recorder: DoneRecorder, sync: DataSync, mover: Mover,
    mayMove: @escaping @Sendable () -> Bool
  ) {
    self.store = store
    self.writer = writer
    self.recorder = recorder
    self.sync = sync
    self.mover = mover
    self.mayMove = mayMove
    retirement = Retirement(store: store, writer: writer, recorder: recorder)
  }

  func start() {
    thread = BackgroundThread(name: "spool") { [self] in run() }
  }

  /// Ends the thread, then records and syncs once more.
  func stop() {
    recorder.stopWaiting()
    thread?.join()
    thread = nil
    recorder.record()
    settle()
  }

  private func run() {
    let interval = store.configuration.syncInterval.nanoseconds
    var nextSync = MonotonicClock.now() + interval
    var hasMoreToMove = false
    while recorder.waitForChanges(until: hasMoreToMove ? min(nextSync, MonotonicClock.now() + 50_000_000) : nextSync) {
      recorder.record()
      retirement.runIfWorthwhile()
      if MonotonicClock.now() >= nextSync {
        settle()
        nextSync = MonotonicClock.now() + interval
        hasMoreToMove = true
      }
      if hasMoreToMove { hasMoreToMove = mayMove() && mover.run() }
    }
  }

  /// Everything that is due each sync interval.
  func maintain() {
    recorder.record()
    settle()
    if mayMove() { _ = mover.run() }
  }

  /// Brings everything to the disk, then removes what is not needed any more.
  private func settle() {
    store.lookAtDisk()
    if writer.diskRefusal != nil { store.spares.removeAll() }
    writer.checkDisk()
    sync.run()
    mover.vacate()
    recorder.write()
    recorder.prepareToSync()
    let isEverythingRecorded = recorder.sync()
    retirement.run(isEverythingRecorded: isEverythingRecorded)
  }
}
