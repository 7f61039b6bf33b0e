import Glibc

/// The clocks of a spool, replaceable so that tests can turn them.
package struct SpoolTime: Sendable {
  /// Nanoseconds of `SpoolClock`.
  package var now: @Sendable () -> UInt64
  /// Nanoseconds since 1970.
  package var wall: @Sendable () -> UInt64
  /// What tells this start of the machine from all others; zeros if nobody knows.
  package var bootID: SpoolBootID

  package init(
    now: @escaping @Sendable () -> UInt64, wall: @escaping @Sendable () -> UInt64, bootID: SpoolBootID
  ) {
    self.now = now
    self.wall = wall
    self.bootID = bootID
  }

  package static let system = SpoolTime(now: SpoolClock.now, wall: systemWall, bootID: .system)

  @Sendable private static func systemWall() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(max(0, time.tv_sec)) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// What the clocks show.
  func reading() -> Reading { Reading(bootID: bootID, now: now(), wall: wall()) }

  /// All clocks at one moment.
  struct Reading: Equatable {
    var bootID: SpoolBootID
    var now: UInt64
    var wall: UInt64
  }

  /// A time that was read off `SpoolClock` around `then`, perhaps before the machine was last started, on the clock of
  /// today. Never in the future; when the wall clock can't be right, as if no time had passed.
  static func translate(_ time: UInt64, from then: Reading, to today: Reading) -> UInt64 {
    if then.bootID == today.bootID && then.bootID != .unknown { return min(time, today.now) }
    let absurd: Int64 = 365 * 86_400 * 1_000_000_000
    let between = Int64(clamping: today.wall).subtractingReportingOverflow(Int64(clamping: then.wall))
    let before = Int64(clamping: then.now).subtractingReportingOverflow(Int64(clamping: time))
    let elapsed = between.partialValue.addingReportingOverflow(before.partialValue)
    guard !between.overflow, !before.overflow, !elapsed.overflow, 0...absurd ~= elapsed.partialValue else {
      return today.now
    }
    return today.now - min(today.now, UInt64(elapsed.partialValue))
  }
}

/// The kernel's name for one start of the machine: 128 random bits.
package struct SpoolBootID: Sendable, Equatable {
  package var high: UInt64
  package var low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  static let unknown = SpoolBootID(high: 0, low: 0)

  static let system: SpoolBootID = {
    guard let file = try? File("/proc/sys/kernel/random/boot_id", flags: O_RDONLY) else { return .unknown }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = (try? bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }) ?? 0
    let digits = String(decoding: bytes.prefix(count), as: UTF8.self).filter(\.isHexDigit)
    guard digits.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
      let low = UInt64(digits.suffix(16), radix: 16)
    else { return .unknown }
    return SpoolBootID(high: high, low: low)
  }()
}
