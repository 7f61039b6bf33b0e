import Filters
import Foundation
import Locks
import TestSupport
import Testing

@testable import Console
@testable import Ledger

@Suite struct ConsoleTests {
  private let served: ServedLedger

  init() throws {
    served = try ServedLedger()
  }

  @Test func `lists users`() throws {
    let reply = try served.ask("/api/v1/users")
    #expect(reply.status == 200)
    #expect(reply.headers["content-type"] == "application/json")
    #expect(reply.headers["cache-control"] == "no-store")
    #expect(reply.headers["x-content-type-options"] == "nosniff")
    let (_, object) = try served.json("/api/v1/users")
    let users = try #require(object["users"] as? [[String: Any]])
    #expect(users.compactMap { $0["end_user_id"] as? String } == ServedLedger.users.reversed())
    #expect(object["next_cursor"] is NSNull)
    #expect(users.last?["first_event"] as? String == "2026-11-21T00:00:00.000Z")
    #expect(users.last?["cost_usd"] as? Double == 0.0015)
    #expect((users.last?["tokens"] as? [String: Any])?["output"] is NSNull)
    #expect(reply.text.contains("\"cost_usd\":0.0015,"))
  }

  @Test func `finds ids however they have to be escaped`() throws {
    for (place, id) in ServedLedger.users.enumerated() {
      let path = "/api/v1/users/\(ServedLedger.escaped(id))"
      #expect(try served.json(path).object["end_user_id"] as? String == id)
      let sessions = try served.json(path + "/sessions").object["sessions"] as? [[String: Any]]
      #expect(sessions?.compactMap { $0["session_id"] as? String } == [id])
      let traces = try served.json(path + "/traces").object["traces"] as? [[String: Any]]
      #expect(traces?.compactMap { $0["trace_id"] as? String } == [ServedLedger.traceID(of: place)])
      let session = try served.json("/api/v1/sessions/\(ServedLedger.escaped(id))").object
      #expect((session["turns"] as? [[String: Any]])?.count == 1)
      #expect(session["next_cursor"] is NSNull)
    }
  }

  @Test func `opens a trace`() throws {
    let (status, trace) = try served.json("/api/v1/traces/\(ServedLedger.traceID(of: 0))")
    #expect(status == 200)
    #expect(trace["latency_ms"] as? Double == 1.235)
    let span = try #require((trace["spans"] as? [[String: Any]])?.first)
    #expect(span["span_id"] as? String == "0500000000000000")
    #expect(span["status"] as? String == "ok")
  }

  @Test func `pages by cursors`() throws {
    var seen: [String] = []
    var cursor: String?
    repeat {
      let page = try served.json("/api/v1/traces?limit=2" + (cursor.map { "&cursor=\($0)" } ?? "")).object
      let traces = try #require(page["traces"] as? [[String: Any]])
      seen += traces.compactMap { $0["trace_id"] as? String }
      cursor = page["next_cursor"] as? String
    } while cursor != nil
    #expect(seen == (0...ServedLedger.users.count).reversed().map(ServedLedger.traceID))
  }

  @Test(arguments: [
    ("end_user%20is%20ann", ["ann"]), ("end_user+is+ann", ["ann"]), ("end_user+contains+%22%2F%22", ["team/bob 1"]),
    ("cost+%3E+5", []),
  ])
  func `filters`(filter: String, names: [String]) throws {
    let users = try served.json("/api/v1/users?filter=\(filter)").object["users"] as? [[String: Any]]
    #expect(users?.compactMap { $0["end_user_id"] as? String } == names)
  }

  @Test(arguments: [
    ("users?filter=end_user+is", "filter: ", 11), ("users?filter=", "filter: ", 0),
    ("users?filter=%C3%BC+is+x", "filter: ", 0), ("users?limit=0", "limit: ", nil),
    ("users?limit=1001", "limit: ", nil),
    ("users?limit=1e2", "limit: ", nil), ("users?limit=", "limit: ", nil), ("users?limit=-1", "limit: ", nil),
    ("users?limit=99999999999999999999", "limit: ", nil), ("users?limit", "limit: it has no value", nil),
    ("users?limit=1&limit=2", "limit: it is there more than once", nil), ("users?sort=size", "sort: ", nil),
    ("users?cursor=x", "cursor: ", nil), ("users?since=yesterday", "since: ", nil),
    ("users?until=2026-02-30", "until: ", nil), ("users?page=2", "page: no such parameter", nil),
    ("users?Filter=x", "Filter: no such parameter", nil), ("overview?filter=error", "filter: no such parameter", nil),
    ("users/ann?limit=5", "limit: no such parameter", nil), ("metadata/keys?sort=key", "sort: no such parameter", nil),
    ("traces/\(ServedLedger.traceID(of: 0))?x=", "x: no such parameter", nil), ("sessions/ann?limit=x", "limit: ", nil),
    ("users/nobody/traces?limit=x", "limit: ", nil), ("users?%00=%00", "\0: no such parameter", nil),
    ("traces?filter=%FF%FE+is+x", "filter: ", 0), ("traces?cursor=%F0%9F%98%80", "cursor: ", nil),
  ])
  func `says what is wrong with a parameter`(path: String, start: String, position: Int?) throws {
    let (status, object) = try served.json("/api/v1/\(path)")
    #expect(status == 400)
    #expect(object.message.hasPrefix(start), "\(object.message)")
    #expect((object["error"] as? [String: Any])?["position"] as? Int == position)
  }

