@testable import Collector
import Testing

/// The `ledger` extension of a configuration, and what else a configuration says of a ledger.
struct LedgerConfigTests {
  private static func reading(
    ledger: String = "", processors: String = "enduser", exporters: String = "debug", service: String = ""
  ) -> Reading {
    Reading(
      """
      receivers: {otlp: {protocols: {http: {}}}}
      processors: {enduser: {}, enduser/telling: {log_traces: true}}
      exporters:
        debug:
        debug/all: {verbosity: detailed}
        file: {path: spans.jsonl}
        otlp_http/a: {endpoint: "http://localhost:1"}
        otlp_grpc: {endpoint: "localhost:1", tls: {insecure: true}, dead_letter: {path: letters.jsonl}}
      extensions: {ledger: {\(ledger)}}
      service:
        extensions: [ledger]
        \(service)
        pipelines:
          traces:
            receivers: [otlp]
            processors: [\(processors)]
            exporters: [\(exporters)]
      """)
  }

  @Test func `a price for no model is told`() {
    for models in ["{model: '', input: 7, output: 7}", "{match: prefix, model: ' ', input: 7, output: 7}"] {
      let messages = Self.reading(ledger: "prices: {models: [\(models)]}").messages
      #expect(
        messages.count == 1 && messages[0].hasSuffix("models[0].model: the name of a model is empty"), "\(messages)")
    }
    let missing = Self.reading(ledger: "prices: {models: [{input: 7, output: 7}]}").messages
    #expect(missing.count == 1 && missing[0].hasSuffix("models[0].model is required"), "\(missing)")
    #expect(Self.reading(ledger: "prices: {models: [{model: m, input: 7, output: 7}]}").messages == [])
  }

  private static let backups = "backups of any of these, and of the ledger's file"

  @Test func `every place is named that has copies of what a ledger forgets`() {
    let reading = Self.reading(
      processors: "enduser/telling", exporters: "debug/all, file, otlp_http/a, otlp_grpc",
      service: "storage: {directory: spool}")
    #expect(reading.messages == [])
    #expect(
      LedgerCopies.places(of: reading.config) == [
        "spool: spans under way, and queues of exporters",
        "the collector's log: what exporter debug/all shows (verbosity)",
        "spans.jsonl: what exporter file wrote, rotated files included",
        "the backend of exporter otlp_http/a",
        "spool/dead_letter/otlp_http@a.jsonl and spool/dead_letter/otlp_http@a.jsonl.1: what that backend refused for good",
        "the backend of exporter otlp_grpc",
        "letters.jsonl and letters.jsonl.1: what that backend refused for good",
        "the collector's log: whom processor enduser/telling found (log_traces)",
        Self.backups,
      ])
  }

  @Test func `what keeps nothing is not named`() {
    let reading = Self.reading(exporters: "debug, otlp_http/a", service: "durability: memory")
    #expect(reading.messages == [])
    #expect(LedgerCopies.places(of: reading.config) == ["the backend of exporter otlp_http/a", Self.backups])
  }
}
