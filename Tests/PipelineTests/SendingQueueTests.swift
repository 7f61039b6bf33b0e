import Glibc
import Locks
import OTLP
import Pipeline
import SelfTelemetry
import Synchronization
import TestSupport
import Testing

/// A queue before a manual sender, with a clock that can be put forward.
private final class Fixture: Sendable {
  let sender = ManualSender()
  let registry = MetricRegistry()
  let lines = Collected<String>()
  let queue: SendingQueue
  private let advance: Gauge

  init(
    retry: RetryConfiguration = RetryConfiguration(), _ configure: (inout SendingQueueConfiguration) -> Void = { _ in }
  ) {
    var configuration = SendingQueueConfiguration()
    configure(&configuration)
    let advance = Gauge()
    self.advance = advance
    let lines = lines
    queue = SendingQueue(
      id: "otlp_http/a", configuration: configuration, retry: retry, sender: sender,
      metrics: ExporterMetrics(exporter: "otlp_http/a", registry: registry), log: Log { lines.append($0) },
      now: { MonotonicClock.now() + UInt64(advance.value) }, random: { 0.5 })
    queue.start()
  }

  func advance(by duration: Duration) {
    advance.add(Int(duration.nanoseconds))
    queue.clockChanged()
  }

  func metric(_ name: String) -> Double? {
    registry.value(name, labels: [("exporter", "otlp_http/a")])
      ?? registry.value(name, labels: [("data_type", "traces"), ("exporter", "otlp_http/a")])
  }

  func drain() { queue.drain(until: MonotonicClock.now() + 60_000_000_000) }
}

private let unavailable = SendOutcome.unavailable(reason: "down", wait: nil)

@Suite struct SendingQueueTests {
  @Test func `what was delivered, rejected and dropped is counted`() throws {
    let fixture = Fixture()
    for _ in 0..<3 { #expect(fixture.queue.offer(SampleRequest.make(spans: 10))) }
    let attempts = fixture.sender.attempts.wait(count: 3)
    #expect(fixture.metric("otelcol_exporter_queue_size") == 3)
    #expect(fixture.metric("otelcol_exporter_queue_capacity") == 1000)
    #expect(fixture.metric("otelcol_exporter_in_flight_requests") == 3)
    attempts[0].end(.delivered(rejected: 0))
    attempts[1].end(.delivered(rejected: 4))
    attempts[2].end(.refused(reason: "HTTP 400: broken"))
    fixture.drain()

    #expect(fixture.metric("otelcol_exporter_sent_spans") == 16)
    #expect(fixture.metric("heirloom_exporter_rejected_spans") == 4)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 10)
    #expect(fixture.metric("otelcol_exporter_queue_size") == 0)
    #expect(fixture.metric("otelcol_exporter_in_flight_requests") == 0)
    #expect(fixture.lines.all.contains { $0.contains("HTTP 400: broken") })
  }

  @Test func `a full queue refuses, counts that, and takes requests again`() throws {
    let fixture = Fixture {
      $0.queueSize = 2
      $0.numConsumers = 1
    }
    #expect(fixture.queue.offer(SampleRequest.make()))
    #expect(fixture.queue.offer(SampleRequest.make()))
    #expect(fixture.queue.isFull)
    #expect(!fixture.queue.offer(SampleRequest.make(spans: 7)))
    #expect(fixture.metric("otelcol_exporter_enqueue_failed_spans") == 7)
    #expect(fixture.lines.all.contains { $0.contains("queue is full") })

    fixture.sender.attempts.wait(count: 1)[0].end(.delivered(rejected: 0))
    #expect(fixture.queue.offer(SampleRequest.make()))
    for index in 1..<3 { fixture.sender.attempts.wait(count: index + 1)[index].end(.delivered(rejected: 0)) }
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 3)
  }

