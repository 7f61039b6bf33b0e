import Locks
import OTLP
import Pipeline
import SelfTelemetry
import TestSupport
import Testing

@testable import Connectors
@testable import Ledger

@Suite struct SessionTellerTests {
  private let consumer = StubConsumer()
  private let registry = MetricRegistry()
  private let labels: MetricRegistry.Labels = [("connector", "sessions"), ("data_type", "logs")]

  private func teller(_ ledger: StubLedger) -> SessionTeller {
    var configuration = SessionsConfiguration()
    configuration.idleTimeout = .nanoseconds(100)
    return SessionTeller(
      configuration, ledger: ledger,
      output: ConnectorOutput(
        .logs, to: consumer, rules: SpanRules(), interner: ScopeInterner(), connector: "sessions", registry: registry),
      envelope: Envelope(version: "1"))
  }

  /// The sizes of the requests that were taken.
  private var sizes: [Int] { consumer.requests.all.map(\.count) }

  @Test func `each session is told once, and all are settled`() throws {
    let ledger = StubLedger(1...1200)
    #expect(try teller(ledger).tell(at: 1050, while: { true }) == nil)
    #expect(sizes == [500, 500, 200])
    #expect(ledger.settled == Array(1...1200))
    #expect(ledger.state.withLock { $0.settled.allSatisfy { !$0.isEnd } })
    #expect(registry.value("otelcol_connector_produced_items", labels: labels) == 1200)
  }

  @Test func `a session without a span for long enough is at its end`() throws {
    let ledger = StubLedger(1...1)
    _ = try teller(ledger).tell(at: 1100, while: { true })
    #expect(ledger.state.withLock { $0.settled.map(\.isEnd) } == [true])
  }

  @Test func `what is refused is told later, as it is then`() throws {
    let ledger = StubLedger(1...3)
    consumer.set(.refuse(Refusal(message: "full", retryAfter: 7)))
    #expect(try teller(ledger).tell(at: 1050, while: { true }) == .seconds(7))
    #expect(ledger.settled == [])
    // It changes meanwhile.
    ledger.state.withLock { $0.open[2] = 1040 }
    consumer.set(.accept)
    #expect(try teller(ledger).tell(at: 1060, while: { true }) == nil)
    #expect(ledger.settled == [1, 2, 3])
    #expect(sizes == [3, 3])
    #expect(registry.value("heirloom_connector_refused_requests", labels: labels) == 1)
  }

  @Test func `while the pipelines have no room nothing is read into memory for them but a page`() throws {
    let ledger = StubLedger(1...5000)
    consumer.set(.accept, refusal: Refusal(message: "full", retryAfter: 0))
    #expect(try teller(ledger).tell(at: 1050, while: { true }) == .seconds(1))
    #expect(ledger.state.withLock { $0.pages } == 1)
    #expect(consumer.requests.all.isEmpty)
  }

  @Test func `a page that is large leaves in several requests, and what was taken of it is settled`() throws {
    let ledger = StubLedger(1...100)
    ledger.state.withLock { $0.metadata = #"{"a":""# + String(repeating: "x", count: 20_000) + #""}"# }
    #expect(try teller(ledger).tell(at: 1050, while: { true }) == nil)
    #expect(sizes.count == 4)
    #expect(sizes.reduce(0, +) == 100)
    #expect(ledger.settled.count == 100)
  }

  @Test func `a session that is gone is settled without a word`() throws {
    let ledger = StubLedger(1...2)
    ledger.state.withLock { $0.gone = [1] }
    _ = try teller(ledger).tell(at: 1050, while: { true })
    #expect(sizes == [1])
    #expect(ledger.settled == [1, 2])
  }

  @Test func `it stops when there is no more time`() throws {
    let ledger = StubLedger(1...1200)
    var looks = 0
    _ = try teller(ledger).tell(at: 1050) {
      looks += 1
      return looks < 2
    }
    #expect(ledger.settled.count == 500)
  }
}
