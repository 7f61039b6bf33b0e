import Facts
import Foundation
import Locks
import OTLP
import TestSupport

@testable import Console
@testable import Ledger

/// A ledger of a few traces, with a console before it.
final class ServedLedger {
  let console: Console
  let reader: LedgerReader
  /// Whom somebody wanted to forget.
  let forgotten = Locked<[String]>([])
  private let directory: URL

  /// 2026-11-21T00:00:00Z in nanoseconds since the Unix epoch.
  static let midnight: UInt64 = 1_795_219_200_000_000_000

  /// The end users, with a trace each, an hour after one another. Each has a session of the same name.
  static let users = ["ann", "team/bob 1", "ünï€ode", "q?&=%+#", "..", "a\"b\\c\n"]

  init(_ change: (inout Console.Configuration) -> Void = { _ in }) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("console-\(UUID().uuidString)")
    let path = directory.appendingPathComponent("ledger.db").path
    let writer = try LedgerWriter(LedgerConfiguration(path: path))
    try writer.apply([Arrival(facts: Self.facts(), pipeline: "traces", sequence: nil)])
    reader = try LedgerReader(path: path)
    var configuration = Console.Configuration()
    configuration.port = 0
    change(&configuration)
    console = try Console(reader: reader, configuration: configuration) { [forgotten] user in
      if user == "broken" { throw LedgerError.stopped }
      forgotten.withLock { $0.append(user) }
      return ErasureReport(endUser: user, Erasure(), copies: ["the spool"])
    }
    try console.start()
  }

  deinit {
    console.stop()
    try? FileManager.default.removeItem(at: directory)
  }

  private static func facts() -> FactsChunk {
    var chunk = FactsChunk()
    for (place, user) in (users + [""]).enumerated() {
      var facts = SpanFacts()
      facts.trace = TraceID(first: 1, second: UInt64(place) + 1)
      facts.spanID = 5
      facts.start = midnight + UInt64(place) * 3_600_000_000_000
      facts.end = facts.start + 1_234_567
      facts.tokens.input = 10
      facts.tokens.total = 10
      facts.cost = 1_500_000
      user.utf8CString.withUnsafeBytes { text in
        facts.endUser = UnsafeRawBufferPointer(rebasing: text.dropLast())
        facts.session = facts.endUser
        facts.name = facts.endUser
        facts.model = facts.endUser
        chunk.append(facts)
      }
    }
    return chunk
  }

  static func traceID(of user: Int) -> String { TraceID(first: 1, second: UInt64(user) + 1).hexadecimal }

  /// Asks one question over a connection of its own.
  func ask(
    _ path: String, method: String = "GET", host: String = "localhost", headers: [String] = []
  ) throws -> TestClient.Reply {
    let client = try TestClient(port: console.port)
    try client.send(method, path, host: host, headers: headers)
    return try client.receive(toHead: method == "HEAD")
  }

  /// The object that answers, with its status.
  func json(_ path: String, method: String = "GET") throws -> (status: Int, object: [String: Any]) {
    let reply = try ask(path, method: method)
    let object = try JSONSerialization.jsonObject(with: Data(reply.body)) as? [String: Any]
    return (reply.status, object ?? [:])
  }

  /// As a client would write it.
  static func escaped(_ id: String) -> String {
    id.utf8.map { String(format: "%%%02X", Int($0)) }.joined()
  }
}

extension [String: Any] {
  /// The message of an error.
  var message: String { (self["error"] as? [String: Any])?["message"] as? String ?? "" }
}
