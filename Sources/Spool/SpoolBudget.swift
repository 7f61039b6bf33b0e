import Glibc
import Synchronization

/// The bytes that all logs below one storage directory may take together: a limit of its own, and what the disk has.
///
/// Requests leave a part of them untouched, the reserve: what frees space again (moves, records of what is done, durable
/// queues) must be writable when no more requests are.
package final class SpoolBudget: Sendable {
  /// Of the disk, for what is written in any case: records of what is done, identities, moves.
  private static let diskMargin = 1 << 20

  package let maxBytes: Int
  /// What the logs would take if they filled the disk, when it was last looked at.
  private let diskBytes = Atomic<Int>(.max)
  private let total = Atomic<Int>(0)

  package init(maxBytes: Int) { self.maxBytes = maxBytes }

  /// Bytes taken.
  package var used: Int { total.load(ordering: .relaxed) }

  /// Bytes that may be taken: `maxBytes`, or less when the disk has not so many.
  package var limit: Int { min(maxBytes, diskBytes.load(ordering: .relaxed)) }

  /// Whether nothing more may be taken; with `reserve`, by those who may use that.
  package func isUsedUp(reserve: Bool) -> Bool {
    let limit = limit
    return used >= (reserve ? limit : limit - limit / 16)
  }

  /// Whether space is short: worth more work to free some, and not to be kept for later.
  var isShort: Bool { used > limit / 2 }

  /// Takes bytes, or gives them back when negative.
  func take(_ bytes: Int) { total.wrappingAdd(bytes, ordering: .relaxed) }

  /// Bytes that the disk of a directory has, taken or not; nil if it does not say.
  package static func diskSize(of directory: String) -> Int? {
    var status = statvfs()
    guard statvfs(directory, &status) == 0, status.f_blocks > 0 else { return nil }
    return Int(clamping: UInt64(status.f_blocks).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }

  /// Takes note of what the disk has beside `used`: nil if nobody knows.
  func noteFree(_ bytes: Int?, beside used: Int) {
    diskBytes.store(bytes.map { used + max(0, $0 - Self.diskMargin) } ?? .max, ordering: .relaxed)
  }
}
