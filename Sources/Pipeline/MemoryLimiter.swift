import Glibc
import Locks
package import OTLP
package import SelfTelemetry
import Synchronization

/// The `memory_limiter` processor: refuses requests, before their bodies are read, while the process is too large.
///
/// Looks at the resident memory every `check_interval`. Above the limit less the spike it gives free memory back to the
/// system, which the C library keeps otherwise, and refuses until the process is small enough again.
package final class MemoryLimiter: @unchecked Sendable {
  // Sendable: `thread` is touched by start() and stop() only, which one thread calls, `isStopping` only under `lock`; the
  // rest is atomic or immutable.

  /// The processor's keys. One of the limits is set.
  package struct Configuration: Sendable, Equatable {
    package var checkInterval = Duration.seconds(1)
    /// MiB that the process must not exceed, and how much of that is kept for what is under way (0: a fifth).
    package var limitMiB = 0
    package var spikeLimitMiB = 0
    /// The same in percent of the memory that there is; used when `limitMiB` is 0.
    package var limitPercentage = 0
    package var spikeLimitPercentage = 0

    package init() {}

    /// Bytes above which requests are refused, on a machine or in a group with that much memory.
    package func softLimit(totalMemory: Int) -> Int {
      let limit = limitMiB > 0 ? limitMiB << 20 : totalMemory / 100 * limitPercentage
      let spike = limitMiB > 0 ? spikeLimitMiB << 20 : totalMemory / 100 * spikeLimitPercentage
      return limit - (spike > 0 ? spike : limit / 5)
    }
  }

  private let interval: UInt64
  private let softLimit: Int
  private let log: Log
  private let residentBytes: @Sendable () -> Int
  private let isOver = Atomic<Bool>(false)
  private let lock = Lock()
  private var isStopping = false
  private var thread: BackgroundThread?

  /// - Parameters:
  ///   - configuration: the processor's keys.
  ///   - totalMemory: bytes of memory that the process may use at most.
  ///   - log: where crossings of the limit are told.
  ///   - residentBytes: bytes of memory that the process uses now.
  package init(
    _ configuration: Configuration, totalMemory: Int = MemoryLimiter.totalMemory(), log: Log,
    residentBytes: @escaping @Sendable () -> Int = MemoryLimiter.residentBytes
  ) {
    interval = max(configuration.checkInterval.nanoseconds, 1_000_000)
    softLimit = configuration.softLimit(totalMemory: totalMemory)
    self.log = log
    self.residentBytes = residentBytes
  }

  /// Why no request is taken, while the process is too large.
  package var refusal: Refusal? {
    guard isOver.load(ordering: .relaxed) else { return nil }
    return Refusal(message: "the collector is at its memory limit; try again later", retryAfter: 1)
  }

  package func start() {
    thread = BackgroundThread(name: "memory limiter") { [self] in
      repeat { check() } while waitForNextLook()
    }
  }

  package func stop() {
    lock.withLock {
      isStopping = true
      lock.wakeAll()
    }
    thread?.join()
  }

  /// False when there is none.
  private func waitForNextLook() -> Bool {
    lock.withLock {
      let next = MonotonicClock.now() + interval
      while !isStopping, lock.wait(until: next) {}
      return !isStopping
    }
  }

  /// Looks once.
  package func check() {
    var resident = residentBytes()
    if resident > softLimit {
      ProcessMemory.trim()
      resident = residentBytes()
    }
    let over = resident > softLimit
    guard isOver.exchange(over, ordering: .relaxed) != over else { return }
    let fields: Log.Fields = ["resident_mib": String(resident >> 20), "soft_limit_mib": String(softLimit >> 20)]
    if over {
      log.warn("memory is above the soft limit: refusing requests", fields)
    } else {
      log.info("memory is below the soft limit again: taking requests", fields)
    }
  }

  /// Bytes of the process that are in memory.
  @Sendable package static func residentBytes() -> Int {
    let fields = readSmallFile("/proc/self/statm").split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  /// Bytes of memory that the process may use: its control group's limit, else the machine's memory.
  package static func totalMemory() -> Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    let group = readSmallFile("/sys/fs/cgroup/memory.max").split(separator: "\n").first.flatMap { Int($0) }
    return min(machine, group ?? machine)
  }

  private static func readSmallFile(_ path: String) -> String {
    let file = open(path, O_RDONLY)
    guard file >= 0 else { return "" }
    defer { close(file) }
    return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
      let count = read(file, buffer.baseAddress!, buffer.count)
      return count > 0 ? String(decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self) : ""
    }
  }
}

/// A consumer behind a memory limiter.
package final class MemoryLimited: TracesConsumer {
  private let limiter: MemoryLimiter
  private let consumer: any TracesConsumer

  package init(_ consumer: any TracesConsumer, limiter: MemoryLimiter) {
    self.limiter = limiter
    self.consumer = consumer
  }

  package var refusal: Refusal? { limiter.refusal ?? consumer.refusal }

  package func consume(_ batch: SpanBatch, completion: @escaping @Sendable (Refusal?) -> Void) {
    consumer.consume(batch, completion: completion)
  }
}
