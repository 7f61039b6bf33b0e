import EndUser
import Facts
import OTLP
import Pipeline
import SelfTelemetry
import Synchronization
import TestSupport
import Testing

/// Whom a span names, by the rules of the `enduser` processor.
@Suite struct IdentityFactsTests {
  private static let localRoot: UInt32 = 0x300

  @Test func `what binds to roots means nothing on a child`() throws {
    let attributes: KeyValuePairs<String, StubValue> = [
      "neatlogs.end_user.id": "ada", "neatlogs.session.id": "s-1", "neatlogs.end_user.metadata": "{\"a\":1}",
    ]
    let root = try extracted(attributes)
    #expect(root.text(\.endUser) == "ada" && root.text(\.session) == "s-1" && root.metadataText == "{\"a\":1}")
    let local = try extracted(attributes, parent: 3, flags: Self.localRoot)
    #expect(local.text(\.endUser) == "ada" && local.text(\.session) == "s-1" && local.metadataText == "{\"a\":1}")
    #expect(local.flags == [.hasParent, .remoteParent])
    let child = try extracted(attributes, parent: 3)
    #expect(child.endUser.isEmpty && child.session.isEmpty && child.metadata.isEmpty)
    let application = try extracted(
      ["langfuse.internal.is_app_root": .bool(true), "neatlogs.end_user.id": "ada"], parent: 3)
    #expect(application.text(\.endUser) == "ada")
    #expect(application.flags == [.hasParent, .applicationRoot])
  }

  @Test func `neatlogs' user is not the end user`() throws {
    #expect(try extracted(["user.id": "op", "neatlogs.span.kind": "tool"]).endUser.isEmpty)
    #expect(try extracted(["user.id": "op"], scope: "neatlogs.sdk").endUser.isEmpty)
    #expect(try extracted(["user.id": "ada"]).text(\.endUser) == "ada")
    #expect(try extracted(["user.id": "ada"], parent: 3).text(\.endUser) == "ada")
  }

