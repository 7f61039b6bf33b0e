import Foundation
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// A queue with a store, before a manual sender.
private final class Fixture: Sendable {
  let sender = ManualSender()
  let registry = MetricRegistry()
  let lines = Collected<String>()
  let store: StubRequestStore
  let queue: SendingQueue
  private let advance: Gauge

  init(
    _ store: StubRequestStore, deadLetters path: String? = nil,
    _ configure: (inout SendingQueueConfiguration) -> Void = { _ in }
  ) {
    self.store = store
    var configuration = SendingQueueConfiguration()
    configure(&configuration)
    let advance = Gauge()
    self.advance = advance
    let lines = lines
    let log = Log { lines.append($0) }
    queue = SendingQueue(
      id: "up", configuration: configuration, retry: RetryConfiguration(), sender: sender, store: store,
      deadLetters: path.map { DeadLetterFile(path: $0, maxMebibytes: 1, exporter: "up", syncs: false, log: log) },
      metrics: ExporterMetrics(exporter: "up", registry: registry), log: log,
      now: { MonotonicClock.now() + UInt64(advance.value) }, random: { 0.5 })
    queue.start()
  }

  func advance(by duration: Duration) {
    advance.add(Int(duration.nanoseconds))
    queue.clockChanged()
  }

  func metric(_ name: String) -> Double? {
    registry.value(name, labels: [("exporter", "up")])
      ?? registry.value(name, labels: [("data_type", "traces"), ("exporter", "up")])
  }

  func drain() { queue.drain(until: MonotonicClock.now() + 60_000_000_000) }
}

private let unavailable = SendOutcome.unavailable(reason: "down", wait: nil)
private let anHour = Duration.seconds(3600)

@Suite struct DurableQueueTests {
  @Test func `a destination that is fast costs the disk nothing`() {
    let fixture = Fixture(StubRequestStore(delay: anHour))
    let watched = (0..<50).map { _ in WatchedRequest(SampleRequest.make()) }
    for (index, one) in watched.enumerated() {
      #expect(fixture.queue.offer(one.request))
      #expect(!one.isSettled)
      fixture.sender.attempts.wait(count: index + 1)[index].end(.delivered(rejected: 0))
      #expect(one.isSettled)
    }
    fixture.drain()
    #expect(fixture.store.appendCount == 0)
  }

  @Test(arguments: [false, true]) func `what waits is stored, settled, and done when it is delivered`(syncs: Bool) {
    let fixture = Fixture(StubRequestStore(syncs: syncs))
    let watched = (0..<30).map { WatchedRequest(SampleRequest.make(name: "r\($0)"), destinations: $0 % 2 + 1) }
    for one in watched { #expect(fixture.queue.offer(one.request)) }
    #expect(eventually { fixture.store.kept.count == 30 })
    #expect(eventually { watched.enumerated().allSatisfy { $0 % 2 == 1 || $1.isSettled } })
    for index in watched.indices {
      fixture.sender.attempts.wait(count: index + 1)[index].end(.delivered(rejected: 0))
    }
    #expect(eventually { fixture.store.kept.isEmpty })
    fixture.drain()
    for (index, one) in watched.enumerated() where index % 2 == 1 { #expect(one.wasSettledOnce()) }
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 30)
    #expect(fixture.metric("otelcol_exporter_queue_capacity") == nil, "there is no such bound")
  }

  @Test func `a backlog larger than the memory is on the disk, and comes back in its order`() {
    let fixture = Fixture(StubRequestStore()) {
      $0.maxMebibytes = 1
      $0.numConsumers = 1
    }
    for index in 0..<100 {
      #expect(eventually { !fixture.queue.isFull })
      #expect(fixture.queue.offer(SampleRequest.make(name: "r\(index)", padding: 100_000)))
      #expect(fixture.queue.memoryBytes <= 1 << 20 + 210_000)
    }
    #expect(eventually { fixture.store.appendCount == 100 && fixture.queue.memoryBytes < 800_000 })
    for index in 0..<100 {
      let attempt = fixture.sender.attempts.wait(count: index + 1)[index]
      #expect(DecodedSpan.all(inRequest: attempt.request.bytes).map(\.name) == ["r\(index)-0"])
      attempt.end(.delivered(rejected: 0))
    }
    fixture.drain()
    #expect(fixture.store.kept.isEmpty)
  }

  @Test func `while the disk refuses, requests stay in memory unsettled, then it is enough`() {
    let store = StubRequestStore()
    store.allow(append: false)
    let fixture = Fixture(store) {
      $0.maxMebibytes = 1
      $0.numConsumers = 1
    }
    var watched: [WatchedRequest] = []
    while !fixture.queue.isFull, watched.count < 1000 {
      watched.append(WatchedRequest(SampleRequest.make(padding: 100_000)))
      #expect(fixture.queue.offer(watched[watched.count - 1].request))
    }
    #expect(watched.count < 12)
    #expect(fixture.queue.blocksOnOverflow, "the pipeline waits instead of losing what it has acknowledged")
    #expect(fixture.lines.wait(count: 1)[0].contains("cannot store what waits"))
    #expect(watched.allSatisfy { !$0.isSettled })
    store.allow()
    fixture.advance(by: .seconds(2))
    #expect(eventually { watched.allSatisfy(\.isSettled) })
    #expect(eventually { !fixture.queue.isFull })
    fixture.queue.drain(until: MonotonicClock.now() + 1_000_000)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 0)
  }