  @Test(arguments: [
    "api", "api/v1", "api/v1/", "api/v2/users", "api/v1/users/", "api/v1/users/ann/", "api/v1/users//traces",
    "api/v1/users/ann/spans", "api/v1/users/nobody", "api/v1/users/nobody/traces", "api/v1/users/nobody/sessions",
    "api/v1/sessions/nothing", "api/v1/traces/xyz", "api/v1/traces/00000000000000000000000000000000",
    "api/v1/metadata", "api/v1/overview/x", "api/v1/users/team/bob%201", "API/v1/users", "api/v1/users/%00",
    "api%2Fv1/users",
  ])
  func `says what is not there`(path: String) throws {
    let (status, object) = try served.json("/\(path)")
    #expect(status == 404)
    #expect(!object.message.isEmpty)
  }

  @Test func `points whoever looks in at the description`() throws {
    let reply = try served.ask("/")
    #expect(reply.status == 200)
    #expect(reply.text.contains("/api/v1/openapi.json"))
  }

  @Test(arguments: ["POST", "PUT", "PATCH", "OPTIONS", "DELETE", "BREW"])
  func `only reads`(method: String) throws {
    let reply = try served.ask("/api/v1/users", method: method)
    #expect(reply.status == 405)
    #expect(reply.headers["allow"] == "GET, HEAD")
    #expect(try served.ask("/api/v1/nothing", method: method).status == 404)
  }

  @Test func `answers HEAD with what GET would say of it`() throws {
    let get = try served.ask("/api/v1/users")
    let head = try served.ask("/api/v1/users", method: "HEAD")
    #expect(head.status == 200)
    #expect(head.headers["content-length"] == get.headers["content-length"])
    #expect(head.body.isEmpty)
    #expect(try served.ask("/api/v1/users/nobody", method: "HEAD").status == 404)
  }

  @Test func `forgets whom it is told to`() throws {
    let reply = try served.json("/api/v1/users/team%2Fbob%201", method: "DELETE")
    #expect(reply.status == 200)
    #expect(reply.object["end_user_id"] as? String == "team/bob 1")
    #expect(
      reply.object["copies"] as? [String] == [
        "traces of other end users in the ledger: spans of theirs that name the user as well", "the spool",
      ])
    #expect(served.forgotten.withLock { $0 } == ["team/bob 1"])
    #expect(try served.ask("/api/v1/users/ann?force=1", method: "DELETE").status == 400)
    #expect(try served.ask("/api/v1/users/ann/traces", method: "DELETE").status == 405)
    #expect(try served.ask("/api/v1/users/ann", method: "POST").headers["allow"] == "GET, HEAD, DELETE")
    #expect(try served.json("/api/v1/users/broken", method: "DELETE").status == 500)
    #expect(served.forgotten.withLock { $0.count } == 1)
  }

  @Test func `a body is not wanted`() throws {
    let client = try TestClient(port: served.console.port)
    try client.send("GET", "/api/v1/users", host: "localhost", body: Array("x".utf8))
    let reply = try client.receive()
    #expect(reply.status == 413)
    #expect(reply.headers["content-type"] == "application/json")
  }

  @Test func `answers many at a time`() throws {
    let clients = try (0..<20).map { _ in try TestClient(port: served.console.port) }
    for client in clients { try client.send("GET", "/api/v1/overview", host: "localhost") }
    for client in clients { #expect(try client.receive().status == 200) }
  }

  @Test func `reads the longest filter, however it is encoded, and says so of a longer request`() throws {
    let start = "end_user is not \""
    let filter = start + String(repeating: "€", count: (Filter.maxBytes - start.utf8.count - 1) / 3) + "\""
    let reply = try served.ask("/api/v1/users?filter=\(ServedLedger.escaped(filter))")
    #expect(reply.status == 200)
    #expect(reply.text.contains("team/bob 1"))
    let (status, object) = try served.json("/api/v1/users?filter=\(String(repeating: "a", count: Filter.maxBytes + 1))")
    #expect(status == 400)
    #expect(object.message == "filter: a filter has at most \(Filter.maxBytes) bytes")
    let long = try served.ask("/api/v1/users?filter=\(String(repeating: "a", count: Console.maxHeaderBytes))")
    #expect(long.status == 431)
    #expect(long.headers["content-type"] == "application/json")
  }

  @Test func `any number of parameters is answered`() throws {
    let query = (0..<700).map { "a\($0)=1" }.joined(separator: "&")
    let (status, object) = try served.json("/api/v1/users?\(query)")
    #expect(status == 400)
    #expect(object.message.contains("a0"))
  }
}
