import Locks
import OTLP
import Pipeline
import TestSupport
import Testing

struct BatcherTests {
  private let exporter = RequestCollector()
  private let interner = ScopeInterner()

  /// A batcher that lets spans wait for an hour unless told otherwise.
  private func batcher(
    size: Int = 8192, maxSize: Int = 0, timeout: Duration = .seconds(3600), maxBytes: Int = 1 << 20
  ) -> Batcher {
    var configuration = Batcher.Configuration()
    configuration.sendBatchSize = size
    configuration.sendBatchMaxSize = maxSize
    configuration.timeout = timeout
    configuration.maxBytes = maxBytes
    return Batcher(configuration: configuration, exporters: [exporter])
  }

  private func stubs(_ ids: ClosedRange<UInt64>) -> [SpanStub] { ids.map { SpanStub($0) } }

  @Test func `a request leaves when it has enough spans, and the rest waits for more`() {
    let batcher = batcher(size: 3)
    batcher.write(stubs(1...2), interner: interner)
    #expect(exporter.sizes == [])
    batcher.write(stubs(3...8), interner: interner)
    #expect(exporter.sizes == [3, 3])
    batcher.write(stubs(9...9), interner: interner)
    #expect(exporter.sizes == [3, 3, 3])
    batcher.write(stubs(10...10), interner: interner)
    batcher.close()
    #expect(exporter.sizes == [3, 3, 3, 1])
    #expect(exporter.ids == Array(1...10))
  }

  @Test func `no request exceeds the largest size, whatever size is wanted`() {
    let batcher = batcher(size: 8, maxSize: 3)
    batcher.write(stubs(1...7), interner: interner)
    #expect(exporter.sizes == [3, 3])
    batcher.close()
    #expect(exporter.ids == Array(1...7))
  }

  @Test func `a request leaves when it has enough bytes`() {
    let span = SpanStub(1, ["padding": .string(String(repeating: "x", count: 300))])
    // Tag and length of the field are the request's too.
    let size = span.bytes.count + 3
    let batcher = batcher(maxBytes: 3 * size)
    batcher.write(Array(repeating: span, count: 2), interner: interner)
    #expect(exporter.sizes == [])
    batcher.write(Array(repeating: span, count: 5), interner: interner)
    #expect(exporter.sizes == [3, 3])
    batcher.close()
    #expect(exporter.sizes == [3, 3, 1])
  }

  @Test func `a span larger than the bytes of a request leaves alone`() {
    let batcher = batcher(maxBytes: 10)
    batcher.write(stubs(1...3), interner: interner)
    #expect(exporter.sizes == [1, 1, 1])
    batcher.close()
  }

  @Test func `a few spans leave when the first of them has waited long enough`() {
    let batcher = batcher(timeout: .milliseconds(5))
    for round in 1...3 {
      let ids = UInt64(round * 10)...UInt64(round * 10 + 3)
      batcher.write(stubs(ids), interner: interner)
      #expect(exporter.requests.wait(count: round).count == round)
      #expect(exporter.ids.suffix(4) == Array(ids)[...])
    }
    batcher.close()
    #expect(exporter.sizes == [4, 4, 4])
  }

  @Test(arguments: [(8192, Duration.zero), (0, .seconds(3600)), (0, .zero)])
  func `without size or without timeout everything leaves at once, in one request`(size: Int, timeout: Duration) {
    let batcher = batcher(size: size, timeout: timeout)
    batcher.write(stubs(1...1), interner: interner)
    #expect(exporter.sizes == [1])
    batcher.write(stubs(2...500), interner: interner)
    #expect(exporter.sizes == [1, 499])
    batcher.close()
    #expect(exporter.ids == Array(1...500))
  }

  @Test(arguments: [(4, Duration.zero), (0, .seconds(3600))])
  func `what leaves at once is bounded by the largest size only`(size: Int, timeout: Duration) {
    let batcher = batcher(size: size, maxSize: 5, timeout: timeout)
    batcher.write(stubs(1...12), interner: interner)
    #expect(exporter.sizes == [5, 5, 2])
    batcher.close()
    #expect(exporter.ids == Array(1...12))
  }

