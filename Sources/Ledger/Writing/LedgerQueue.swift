import Locks
import SelfTelemetry

/// What waits for the ledger's thread: facts, within bounds, and orders.
final class LedgerQueue: Sendable {
  /// A request's facts, and whom to tell when they are in the file.
  struct Item: Sendable {
    var arrival: Arrival
    var applied: @Sendable () -> Void
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
    var isStopping = false
  }

  private let lock = Lock()
  private nonisolated(unsafe) var state = State()
  private let capacity: Int
  private let metrics: LedgerMetrics
  /// Bytes that one transaction takes at most, a request more or less.
  private static let mostPerTransaction = 16 << 20

  /// - Parameters:
  ///   - capacity: bytes of facts that wait at most.
  ///   - metrics: hear how many do.
  init(capacity: Int, metrics: LedgerMetrics) {
    self.capacity = capacity
    self.metrics = metrics
  }

  // MARK: Putting in

  /// Whether there is room for a request of usual size.
  var hasRoom: Bool { lock.withLock { !state.isStopping && state.byteCount < capacity } }

  /// False when there is no room, or the ledger stops.
  func put(_ item: Item) -> Bool {
    let size = item.arrival.facts.byteCount
    return lock.withLock {
      guard !state.isStopping, state.byteCount == 0 || state.byteCount + size <= capacity else { return false }
      state.items.append(item)
      state.byteCount += size
      publish()
      // Half full: it is time to write, whatever the interval says.
      if state.byteCount > capacity / 2 { lock.wakeAll() }
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

  /// Waits until the time has come, the queue is half full, an order came, or the ledger stops; then takes what one
  /// transaction may hold. Its bytes count until `done`.
  ///
  /// - Parameter time: monotonic nanoseconds.
  /// - Returns: what to do.
  func take(at time: UInt64) -> Work {
    lock.withLock {
      while !state.isStopping, state.orders.isEmpty, state.byteCount <= capacity / 2, MonotonicClock.now() < time {
        lock.wait(until: time)
      }
      var work = Work(orders: state.orders, isStopping: state.isStopping)
      state.orders = []
      var bytes = 0
      var count = 0
      while count < state.items.count, bytes < Self.mostPerTransaction {
        bytes += state.items[count].arrival.facts.byteCount
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

  /// These items wait no more.
  func done(_ items: [Item]) {
    lock.withLock {
      state.byteCount -= items.reduce(0) { $0 + $1.arrival.facts.byteCount }
      publish()
    }
  }

  private func publish() {
    metrics.queuedBytes.set(state.byteCount)
    metrics.queuedRequests.set(state.items.count)
  }
}
