import Glibc

/// The one lock of the code base: a pthread mutex with a condition beside it.
///
/// `Synchronization.Mutex` makes ThreadSanitizer report races that are none on this toolchain, and its closure cannot
/// capture the unsafe pointers of the hot path in Swift 6 mode; this one does neither. Waits run on the monotonic
/// clock, so that a jump of the wall clock neither prolongs nor cuts them.
package final class Lock: @unchecked Sendable {
  // Sendable: all access to the two C objects goes through pthread calls.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init() {
    mutex = .allocate(capacity: 1)
    mutex.initialize(to: pthread_mutex_t())
    condition = .allocate(capacity: 1)
    condition.initialize(to: pthread_cond_t())
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  @inline(__always)
  package func lock() {
    pthread_mutex_lock(mutex)
  }

  @inline(__always)
  package func unlock() {
    pthread_mutex_unlock(mutex)
  }

  @inline(__always)
  package func withLock<Result>(_ body: () throws -> Result) rethrows -> Result {
    lock()
    defer { unlock() }
    return try body()
  }

  /// Waits for `wakeAll`, at most until `deadline`. The caller holds the lock, and checks its condition again.
  ///
  /// - Parameter deadline: monotonic nanoseconds (see `MonotonicClock`); nil waits without end.
  /// - Returns: false when the deadline has passed.
  @discardableResult
  package func wait(until deadline: UInt64? = nil) -> Bool {
    guard let deadline else {
      pthread_cond_wait(condition, mutex)
      return true
    }
    var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    return pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
  }

  package func wakeAll() {
    pthread_cond_broadcast(condition)
  }

  package func wakeOne() {
    pthread_cond_signal(condition)
  }
}

/// A value that is only reached under its lock.
package final class Locked<Value>: @unchecked Sendable {
  // Sendable: `value` is touched only while `guardian` is held.
  private let guardian = Lock()
  private var value: Value

  package init(_ value: Value) {
    self.value = value
  }

  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    try guardian.withLock { try body(&value) }
  }
}