  @Test func `a server's Retry-After is waited for, then the same bytes go again`() throws {
    let fixture = Fixture()
    let request = SampleRequest.make(spans: 3)
    #expect(fixture.queue.offer(request))
    let before = MonotonicClock.now()
    fixture.sender.attempts.wait(count: 1)[0].end(.unavailable(reason: "busy", wait: .seconds(120)))
    let due = try #require(fixture.queue.nextRetry)
    #expect(due >= before + 120_000_000_000)
    #expect(fixture.metric("otelcol_exporter_queue_size") == 1)
    #expect(fixture.metric("otelcol_exporter_in_flight_requests") == 0)

    fixture.advance(by: .seconds(120))
    let again = fixture.sender.attempts.wait(count: 2)[1]
    #expect(again.request === request)
    #expect(fixture.sender.preparedCount == 1)
    again.end(.delivered(rejected: 0))
    fixture.drain()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 3)
    #expect(fixture.lines.all.count == 2, "a line for the failure and one for the recovery")
  }

  @Test func `a drain tries each request again at once and delivers what it can`() throws {
    let fixture = Fixture()
    for _ in 0..<4 { #expect(fixture.queue.offer(SampleRequest.make())) }
    for attempt in fixture.sender.attempts.wait(count: 4) { attempt.end(unavailable) }
    let drain = BackgroundThread(name: "drain") { fixture.drain() }
    for (index, attempt) in fixture.sender.attempts.wait(count: 8)[4...].enumerated() {
      attempt.end(index < 3 ? .delivered(rejected: 0) : .refused(reason: "no"))
    }
    drain.join()
    #expect(fixture.metric("otelcol_exporter_sent_spans") == 3)
    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 1)
    #expect(!fixture.queue.offer(SampleRequest.make()))
  }

  @Test func `a drain ends at its deadline and counts what it gave up`() throws {
    let fixture = Fixture { $0.numConsumers = 2 }
    for _ in 0..<5 { #expect(fixture.queue.offer(SampleRequest.make(spans: 10))) }
    _ = fixture.sender.attempts.wait(count: 2)

    fixture.queue.drain(until: MonotonicClock.now() + 20_000_000)

    #expect(fixture.metric("otelcol_exporter_send_failed_spans") == 50)
    #expect(fixture.metric("otelcol_exporter_queue_size") == 0)
    let last = fixture.lines.all.last ?? ""
    #expect(last.contains("requests=5") && last.contains("spans=50"))
  }

  @Test func `a queue that never started can be drained`() {
    let registry = MetricRegistry()
    let queue = SendingQueue(
      id: "a", configuration: SendingQueueConfiguration(), retry: RetryConfiguration(), sender: ManualSender(),
      metrics: ExporterMetrics(exporter: "a", registry: registry), log: Log { _ in })
    #expect(queue.offer(SampleRequest.make(spans: 2)))
    queue.drain(until: MonotonicClock.now() + 60_000_000_000)
    #expect(registry.value("otelcol_exporter_send_failed_spans", labels: [("exporter", "a")]) == 2)
  }

  @Test func `many callers and failures at once lose nothing and count everything`() throws {
    var retry = RetryConfiguration()
    retry.initialInterval = .microseconds(10)
    retry.maxInterval = .microseconds(100)
    retry.maxElapsedTime = .zero
    let fixture = Fixture(retry: retry) {
      $0.queueSize = 100_000
      $0.batch = BatchConfiguration()
      $0.batch?.minSize = 20
      $0.batch?.maxSize = 30
      $0.batch?.flushTimeout = .milliseconds(1)
    }
    let isDone = Atomic<Bool>(false)
    let destination = BackgroundThread(name: "destination") {
      var index = 0
      while !isDone.load(ordering: .relaxed) {
        let attempts = fixture.sender.attempts.all
        while index < attempts.count {
          attempts[index].end(index % 3 == 0 ? unavailable : .delivered(rejected: 0))
          index += 1
        }
        sched_yield()
      }
    }
    let callers = (0..<4).map { caller in
      BackgroundThread(name: "caller") {
        for index in 0..<500 { _ = fixture.queue.offer(SampleRequest.make(spans: (caller + index) % 40 + 1)) }
      }
    }
    for caller in callers { caller.join() }
    fixture.drain()
    isDone.store(true, ordering: .relaxed)
    destination.join()

    let offered = (0..<4).flatMap { caller in (0..<500).map { (caller + $0) % 40 + 1 } }.reduce(0, +)
    let sent = try #require(fixture.metric("otelcol_exporter_sent_spans"))
    let failed = try #require(fixture.metric("otelcol_exporter_send_failed_spans"))
    #expect(sent + failed == Double(offered))
    #expect(fixture.metric("otelcol_exporter_queue_size") == 0)
    #expect(fixture.sender.attempts.all.allSatisfy { $0.request.itemCount <= 30 })
  }
}

@Suite struct FailureLogTests {
  @Test func `the first failure is logged, then summaries, then the recovery`() {
    let lines = Collected<String>()
    let clock = Gauge()
    let failures = FailureLog("cannot send", exporter: "a", log: Log { lines.append($0) }, now: { UInt64(clock.value) })

    failures.failed("refused", items: 5)
    for _ in 0..<100 { failures.failed("refused", items: 5) }
    #expect(lines.all.count == 1)
    clock.add(10_000_000_000)
    failures.failed("timed out", items: 5)
    #expect(lines.all.count == 2)
    #expect(lines.all[1].contains("error=timed out\tfailures=101\tspans=505"))
    failures.succeeded()
    failures.succeeded()
    #expect(lines.all.count == 3)
    #expect(lines.all[2].contains("works again"))
  }

  @Test func `a sum of items beyond every number stays at the largest`() {
    let lines = Collected<String>()
    let clock = Gauge()
    let failures = FailureLog("cannot send", exporter: "a", log: Log { lines.append($0) }, now: { UInt64(clock.value) })
    for _ in 0..<3 { failures.failed("no", items: .max) }
    clock.add(10_000_000_000)
    failures.failed("no", items: 1)
    #expect(lines.all.last?.contains("failures=3\tspans=\(Int.max)") == true)
  }

  @Test func `failures that come and go do not flood the log`() {
    let lines = Collected<String>()
    let failures = FailureLog("cannot send", exporter: "a", log: Log { lines.append($0) }, now: { 1 })
    for _ in 0..<100 {
      failures.failed("busy", items: 1)
      failures.succeeded()
    }
    #expect(lines.all.count == 2)
  }
}
