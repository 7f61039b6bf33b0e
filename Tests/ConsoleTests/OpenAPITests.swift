import Foundation
import TestSupport
import Testing

@testable import Console
@testable import Ledger

/// That the document is about the API that there is. What is answered is held against it in Tests/Acceptance.
@Suite struct OpenAPITests {
  private let served: ServedLedger
  private let document: [String: Any]

  init() throws {
    served = try ServedLedger()
    let (status, document) = try served.json("/api/v1/openapi.json")
    #expect(status == 200)
    self.document = document
  }

  private var paths: [String: [String: Any]] { document["paths"] as? [String: [String: Any]] ?? [:] }

  private func component(_ reference: String) -> [String: Any]? {
    var found: Any? = document
    for name in reference.split(separator: "/").dropFirst() { found = (found as? [String: Any])?[String(name)] }
    return found as? [String: Any]
  }

  /// A path with ids that there are.
  private func filled(_ path: String) -> String {
    path.replacingOccurrences(of: "{end_user_id}", with: "ann").replacingOccurrences(of: "{session_id}", with: "ann")
      .replacingOccurrences(of: "{trace_id}", with: ServedLedger.traceID(of: 0))
  }

  @Test func `is of OpenAPI 3.1, and every reference leads somewhere`() throws {
    #expect(document["openapi"] as? String == "3.1.0")
    let text = OpenAPI.document
    let references = text.matches(of: #/"\$ref": "([^"]*)"/#).map { String($0.1) }
    #expect(references.count > 100)
    for reference in Set(references) { #expect(component(reference) != nil, "\(reference)") }
    let schemas = try #require(component("#/components/schemas"))
    for name in schemas.keys { #expect(references.contains("#/components/schemas/\(name)"), "\(name) is used nowhere") }
  }

  @Test func `each path and method is there`() throws {
    #expect(paths.count == 15)
    for (path, methods) in paths {
      let reply = try served.ask(filled(path), method: "POST")
      #expect(reply.status == 405)
      let allowed = Set((reply.headers["allow"] ?? "").lowercased().split(separator: ", ").map(String.init))
      #expect(allowed.subtracting(["head"]) == Set(methods.keys), "\(path)")
      #expect(try served.ask(filled(path)).status == 200)
    }
  }

  @Test func `each parameter is known, and each that is known is there`() throws {
    for (path, methods) in paths where !path.hasSuffix("openapi.json") {
      let operation = try #require(methods["get"] as? [String: Any])
      let references = (operation["parameters"] as? [[String: String]] ?? []).compactMap { $0["$ref"] }
      let parameters = try references.map { try #require(component($0)) }
      let names = parameters.filter { $0["in"] as? String == "query" }.compactMap { $0["name"] as? String }
      let message = try served.json(filled(path) + "?unknown=1").object.message
      let known = message.split(separator: "there are ").last?.split(separator: ", ").map(String.init) ?? []
      #expect(Set(known) == Set(names.isEmpty ? ["none"] : names), "\(path)")
    }
  }

  @Test(arguments: [("users", ListShape.users), ("sessions", .sessions), ("traces", .traces), ("scores", .scores)])
  func `each sort key is known, and each that is known is there`(name: String, shape: ListShape) throws {
    let parameter = try #require(component("#/components/parameters/sort_\(name)"))
    let pattern = try #require((parameter["schema"] as? [String: Any])?["pattern"] as? String)
    let keys = try #require(pattern.firstMatch(of: #/^\^\(([^)]*)\)/#)).1.split(separator: "|").map(String.init)
    #expect(Set(keys) == Set(shape.sortKeys.map(\.name)))
  }
}
