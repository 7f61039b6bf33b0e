import Locks

/// The thread behind `whenSynced`: those who wait while a sync runs share the next one.
final class GroupCommit: @unchecked Sendable {
  // Sendable: what is variable is touched only under `lock`, `thread` only by the owner.

  private struct Waiter {
    let record: SpoolRecord?
    let body: @Sendable (Bool) -> Void
  }

  private let sync: DataSync
  private let lock = Lock()
  private var waiters: [Waiter] = []
  private var isStopping = false
  private var thread: BackgroundThread?

  init(sync: DataSync) { self.sync = sync }

  func start() {
    thread = BackgroundThread(name: "spool-sync") { [self] in
      while waitForWaiters() { commit() }
    }
  }

  /// Serves those who wait, and ends the thread. Who comes later is told that nothing was synced.
  func stop() {
    lock.withLock {
      isStopping = true
      lock.wakeAll()
    }
    thread?.join()
    thread = nil
    commit()
  }

  func add(_ record: SpoolRecord?, _ body: @escaping @Sendable (Bool) -> Void) {
    let isLate = lock.withLock {
      guard !isStopping else { return true }
      waiters.append(Waiter(record: record, body: body))
      if waiters.count == 1 { lock.wakeOne() }
      return false
    }
    if isLate { body(false) }
  }

  /// Returns false when the thread shall end.
  private func waitForWaiters() -> Bool {
    lock.withLock {
      while waiters.isEmpty && !isStopping { lock.wait() }
      return !isStopping
    }
  }

  private func commit() {
    let served = lock.withLock {
      defer { waiters = [] }
      return waiters
    }
    guard !served.isEmpty else { return }
    let ends = sync.run()
    // The same for all who do not say what they wait for, found out once.
    lazy var isAllSynced = sync.isSynced(upTo: ends)
    for waiter in served {
      waiter.body(waiter.record.map { sync.isSynced($0) } ?? isAllSynced)
    }
  }
}
