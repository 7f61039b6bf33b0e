import Locks

/// Requests that stay in their spool until their facts are in the ledger.
final class HeldRequests: Sendable {
  private struct State {
    var release: [UInt64: @Sendable () -> Void] = [:]
    var next: UInt64 = 0
  }

  private let state = Locked(State())

  /// - Parameter release: called once, on any thread.
  /// - Returns: what to let it go by.
  func add(_ release: @escaping @Sendable () -> Void) -> UInt64 {
    state.withLock { state in
      state.next += 1
      state.release[state.next] = release
      return state.next
    }
  }

  /// Its facts are in the ledger, or lost.
  func release(_ number: UInt64) { state.withLock { $0.release.removeValue(forKey: number) }?() }

  /// Its facts were not taken.
  func forget(_ number: UInt64) { state.withLock { _ = $0.release.removeValue(forKey: number) } }

  /// Lets all go, though their facts are in memory and nowhere else.
  ///
  /// - Returns: how many.
  func releaseAll() -> Int {
    let all = state.withLock { state in
      defer { state.release = [:] }
      return state.release
    }
    for release in all.values { release() }
    return all.count
  }
}