  @Test func `keys are asked in their order, and useless values passed over`() throws {
    #expect(try extracted(["gen_ai.user": "c", "enduser.id": "b", "langfuse.user.id": "a"]).text(\.endUser) == "a")
    #expect(
      try extracted(["langfuse.user.id": "", "enduser.id": .bool(true), "gen_ai.user": "c"]).text(\.endUser) == "c")
    #expect(try extracted(["session.id": "a", "langfuse.session.id": "b"]).text(\.session) == "b")
  }

  @Test func `an id that is a number is its digits`() throws {
    let facts = try extracted(["enduser.id": .int(.min), "session.id": 42])
    #expect(facts.text(\.endUser) == "-9223372036854775808")
    #expect(facts.text(\.session) == "42")
  }

  @Test func `the configuration's keys and their order count`() throws {
    var configuration = EndUserConfiguration()
    configuration.idKeys = ["tenant.user", "enduser.id"]
    configuration.sessionKeys = ["tenant.chat"]
    configuration.metadataKeys = ["metadata"]
    let facts = try extracted(
      [
        "langfuse.user.id": "no", "enduser.id": "second", "tenant.user": "first", "session.id": "no",
        "tenant.chat": "yes", "metadata": .kvlist(["plan": "pro"]), "langfuse.trace.metadata.other": "1",
      ], configuration)
    #expect(facts.text(\.endUser) == "first")
    #expect(facts.text(\.session) == "yes")
    #expect(facts.metadataText == #"{"plan":"pro"}"#)
  }

  @Test func `a resource speaks for roots that say nothing, and the facts tell`() throws {
    let resource: KeyValuePairs<String, StubValue> = [
      "posthog.distinct_id": "third", "enduser.id": 7, "neatlogs.tags": "x, y",
    ]
    let root = try extracted([:], resource: resource)
    #expect(root.text(\.endUser) == "7")
    #expect(root.flags.contains(.endUserFromResource))
    #expect(root.tagList == ["x", "y"])
    let speaking = try extracted(["enduser.id": "ada", "neatlogs.tags": .array(["y", "z"])], resource: resource)
    #expect(speaking.text(\.endUser) == "ada")
    #expect(!speaking.flags.contains(.endUserFromResource))
    #expect(speaking.tagList == ["y", "z", "x"])
    let child = try extracted([:], parent: 3, flags: Self.localRoot, resource: resource)
    #expect(child.endUser.isEmpty && child.tags.isEmpty)
  }

  @Test func `each resource speaks for its own`() throws {
    let spans = (1...4).map { number in
      SpanStub(UInt64(number), resource: ["enduser.id": .string(number % 2 == 0 ? "even" : "odd")])
    }
    #expect(try extracted(SpanStub.request(spans)).map { $0.text(\.endUser) } == ["odd", "even", "odd", "even"])
  }

  @Test func `an id that is longer than what is handed down is none`() throws {
    var configuration = EndUserConfiguration()
    configuration.maxIdentityBytes = 100
    let long = StubValue.string(String(repeating: "x", count: 100))
    #expect(try extracted(["enduser.id": long, "gen_ai.user": "b"], configuration).text(\.endUser) == "b")
  }

  @Test func `a marker and the marks of a span are told`() throws {
    let marker = SpanStub(2, parent: 1, name: "neatlogs.trace.complete")
    #expect(try extracted(SpanStub.request([marker])).map(\.flags) == [[.hasParent, .completionMarker]])
  }

  /// What an index records, spans that wait keep in memory, and the processor compares with what it hands down.
  @Test func `an index records nothing for the facts' sake`() {
    let rules = SpanRules()
    _ = FactsPlan(EndUserConfiguration(), rules: rules)
    #expect(rules.patterns.isEmpty)
  }

  /// A root alone: whom the processor attributes its trace to is whom the facts name.
  @Test(arguments: 0..<4 as Range<UInt64>)
  func `facts name whom the processor hands down`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let keys = Conventions.keys.map(\.name)
    for _ in 0..<60 {
      var span = SpanStub(7, resource: ["service.name": "shop"])
      span.flags = random.once(in: 3) ? Self.localRoot : 0
      span.parent = span.flags == 0 ? 0 : 3
      if random.once(in: 3) { span.resource.append(StubAttribute("enduser.id", "resource")) }
      span.attributes = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        let values: [StubValue] = ["ada", "ben", 12, "", .bool(true), .array(["x"]), "{}"]
        return StubAttribute(keys.randomElement(using: &random)!, values.randomElement(using: &random)!)
      }
      let facts = try #require(extracted(SpanStub.request([span])).first)
      let resolution = try #require(try Self.resolution(of: span))
      #expect(facts.text(\.endUser) == resolution.endUser ?? "", "\(span.attributes)")
      if resolution.endUser != nil { #expect(facts.text(\.session) == resolution.session ?? "", "\(span.attributes)") }
    }
  }

  private static func resolution(of span: SpanStub) throws -> Resolution? {
    var configuration = EndUserConfiguration()
    configuration.logTraces = true
    let rules = SpanRules()
    let told = Collected<Resolution>()
    let now = Clock()
    let processor = EndUserProcessor(
      configuration, rules: rules,
      metrics: EndUserMetrics(registry: MetricRegistry(), processor: "enduser", pipeline: "traces"),
      output: Batcher(exporters: [CollectingExporter()]), clock: { now.time.load(ordering: .relaxed) },
      tell: { told.append($0) })
    processor.consume(try IndexedRequest(SpanStub.request([span]), rules: rules).batch) { _ in }
    // An hour: whatever it waits for is over.
    now.time.add(3_600_000_000_000, ordering: .relaxed)
    processor.sweep()
    return told.all.first
  }

  private final class Clock: Sendable {
    let time = Atomic<UInt64>(1_000_000_000)
  }
}