  @Test func `closing hands on what waits, and what comes later leaves at once`() {
    let batcher = batcher()
    batcher.write(stubs(1...2), interner: interner)
    batcher.close()
    #expect(exporter.sizes == [2])
    batcher.write(stubs(3...4), interner: interner)
    #expect(exporter.sizes == [2, 2])
    batcher.close()
    #expect(exporter.ids == Array(1...4))
  }

  @Test func `nothing written is nothing sent`() {
    let batcher = batcher(timeout: .zero)
    batcher.write { _ in }
    batcher.close()
    #expect(exporter.sizes == [])
  }

  @Test func `every exporter gets the same requests in the same order`() {
    let others = [RequestCollector(), RequestCollector()]
    var configuration = Batcher.Configuration()
    configuration.sendBatchSize = 2
    let batcher = Batcher(configuration: configuration, exporters: others)
    batcher.write(stubs(1...7), interner: interner)
    batcher.close()
    #expect(others[0].sizes == [2, 2, 2, 1])
    #expect(others[0].ids == Array(1...7))
    #expect(others[1].requests.all.map(ObjectIdentifier.init) == others[0].requests.all.map(ObjectIdentifier.init))
  }

  @Test func `what many threads write is all there once, and in each thread's order`() {
    let batcher = batcher(size: 64, timeout: .milliseconds(1))
    let interner = interner
    let threads = (0..<4).map { thread in
      BackgroundThread(name: "writer") {
        var next: UInt64 = 0
        for round in 0..<400 {
          let count = UInt64(round % 5 + 1)
          let spans = (next..<next + count).map { SpanStub(trace: UInt64(thread + 1), $0 + 1) }
          batcher.write(spans, interner: interner)
          next += count
        }
      }
    }
    for thread in threads { thread.join() }
    batcher.close()
    let spans = exporter.spans
    #expect(spans.count == 4 * 400 * 3)
    for thread in 1...4 {
      #expect(spans.filter { $0.trace == thread }.map(\.id) == Array(1...1200))
    }
    #expect(exporter.sizes.allSatisfy { $0 <= 64 })
  }

  @Test func `a pipeline refuses when none of its exporters has room`() {
    let others = [RequestCollector(), RequestCollector()]
    let batcher = Batcher(exporters: others)
    #expect(batcher.refusal == nil)
    others[0].setFull(true)
    #expect(batcher.refusal == nil)
    others[1].setFull(true)
    #expect(batcher.refusal?.retryAfter == 1)
    #expect(batcher.refusal?.message.contains("full") == true)
    others[0].setFull(false)
    #expect(batcher.refusal == nil)
    batcher.close()
    let endless = Batcher(exporters: [])
    #expect(endless.refusal == nil)
    endless.close()
  }

  @Test func `a batcher that nobody closed does not live on through its timer`() {
    weak var dropped: Batcher?
    do {
      let batcher = Batcher(exporters: [exporter])
      dropped = batcher
    }
    #expect(eventually { dropped == nil })
  }
}

/// What becomes of requests while no exporter of the pipeline has room.
struct HoldingTests {
  private let exporters = [RequestCollector(), RequestCollector()]
  private let interner = ScopeInterner()

  /// A batcher whose every write is a request.
  private func batcher(_ exporters: [RequestCollector]) -> Batcher {
    var configuration = Batcher.Configuration()
    configuration.timeout = .zero
    return Batcher(configuration: configuration, exporters: exporters)
  }

  private func setFull(_ isFull: Bool) {
    for exporter in exporters { exporter.setFull(isFull) }
  }

  @Test func `they are held, and leave in their order as soon as one has room`() {
    let batcher = batcher(exporters)
    setFull(true)
    for id in 1...5 as ClosedRange<UInt64> { batcher.write([SpanStub(id)], interner: interner) }
    #expect(exporters[0].sizes == [])
    #expect(batcher.refusal != nil)
    exporters[1].setFull(false)
    for exporter in exporters {
      #expect(exporter.requests.wait(count: 5).count == 5)
      #expect(exporter.ids == Array(1...5))
    }
    #expect(eventually { batcher.refusal == nil })
    batcher.close()
  }

