import Locks
import SelfTelemetry
import Spool

/// What waits for the ledger's thread: facts, within bounds, and orders.
final class LedgerQueue: Sendable {
  /// A request's facts, and whom to tell when they are in the file.
  struct Item: Sendable {
    enum Place: Sendable {
      case memory(Arrival)
      case log(FactsLog, SpoolRecord)
    }

    let place: Place
    /// What is in the log, too, as long as there is memory for it: what is read back costs more.
    fileprivate(set) var copy: Arrival?
    /// Bytes of facts.
    let byteCount: Int
    private let applied: (@Sendable () -> Void)?

    init(_ arrival: Arrival, applied: @escaping @Sendable () -> Void) {
      (place, byteCount, self.applied) = (.memory(arrival), arrival.facts.byteCount, applied)
    }

    init(_ record: SpoolRecord, in log: FactsLog, byteCount: Int, copy: Arrival? = nil) {
      (place, self.byteCount, applied) = (.log(log, record), byteCount, nil)
      self.copy = copy
    }

    var isInMemory: Bool { if case .memory = place { true } else { false } }
    /// Whether nothing has it but this process.
    var isLostWithProcess: Bool { if case .memory(let arrival) = place { arrival.sequence == nil } else { false } }

    /// The facts; nil when they are lost.
    func read() -> Arrival? {
      if let copy { return copy }
      return switch place {
      case .memory(let arrival): arrival
      case .log(let log, let record): log.read(record)
      }
    }

    /// They are in the file, or lost.
    func finish() {
      applied?()
      if case .log(let log, let record) = place { log.finish(record, byteCount: byteCount) }
    }
  }

  /// What else the thread is to do with the file.
  typealias Order = @Sendable (Result<LedgerWriter, LedgerError>) -> Void

  /// What the thread is to do next.
  struct Work {
    var items: [Item] = []
    var orders: [Order] = []
    var isStopping = false
  }

  private struct State {
    var items: [Item] = []
    var orders: [Order] = []
    /// Of the items, and of those that are being written.
    var byteCount = 0
    /// Of these, what is in memory and nowhere else.
    var heldBytes = 0
    /// Of these, what is in memory and in a log.
    var copiedBytes = 0
    var isStopping = false
  }

  private let lock = Lock()
  private nonisolated(unsafe) var state = State()
  private let capacity: Int
  private let metrics: LedgerMetrics
  /// So many bytes are written at once, whatever the interval says.
  private let enough: Int
  /// Bytes that one transaction takes at most, a request more or less: about what comes in a second on two busy processors. Each
  /// user and session that it touches is written once, so that smaller ones cost more.
  private static let mostPerTransaction = 32 << 20
  /// Bytes of what is in a log that are in memory, too, at most.
  private static let mostCopied = 32 << 20

  /// - Parameters:
  ///   - capacity: bytes of facts that wait in memory at most.
  ///   - metrics: hear how many do.
  init(capacity: Int, metrics: LedgerMetrics) {
    self.capacity = capacity
    enough = min(capacity / 2, Self.mostPerTransaction)
    self.metrics = metrics
  }

  // MARK: Putting in

  /// Whether a copy of so many bytes that are in a log would be kept.
  func takesCopy(of byteCount: Int) -> Bool {
    lock.withLock { state.copiedBytes + byteCount <= Self.mostCopied }
  }

  /// Whether there is room in memory for a request of usual size.
  var hasRoom: Bool { lock.withLock { !state.isStopping && state.heldBytes < capacity } }

  /// False when there is no room, or the ledger stops. There is always room for what is in a log.
  func put(_ item: Item) -> Bool {
    let held = item.isInMemory ? item.byteCount : 0
    return lock.withLock {
      guard !state.isStopping, state.heldBytes == 0 || held == 0 || state.heldBytes + held <= capacity else {
        return false
      }
      state.items.append(item)
      if item.copy != nil {
        if state.copiedBytes + item.byteCount > Self.mostCopied {
          state.items[state.items.count - 1].copy = nil
        } else {
          state.copiedBytes += item.byteCount
        }
      }
      state.byteCount += item.byteCount
      state.heldBytes += held
      publish()
      if state.byteCount > enough { lock.wakeAll() }
      return true
    }
  }

  /// False when the ledger stops.
  func put(_ order: @escaping Order) -> Bool {
    lock.withLock {
      guard !state.isStopping else { return false }
      state.orders.append(order)
      lock.wakeAll()
      return true
    }
  }

  func stop() {
    lock.withLock {
      state.isStopping = true
      lock.wakeAll()
    }
  }

  // MARK: Taking out

  /// Waits until the time has come, enough is in the queue, an order came, or the ledger stops; then takes what one
  /// transaction may hold. Its bytes count until `done`.
  ///
  /// - Parameter time: monotonic nanoseconds.
  /// - Returns: what to do.
  func take(at time: UInt64) -> Work {
    lock.withLock {
      while !state.isStopping, state.orders.isEmpty, state.byteCount <= enough, MonotonicClock.now() < time {
        lock.wait(until: time)
      }
      var work = Work(orders: state.orders, isStopping: state.isStopping)
      state.orders = []
      var bytes = 0
      var count = 0
      while count < state.items.count, bytes < Self.mostPerTransaction {
        bytes += state.items[count].byteCount
        count += 1
      }
      if count == state.items.count {
        swap(&work.items, &state.items)
      } else {
        work.items = Array(state.items.prefix(count))
        state.items.removeFirst(count)
      }
      publish()
      return work
    }
  }

  /// Waits after a failure, until the time has come, an order came, or the ledger stops.
  ///
  /// - Returns: orders, which nobody should wait for now, and whether the ledger stops.
  func pause(until time: UInt64) -> Work {
    lock.withLock {
      while !state.isStopping, state.orders.isEmpty, MonotonicClock.now() < time { lock.wait(until: time) }
      defer { state.orders = [] }
      return Work(orders: state.orders, isStopping: state.isStopping)
    }
  }

  var isEmpty: Bool { lock.withLock { state.items.isEmpty } }
  /// Whether nothing is to be done.
  var isIdle: Bool { lock.withLock { state.items.isEmpty && state.orders.isEmpty && !state.isStopping } }
  var countLostWithProcess: Int { lock.withLock { state.items.count { $0.isLostWithProcess } } }

  /// These items wait no more.
  func done(_ items: [Item]) {
    lock.withLock {
      for item in items {
        state.byteCount -= item.byteCount
        if item.isInMemory { state.heldBytes -= item.byteCount }
        if item.copy != nil { state.copiedBytes -= item.byteCount }
      }
      publish()
    }
  }

  private func publish() {
    metrics.queuedBytes.set(state.byteCount)
    metrics.queuedRequests.set(state.items.count)
  }
}
