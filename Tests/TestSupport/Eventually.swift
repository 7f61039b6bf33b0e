import Glibc
import Locks

/// Waits for something that another thread brings about and nobody announces, such as the value of a metric.
///
/// - Returns: false when it has not come true in a time in which anything should have happened.
package func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = MonotonicClock.now() + 60_000_000_000
  while try !condition() {
    guard MonotonicClock.now() < deadline else { return false }
    usleep(500)
  }
  return true
}