  @Test func `what comes later stays behind what is held`() {
    let batcher = batcher(exporters)
    setFull(true)
    batcher.write([SpanStub(1)], interner: interner)
    setFull(false)
    batcher.write([SpanStub(2)], interner: interner)
    #expect(exporters[0].ids == [1, 2])
    batcher.close()
  }

  @Test func `an exporter that is full while another is not refuses for itself`() {
    let batcher = batcher(exporters)
    exporters[0].setFull(true)
    batcher.write([SpanStub(1)], interner: interner)
    #expect(exporters.map(\.ids) == [[1], [1]])
    #expect(batcher.refusal == nil)
    batcher.close()
  }

  @Test func `an exporter that wants to be waited for has the others wait`() {
    let patient = RequestCollector(blocksOnOverflow: true)
    let batcher = batcher([patient, exporters[0]])
    exporters[0].setFull(true)
    batcher.write([SpanStub(1)], interner: interner)
    #expect(patient.ids == [1])
    exporters[0].setFull(false)
    patient.setFull(true)
    batcher.write([SpanStub(2)], interner: interner)
    #expect(exporters[0].ids == [1])
    #expect(batcher.refusal != nil)
    patient.setFull(false)
    #expect(exporters[0].requests.wait(count: 2).count == 2)
    batcher.close()
    #expect(patient.ids == [1, 2])
  }

  @Test func `who has much to write can wait for room`() {
    let batcher = batcher(exporters)
    #expect(batcher.waitForRoom())
    setFull(true)
    batcher.write([SpanStub(1)], interner: interner)
    #expect(!batcher.waitForRoom())
    setFull(false)
    #expect(batcher.waitForRoom())
    #expect(exporters[0].ids == [1])
    setFull(true)
    batcher.close()
    // What is closed gets everything at once.
    #expect(batcher.waitForRoom())
  }

  @Test func `no more than 64 MiB are held`() {
    let exporter = RequestCollector()
    let batcher = batcher([exporter])
    exporter.setFull(true)
    let large = SpanStub(1, ["padding": .string(String(repeating: "x", count: 8 << 20))])
    for _ in 0..<7 { batcher.write([large], interner: interner) }
    #expect(exporter.sizes == [])
    for _ in 0..<3 { batcher.write([large], interner: interner) }
    // Seven of them are less than 64 MiB, eight are more.
    #expect(exporter.sizes == [1, 1, 1])
    batcher.close()
    #expect(exporter.sizes.count == 10)
  }

  @Test func `closing waits for room until its deadline`() {
    let batcher = batcher(exporters)
    setFull(true)
    batcher.write([SpanStub(1)], interner: interner)
    let closed = Collected<Bool>()
    let thread = BackgroundThread(name: "closer") {
      batcher.close(until: .max)
      closed.append(true)
    }
    #expect(closed.all == [])
    #expect(exporters[0].sizes == [])
    exporters[0].setFull(false)
    #expect(closed.wait(count: 1) == [true])
    thread.join()
    #expect(exporters.map(\.ids) == [[1], [1]])
  }

  @Test(arguments: [0, 20]) func `at the deadline exporters get what is held, and say themselves that they are full`(
    milliseconds: Int
  ) {
    let batcher = batcher(exporters)
    setFull(true)
    batcher.write([SpanStub(1)], interner: interner)
    batcher.close(until: MonotonicClock.now() + Duration.milliseconds(milliseconds).nanoseconds)
    batcher.write([SpanStub(2)], interner: interner)
    #expect(exporters.map(\.ids) == [[1, 2], [1, 2]])
  }

  @Test func `what is written while closing waits leaves too`() {
    var configuration = Batcher.Configuration()
    configuration.timeout = .seconds(3600)
    let batcher = Batcher(configuration: configuration, exporters: exporters)
    setFull(true)
    batcher.write([SpanStub(1)], interner: interner)
    let thread = BackgroundThread(name: "closer") { batcher.close(until: .max) }
    // The batcher asks for room when it seals, and again before it waits.
    #expect(eventually { exporters[0].timesAsked >= 2 })
    batcher.write([SpanStub(2)], interner: interner)
    setFull(false)
    thread.join()
    #expect(exporters[0].ids == [1, 2])
  }
}
