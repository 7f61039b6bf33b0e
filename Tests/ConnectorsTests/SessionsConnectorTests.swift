import Locks
import OTLP
import Pipeline
import SelfTelemetry
import TestSupport
import Testing

@testable import Connectors

@Suite struct SessionsConnectorTests {
  private let consumer = StubConsumer()
  private let lines = Locked<[String]>([])
  private let registry = MetricRegistry()

  private func connector(_ ledger: StubLedger, interval: Duration) -> SessionsConnector {
    var configuration = SessionsConfiguration()
    configuration.updateInterval = interval
    return SessionsConnector(
      configuration, id: "sessions", ledger: ledger,
      logs: ConnectorOutput(
        .logs, to: consumer, rules: SpanRules(), interner: ScopeInterner(), connector: "sessions", registry: registry),
      metrics: nil, version: "1", registry: registry,
      log: Log(level: .debug) { [lines] line in lines.withLock { $0.append(line) } })
  }

  @Test func `it tells what there is when it is to end, after the ledger has caught up`() {
    let ledger = StubLedger(1...3)
    let connector = connector(ledger, interval: .seconds(3600))
    connector.start()
    connector.stop(until: .max)
    #expect(consumer.requests.all.map(\.count) == [3])
    #expect(ledger.state.withLock { $0.catchUps } == 1)
  }

  @Test func `without any time it leaves everything to the next run`() {
    let ledger = StubLedger(1...3)
    let connector = connector(ledger, interval: .seconds(3600))
    connector.start()
    connector.stop(until: 0)
    #expect(ledger.settled == [])
    #expect(consumer.requests.all.isEmpty)
  }

  @Test func `one that was never started can be stopped`() {
    connector(StubLedger(), interval: .seconds(1)).stop(until: .max)
  }

  @Test func `it goes on telling while a pipeline refuses, and ends when it is told to`() {
    let ledger = StubLedger(1...3)
    consumer.set(.refuse(Refusal(message: "full", retryAfter: 1)))
    let connector = connector(ledger, interval: .milliseconds(1))
    connector.start()
    #expect(eventually { !consumer.requests.all.isEmpty })
    connector.stop(until: .max)
    #expect(ledger.settled == [])
  }

  @Test func `a ledger that cannot be read is tried again, and complained about once`() {
    let ledger = StubLedger(1...3)
    ledger.state.withLock { $0.fails = true }
    let connector = connector(ledger, interval: .milliseconds(1))
    connector.start()
    #expect(
      eventually { (registry.value("heirloom_connector_failures", labels: [("connector", "sessions")]) ?? 0) > 2 })
    ledger.state.withLock { $0.fails = false }
    #expect(eventually { ledger.settled == [1, 2, 3] })
    connector.stop(until: .max)
    #expect(lines.withLock { $0.filter { $0.contains("cannot use the ledger") }.count } == 1)
  }
}
