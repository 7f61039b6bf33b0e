import Synchronization

/// A number that only grows, safe to add to from any thread.
package final class Counter: Sendable {
  private let total = Atomic<Int>(0)

  package init() {}

  @inline(__always)
  package func add(_ amount: Int = 1) {
    total.wrappingAdd(amount, ordering: .relaxed)
  }

  package var value: Int { total.load(ordering: .relaxed) }
}

/// A number that goes up and down, safe to change from any thread.
package final class Gauge: Sendable {
  private let current = Atomic<Int>(0)

  package init() {}

  @inline(__always)
  @discardableResult
  package func add(_ amount: Int) -> Int {
    current.wrappingAdd(amount, ordering: .relaxed).newValue
  }

  package func set(_ amount: Int) {
    current.store(amount, ordering: .relaxed)
  }

  package var value: Int { current.load(ordering: .relaxed) }
}
