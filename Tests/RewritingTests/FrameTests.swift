import Locks
import OTLP
import Pipeline
import Rewriting
import SelfTelemetry
import Spool
import TestSupport
import Testing

/// Puts a field of its own behind each request, so that a test sees what was done, in which order and how often.
private final class Mark: RequestRewriting {
  let name: String
  let needsIdentities: Bool
  private let isBroken = Locked(false)

  init(_ name: String, needsIdentities: Bool = false) {
    self.name = name
    self.needsIdentities = needsIdentities
  }

  func breakDown() { isBroken.withLock { $0 = true } }

  var bytes: [UInt8] { ProtobufWriter.message { $0.stringField(900, name) } }

  func rewrite(_ request: EncodedRequest) throws(RewritingFailure) -> EncodedRequest {
    guard !isBroken.withLock({ $0 }) else { throw RewritingFailure("broken") }
    return (request.bytes + bytes).withUnsafeBytes { EncodedRequest(copying: $0, inPlaceOf: request) }
  }
}

/// What every rewriting relies on: when it happens, what becomes of a request that it cannot read, and what a stored one is.
struct FrameTests {
  private let registry = MetricRegistry()
  private let one = Mark("one")
  private let other = Mark("other")

  private func exporter(_ inner: any Exporter, _ steps: any RequestRewriting...) -> RewritingExporter {
    RewritingExporter(inner, Rewritings(steps), signals: [.traces], registry: registry, log: Log { _ in })
  }

  @Test("an exporter gets what every rewriting has made of a request, one after another")
  func order() {
    let inner = CollectingExporter()
    #expect(exporter(inner, one, other).export(SampleRequest.make()))
    #expect(inner.received == [SampleRequest.bytes(spans: 1) + one.bytes + other.bytes])
  }

  @Test("whoever settles the rewritten form of a request has settled the request")
  func settling() {
    let settling = SettlingExporter()
    let watched = WatchedRequest(SampleRequest.make(), destinations: 2)
    exporter(settling, one, other).export(watched.request)
    #expect(watched.wasSettledOnce())
  }

  @Test("what cannot be rewritten does not leave, is counted, and holds nobody up")
  func failing() {
    let inner = CollectingExporter()
    let watched = WatchedRequest(SampleRequest.make(spans: 3), destinations: 2)
    other.breakDown()
    #expect(exporter(inner, one, other).export(watched.request))
    #expect(inner.received.isEmpty)
    #expect(watched.wasSettledOnce())
    #expect(registry.value("otelcol_exporter_send_failed_spans", labels: [("exporter", "collecting")]) == 3)
  }

  @Test("identities are asked for when one rewriting wants them")
  func needs() {
    let inner = CollectingExporter()
    #expect(!exporter(inner, one).needsIdentities)
    #expect(exporter(inner, one, Mark("curious", needsIdentities: true)).needsIdentities)
  }

  private func store(_ inner: StubRequestStore, _ steps: any RequestRewriting...) -> RewrittenStore {
    RewrittenStore(inner, Rewritings(steps), signal: .traces)
  }

  @Test("what was rewritten and stored is read as it was")
  func roundTrip() throws {
    let store = store(StubRequestStore(), one, other)
    let request = try Rewritten(one, other).apply(to: SampleRequest.make())
    #expect(try store.load(try store.append(request)) == request.bytes)
  }

  @Test("a run with more rewritings does what is missing to what an earlier one stored, and nothing twice")
  func nextRun() throws {
    let disk = StubRequestStore()
    let request = try Rewritten(one).apply(to: SampleRequest.make())
    let earlier = try store(disk, one).append(request)
    #expect(try store(disk, one, other).load(earlier) == request.bytes + other.bytes)
    // Without any it is what it was, and nothing else.
    #expect(try store(disk).load(earlier) == request.bytes)
  }

  @Test("what was stored before there were rewritings gets all of them")
  func untouched() throws {
    let disk = StubRequestStore()
    let plain = SampleRequest.bytes(spans: 2)
    let record = try store(disk).append(SampleRequest.make(spans: 2))
    #expect(disk.kept == [plain])
    #expect(try store(disk, one, other).load(record) == plain + one.bytes + other.bytes)
  }

  @Test("what cannot be rewritten is not read")
  func unreadable() throws {
    let disk = StubRequestStore()
    let record = try store(disk).append(SampleRequest.make())
    one.breakDown()
    #expect(throws: SpoolError.self) { try store(disk, one).load(record) }
  }

  @Test("a restored request counts without the names of what was done to it")
  func restoring() throws {
    let disk = StubRequestStore()
    _ = try store(disk, one).append(SampleRequest.make(spans: 4))
    let again = store(StubRequestStore(earlier: disk.kept), one)
    var found: [[UInt8]] = []
    again.restore { _, payload in
      found.append(Array(payload))
      return true
    }
    #expect(found == [SampleRequest.bytes(spans: 4)])
  }

  @Test("names that are cut off are no names")
  func damage() throws {
    let whole: [UInt8] = [0xF2, 0x7F, 3] + Array("one".utf8)
    for count in 2..<whole.count {
      let bytes = Array(whole.prefix(count))
      let disk = StubRequestStore(earlier: [bytes])
      let store = store(disk, one)
      var records: [SpoolRecord] = []
      store.restore { record, _ in
        records.append(record)
        return true
      }
      #expect(try store.load(records[0]) == bytes + one.bytes)
    }
  }
}

/// Rewritings as an exporter applies them.
private struct Rewritten {
  private let steps: [any RequestRewriting]

  init(_ steps: any RequestRewriting...) {
    self.steps = steps
  }

  func apply(to request: EncodedRequest) throws -> EncodedRequest {
    try steps.reduce(request) { try $1.rewrite($0) }
  }
}

/// Settles whatever comes.
private final class SettlingExporter: Exporter {
  let id = "settling"
  let isFull = false

  func start() {}
  func export(_ request: EncodedRequest) -> Bool {
    request.settle()
    return true
  }
  func drain(until deadline: UInt64) {}
}
