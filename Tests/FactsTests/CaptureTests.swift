import Compression
import Facts
import Foundation
import OTLP
import TestSupport
import Testing

/// Requests as SDKs sent them.
@Suite struct CaptureTests {
  /// The first span of each name in a captured request.
  private func facts(_ name: String) throws -> [String: OwnedFacts] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    var body = [UInt8](try Data(contentsOf: tests.appending(path: "Fixtures/captures/\(name).bin")))
    if body.starts(with: [0x1f, 0x8b]) { body = try inflated(body) }
    return Dictionary(try extracted(body).map { ($0.text(\.name), $0) }) { first, _ in first }
  }

  private func inflated(_ body: [UInt8]) throws -> [UInt8] {
    var memory: [UInt8] = Array(repeating: 0, count: 1 << 20)
    let count = try memory.withUnsafeMutableBytes { memory in
      try body.withUnsafeBytes { try Inflate.gzip($0, limit: memory.count) { _ in memory } }
    }
    memory.removeLast(memory.count - count)
    return memory
  }

  @Test func `neatlogs`() throws {
    let facts = try facts("neatlogs-01")
    let root = try #require(facts["turn-1"])
    #expect(root.kind == .workflow)
    #expect(root.flags == [])
    #expect(root.text(\.endUser) == "user-1")
    #expect(root.text(\.session) == "sess-A")
    #expect(root.metadataText == #"{"email":"a@b.example","nested":{"x":1},"plan":"pro"}"#)
    #expect(root.tagList == ["prod", "v2"])
    #expect(root.text(\.workflow) == "probe-flow")
    let call = try #require(facts["llm"])
    #expect(call.kind == .llm)
    #expect(call.flags == .hasParent)
    #expect(call.text(\.model) == "gpt-4o-mini")
    #expect(call.tokens == TokenCounts(120, 30, total: 150, cacheRead: 64))
    #expect(call.cost == nil)
    #expect(call.endUser.isEmpty && call.session.isEmpty && call.metadata.isEmpty)
    let step = try #require(facts["step"])
    #expect(step.tokens.isEmpty && step.kind == .chain)
  }

  @Test func `neatlogs' decorators, whose tags are a list`() throws {
    let facts = try facts("neatlogs-04")
    let root = try #require(facts["deco-root"])
    #expect(root.text(\.endUser) == "user-2")
    // The resource has those that the span's own replaced.
    #expect(root.tagList == ["t1", "t2", "prod", "v2"])
    #expect(root.metadataText == #"{"age":41,"plan":"free","tags":["a","b"],"vip":false}"#)
    #expect(facts["anon"]?.endUser.isEmpty == true)
    #expect(try self.facts("neatlogs-02")["neatlogs.trace.complete"]?.flags.contains(.completionMarker) == true)
  }

  @Test func `OpenInference`() throws {
    let facts = try facts("openinference-00")
    let call = try #require(facts["llm"])
    #expect(call.tokens == TokenCounts(10, 5, total: 15))
    #expect(call.cost == 1_200_000)
    #expect(call.text(\.endUser) == "user-1" && call.text(\.session) == "sess-A")
    #expect(call.metadataText == #"{"n":1,"plan":"pro"}"#)
    #expect(call.tagList == ["a", "b"])
    // Bound below the root: the root says nothing.
    #expect(facts["llm2"]?.text(\.endUser) == "user-2")
    #expect(facts["http-root"]?.endUser.isEmpty == true)
    #expect(facts["agent"]?.kind == .agent)
  }

  @Test func `OpenTelemetry`() throws {
    let facts = try facts("otel-00")
    let call = try #require(facts["chat gpt-4o"])
    #expect(call.kind == .llm)
    #expect(call.text(\.model) == "gpt-4o-2024-08-06")
    #expect(call.tokens == TokenCounts(100, 20, total: 120, cacheRead: 50))
    #expect(facts["chat"]?.text(\.endUser) == "user-1")
    #expect(facts["chat"]?.text(\.session) == "sess-A")
    let failed = try #require(try self.facts("otel-03")["err"])
    #expect(failed.flags == .isError)
    #expect(failed.text(\.statusMessage) == "ValueError: boom")
    #expect(failed.text(\.endUser) == "user-3")
  }
}
