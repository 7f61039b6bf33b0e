import Locks

/// Values that other threads bring, to be waited for.
package final class Collected<Value: Sendable>: @unchecked Sendable {
  // Sendable: `values` is touched under `lock`.
  private let lock = Lock()
  private var values: [Value] = []

  package init() {}

  package func append(_ value: Value) {
    lock.withLock {
      values.append(value)
      lock.wakeAll()
    }
  }

  package var all: [Value] { lock.withLock { values } }

  /// The values, as soon as there are `count`. After a time in which anything should have happened, whatever there is.
  package func wait(count: Int) -> [Value] {
    let deadline = MonotonicClock.now() + 60_000_000_000
    return lock.withLock {
      while values.count < count, lock.wait(until: deadline) {}
      return values
    }
  }
}