  @Test func `a bound that the operator has set holds, and makes nobody wait`() {
    let fixture = Fixture(StubRequestStore()) { $0.queueSize = 2 }
    for _ in 0..<2 { #expect(fixture.queue.offer(SampleRequest.make())) }
    #expect(fixture.queue.isFull && !fixture.queue.blocksOnOverflow)
    #expect(!fixture.queue.offer(SampleRequest.make(spans: 3)))
    #expect(fixture.metric("otelcol_exporter_enqueue_failed_spans") == 3)
    #expect(fixture.metric("otelcol_exporter_queue_capacity") == 2)
    // An end waits for what is under way.
    for attempt in fixture.sender.attempts.wait(count: 2) { attempt.end(.delivered(rejected: 0)) }
    fixture.drain()
  }

  @Test func `what an earlier run has left is sent first`() {
    let earlier = (0..<5).map { SampleRequest.bytes(name: "old\($0)", spans: 3) }
    let fixture = Fixture(StubRequestStore(delay: anHour, earlier: earlier)) { $0.numConsumers = 1 }
    #expect(fixture.queue.offer(SampleRequest.make(name: "new")))
    #expect(fixture.lines.wait(count: 1)[0].contains("requests=5"))
    for index in 0..<6 {
      let attempt = fixture.sender.attempts.wait(count: index + 1)[index]
      #expect(
        DecodedSpan.all(inRequest: attempt.request.bytes)[0].name == (index < 5 ? "old\(index)-0" : "new-0"))
      #expect(attempt.request.itemCount == (index < 5 ? 3 : 1))
      attempt.end(.delivered(rejected: 0))
    }
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 16)
    #expect(fixture.store.kept.isEmpty)
  }

  @Test func `an end leaves what is not delivered, and counts nothing as lost`() {
    let fixture = Fixture(StubRequestStore()) { $0.numConsumers = 2 }
    let watched = (0..<6).map { WatchedRequest(SampleRequest.make(name: "r\($0)", spans: 2)) }
    for one in watched { #expect(fixture.queue.offer(one.request)) }
    #expect(eventually { fixture.store.kept.count == 6 })
    for attempt in fixture.sender.attempts.wait(count: 2) { attempt.end(unavailable) }

    let drain = BackgroundThread(name: "drain") { fixture.drain() }
    for index in 2..<6 {
      fixture.sender.attempts.wait(count: index + 1)[index].end(index == 2 ? .delivered(rejected: 0) : unavailable)
    }
    drain.join()

    #expect(fixture.sender.attempts.all.count == 6, "an end waits for no destination to recover")
    #expect(fixture.store.kept.count == 5)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 0)
    #expect(fixture.lines.all.last?.contains("requests=5\tspans=10") == true)
    #expect(fixture.lines.all.last?.contains("kept for the next start") == true)
  }

  @Test func `an end does not settle what it has not brought anywhere`() {
    let fixture = Fixture(StubRequestStore(delay: anHour)) { $0.numConsumers = 1 }
    let watched = (0..<3).map { _ in WatchedRequest(SampleRequest.make()) }
    for one in watched { #expect(fixture.queue.offer(one.request)) }
    _ = fixture.sender.attempts.wait(count: 1)
    fixture.queue.drain(until: MonotonicClock.now() + 1_000_000)
    #expect(watched.allSatisfy { !$0.isSettled })
    #expect(fixture.store.appendCount == 0)
  }

  @Test(arguments: [Durability.buffered, .fsync])
  func `a spool keeps what waits from one queue to the next`(durability: Durability) throws {
    let directory = FileManager.default.temporaryDirectory.path + "/heirloom-queue-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    func makeQueue(_ sender: ManualSender) throws -> SendingQueue {
      var configuration = Spool.Configuration(directory: directory)
      configuration.durability = durability
      let log = Log { _ in }
      let registry = MetricRegistry()
      let spool = try Spool(
        configuration, budget: SpoolBudget(maxBytes: 1 << 30), log: log, registry: registry,
        labels: [("exporter", "up")])
      var queue = SendingQueueConfiguration()
      queue.maxMebibytes = 1
      queue.numConsumers = 1
      return SendingQueue(
        id: "up", configuration: queue, retry: RetryConfiguration(), sender: sender,
        store: SpoolStore(spool, syncs: durability == .fsync, delay: .zero),
        metrics: ExporterMetrics(exporter: "up", registry: registry), log: log)
    }
    let sender = ManualSender()
    let queue = try makeQueue(sender)
    queue.start()
    let watched = (0..<40).map {
      WatchedRequest(SampleRequest.make(name: "r\($0)", padding: 50_000, segmentLength: 999))
    }
    for one in watched {
      #expect(eventually { !queue.isFull })
      #expect(queue.offer(one.request))
    }
    #expect(eventually { watched.allSatisfy(\.isSettled) })
    for index in 0..<3 { sender.attempts.wait(count: index + 1)[index].end(.delivered(rejected: 0)) }
    _ = sender.attempts.wait(count: 4)
    queue.drain(until: 0)

    let nextSender = ManualSender()
    let next = try makeQueue(nextSender)
    next.start()
    for index in 0..<37 {
      let attempt = nextSender.attempts.wait(count: index + 1)[index]
      #expect(attempt.request.bytes == watched[index + 3].request.bytes)
      attempt.end(.delivered(rejected: 0))
    }
    next.drain(until: MonotonicClock.now() + 60_000_000_000)
    #expect(next.size == 0)
  }

  @Test func `a record that cannot be read is tried a few times, then passed over and counted`() {
    let store = StubRequestStore(delay: anHour, earlier: [SampleRequest.bytes(spans: 4)])
    store.allow(load: false)
    let fixture = Fixture(store)
    #expect(fixture.lines.wait(count: 1).contains { $0.contains("an earlier run") || $0.contains("cannot read") })
    #expect(
      eventually {
        fixture.advance(by: .seconds(2))
        return fixture.metric("otelcol_exporter_send_failed_spans") == 4
      })
    #expect(store.kept.count == 1, "it stays for whoever can read it")
    #expect(fixture.queue.offer(SampleRequest.make()))
    fixture.sender.attempts.wait(count: 1)[0].end(.delivered(rejected: 0))
    fixture.drain()
  }

  @Test func `what is refused is settled when it is among the dead letters`() throws {
    let directory = FileManager.default.temporaryDirectory.path + "/heirloom-queue-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: directory) }
    // A directory where the file should be.
    try FileManager.default.createDirectory(atPath: directory + "/letters", withIntermediateDirectories: true)
    let fixture = Fixture(StubRequestStore(delay: anHour), deadLetters: directory + "/letters")
    let watched = WatchedRequest(SampleRequest.make(spans: 3))
    #expect(fixture.queue.offer(watched.request))
    fixture.sender.attempts.wait(count: 1)[0].end(.refused(reason: "HTTP 404", status: 404))
    #expect(fixture.lines.wait(count: 1)[0].contains("held until it can be written"))
    #expect(!watched.isSettled)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 0)
    try FileManager.default.removeItem(atPath: directory + "/letters")
    fixture.advance(by: .seconds(1))
    #expect(eventually { watched.isSettled })
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 3)
    #expect(fixture.metric("heirloom_exporter_dead_letter_spans") == 3)
    #expect(fixture.lines.all.contains { $0.contains("written to the dead letters") && $0.contains("HTTP 404") })
    #expect(try String(contentsOfFile: directory + "/letters", encoding: .utf8).contains("\"status\":404"))
  }

  @Test(arguments: [false, true]) func `many callers before a destination and a disk that come and go lose nothing`(
    syncs: Bool
  ) throws {
    let store = StubRequestStore(syncs: syncs)
    let fixture = Fixture(store) { $0.maxMebibytes = 1 }
    let watched = (0..<4).map { caller in
      (0..<150).map {
        WatchedRequest(SampleRequest.make(name: "c\(caller)-\($0)", padding: 20_000), destinations: 2)
      }
    }
    let isDone = Gauge()
    let destination = BackgroundThread(name: "destination") {
      var index = 0
      while isDone.value == 0 {
        let attempts = fixture.sender.attempts.all
        while index < attempts.count {
          attempts[index].end(index % 3 == 0 ? unavailable : .delivered(rejected: 0))
          index += 1
        }
        store.allow(append: index % 5 != 0)
        fixture.advance(by: .milliseconds(500))
        sched_yield()
      }
    }
    let callers = watched.map { requests in
      BackgroundThread(name: "caller") {
        for one in requests {
          while fixture.queue.isFull { sched_yield() }
          // Others may have taken the room.
          while !fixture.queue.offer(one.request) { sched_yield() }
        }
      }
    }
    for caller in callers { caller.join() }
    #expect(eventually { fixture.metric("otelcol_exporter_sent_spans") == 600 })
    isDone.add(1)
    destination.join()
    fixture.drain()
    #expect(fixture.queue.size == 0 && fixture.queue.memoryBytes == 0)
    #expect(store.kept.isEmpty)
    for one in watched.joined() { #expect(one.wasSettledOnce()) }
  }
}
