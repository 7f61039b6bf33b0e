import Synchronization

/// The bytes that all logs below one storage directory may take together.
///
/// Requests leave a part of them untouched, the reserve: what frees space again (moves, records of what is done, durable
/// queues) must be writable when no more requests are.
package final class SpoolBudget: Sendable {
  package let maxBytes: Int
  /// Bytes that requests may take.
  package let requestBytes: Int
  private let total = Atomic<Int>(0)

  package init(maxBytes: Int) {
    self.maxBytes = maxBytes
    requestBytes = maxBytes - maxBytes / 16
  }

  /// Bytes taken.
  package var used: Int { total.load(ordering: .relaxed) }

  /// Whether nothing more may be taken; with `reserve`, by those who may use that.
  package func isUsedUp(reserve: Bool) -> Bool { used >= (reserve ? maxBytes : requestBytes) }

  /// Takes bytes, or gives them back when negative.
  func take(_ bytes: Int) { total.wrappingAdd(bytes, ordering: .relaxed) }
}
