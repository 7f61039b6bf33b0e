import Glibc
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import TestSupport
import Testing

struct MemoryLimiterTests {
  /// Memory of the process as a test has it, and what the limiter said.
  private final class World: Sendable {
    let resident = Locked<[Int]>([0])
    let readings = Collected<Int>()
    let lines = Collected<String>()

    /// The readings to come, in MiB; the last one stays.
    func set(_ mebibytes: Int...) {
      resident.withLock { $0 = mebibytes.map { $0 << 20 } }
    }

    func read() -> Int {
      let value = resident.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
      readings.append(value)
      return value
    }

    func limiter(interval: Duration = .seconds(3600)) -> MemoryLimiter {
      var configuration = MemoryLimiter.Configuration()
      configuration.limitMiB = 100
      configuration.spikeLimitMiB = 30
      configuration.checkInterval = interval
      return MemoryLimiter(configuration, log: Log { self.lines.append($0) }, residentBytes: { self.read() })
    }
  }

  private let world = World()

  @Test(arguments: [
    // MiB limit and spike, percent limit and spike, the soft limit in MiB.
    (100, 0, 0, 0, 80), (100, 30, 0, 0, 70), (100, 99, 0, 0, 1), (0, 0, 50, 0, 400), (0, 0, 50, 10, 400),
    (0, 0, 80, 25, 550), (100, 0, 50, 10, 80), (100, 30, 50, 10, 70), (0, 30, 50, 0, 400),
  ])
  func `requests are refused above the limit less the spike, a fifth of the limit unless said`(
    limit: Int, spike: Int, percentage: Int, spikePercentage: Int, soft: Int
  ) {
    var configuration = MemoryLimiter.Configuration()
    configuration.limitMiB = limit
    configuration.spikeLimitMiB = spike
    configuration.limitPercentage = percentage
    configuration.spikeLimitPercentage = spikePercentage
    #expect(configuration.softLimit(totalMemory: 1000 << 20) >> 20 == soft)
  }

  @Test func `above the soft limit requests are refused, and taken again below it`() {
    let limiter = world.limiter()
    #expect(limiter.refusal == nil)
    for (resident, isOver) in [(70, false), (71, true), (500, true), (70, false), (0, false), (99, true)] {
      world.set(resident)
      limiter.check()
      #expect((limiter.refusal != nil) == isOver, "at \(resident) MiB")
    }
    #expect(limiter.refusal?.retryAfter == 1)
    #expect(limiter.refusal?.message.contains("memory limit") == true)
  }

  @Test func `each crossing is told once`() {
    let limiter = world.limiter()
    for resident in [10, 20, 80, 90, 85, 60, 50, 75] {
      world.set(resident)
      limiter.check()
    }
    let lines = world.lines.all.map { $0.split(separator: "\t").dropFirst().joined(separator: " ") }
    #expect(
      lines == [
        "warn memory is above the soft limit: refusing requests resident_mib=80 soft_limit_mib=70\n",
        "info memory is below the soft limit again: taking requests resident_mib=60 soft_limit_mib=70\n",
        "warn memory is above the soft limit: refusing requests resident_mib=75 soft_limit_mib=70\n",
      ])
  }

  @Test func `memory that the system takes back is no reason to refuse`() {
    let limiter = world.limiter()
    world.set(200, 60)
    limiter.check()
    #expect(limiter.refusal == nil)
    #expect(world.readings.all == [200 << 20, 60 << 20])
    #expect(world.lines.all == [])
  }

  @Test func `once started it looks again and again, and no more once stopped`() {
    let limiter = world.limiter(interval: .milliseconds(1))
    limiter.start()
    #expect(world.readings.wait(count: 3).count >= 3)
    #expect(limiter.refusal == nil)
    world.set(200)
    #expect(eventually { limiter.refusal != nil })
    world.set(10)
    #expect(eventually { limiter.refusal == nil })
    limiter.stop()
    let count = world.readings.all.count
    usleep(5_000)
    #expect(world.readings.all.count == count)
  }

  /// The stop comes while the limiter looks, or just when it begins to wait: nobody can tell which.
  @Test(arguments: [0, 100, 2_000, 20_000])
  func `stopping does not wait for the next look, whenever it comes`(microseconds: UInt32) throws {
    let readings = Collected<Int>()
    var configuration = MemoryLimiter.Configuration()
    configuration.limitMiB = 100
    configuration.checkInterval = .seconds(3600)
    let limiter = MemoryLimiter(configuration, log: Log { _ in }) {
      readings.append(0)
      usleep(microseconds)
      return 0
    }
    limiter.start()
    _ = readings.wait(count: 1)
    let stopped = Collected<Bool>()
    let thread = BackgroundThread(name: "stopper") {
      limiter.stop()
      stopped.append(true)
    }
    try #require(stopped.wait(count: 1) == [true])
    thread.join()
  }

  @Test func `a limiter that never started can be stopped`() {
    world.limiter().stop()
    #expect(world.readings.all == [])
  }

  @Test func `the real readings are those of this process and this machine`() {
    let size = 64 << 20
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 4096)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 1)
    #expect(MemoryLimiter.residentBytes() > size)
    #expect(MemoryLimiter.totalMemory() > MemoryLimiter.residentBytes())
  }

  @Test func `a limited pipeline refuses for the limiter first, then for itself`() {
    let limiter = world.limiter()
    let own = Refusal(message: "mine", retryAfter: 7)
    let consumer = StubConsumer(refusal: own)
    let limited = MemoryLimited(consumer, limiter: limiter)
    #expect(limited.refusal == own)
    world.set(200)
    limiter.check()
    #expect(limited.refusal == limiter.refusal)
    #expect(limited.refusal != own)
  }

  @Test func `what is on its way passes the limit`() {
    let limiter = world.limiter()
    world.set(200)
    limiter.check()
    let consumer = StubConsumer(.wait)
    let batch = SpanBatch.make([SpanStub(1)])
    let answers = Collected<Refusal?>()
    MemoryLimited(consumer, limiter: limiter).consume(batch) { answers.append($0) }
    #expect(consumer.pending.all.first?.batch === batch)
    consumer.pending.all.first?.answer(nil)
    #expect(answers.all == [nil])
  }
}
