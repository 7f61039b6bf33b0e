import EndUser
import OTLP
import Pipeline
import Rewriting
import SelfTelemetry
import TestSupport
import Testing

/// What spans are that went through an `enduser` processor and an exporter that tells identity in other words.
struct IdentityWriterTests {
  private let plain = CollectingExporter()
  private let told = CollectingExporter()
  private let rules = SpanRules()

  /// Sends spans through a pipeline of two exporters, of which one has conventions.
  private func send(
    _ conventions: [OutgoingConvention], _ spans: SpanStub..., maxMetadataKeys: Int = 64,
    configure: (inout EndUserConfiguration) -> Void = { _ in }
  ) throws {
    var rewriting = RewritingConfiguration()
    rewriting.identityAs = conventions
    rewriting.maxMetadataKeys = maxMetadataKeys
    let registry = MetricRegistry()
    var batching = Batcher.Configuration()
    batching.timeout = .zero
    var configuration = EndUserConfiguration()
    configure(&configuration)
    let processor = EndUserProcessor(
      configuration, rules: rules,
      metrics: EndUserMetrics(registry: registry, processor: "enduser", pipeline: "traces"),
      output: Batcher(
        configuration: batching,
        exporters: [
          plain,
          RewritingExporter(
            told, rewriting.rewritings(for: [.traces]), signals: [.traces], registry: registry, log: Log { _ in }),
        ]), clock: { 1_000_000_000 })
    for span in spans {
      processor.consume(try IndexedRequest(SpanStub.request([span]), rules: rules).batch) { _ in }
    }
  }

  private func span(_ id: UInt64, of exporter: CollectingExporter? = nil) throws -> DecodedSpan {
    let found = (exporter ?? told).spans.filter { $0.id == id }
    #expect(found.count == 1)
    return try #require(found.first)
  }

  @Test("every span has the identity under the convention's keys, the speaking root too, and its own keys besides")
  func everySpan() throws {
    try send(
      [.langfuse], SpanStub(2, parent: 1, ["own": "x"]),
      SpanStub(1, ["enduser.id": "ada", "gen_ai.conversation.id": "s-1"]), SpanStub(3, parent: 1))
    for id in [1, 2, 3] as [UInt64] {
      let span = try span(id)
      #expect(span["langfuse.user.id"] == "ada")
      #expect(span["langfuse.session.id"] == "s-1")
      #expect(span["enduser.id"] == "ada")
    }
    #expect(try span(2)["own"] == "x")
  }

  @Test("the other exporters of the pipeline get what they would have got")
  func others() throws {
    try send([.otel], SpanStub(1, ["user.id": "ada"]), SpanStub(2, parent: 1))
    #expect(plain.spans.map(\.attributes) == [[StubAttribute("user.id", "ada")], [StubAttribute("user.id", "ada")]])
  }

  @Test("a key that may mean somebody else gives way where the convention means the end user by it")
  func ambiguousKey() throws {
    // The pipeline leaves both where they are: nothing in the span says whose it is.
    try send(
      [.openinference], SpanStub(1, ["gen_ai.user": "ada", "gen_ai.conversation.id": "s-1"]),
      SpanStub(
        2, parent: 1,
        ["user.id": "op", "session.id": "s-9", "gen_ai.user": "ada", "gen_ai.conversation.id": "s-1", "user.id": "op2"])
    )
    let child = try span(2)
    #expect(child["user.id"] == "ada")
    #expect(child.count("user.id") == 1)
    #expect(child["session.id"] == "s-1")
    #expect(try span(2, of: plain)["user.id"] == "op")
  }

  @Test("an id that is a number is told as text")
  func number() throws {
    try send([.otel, .neatlogs], SpanStub(1, ["user.id": 4711]))
    #expect(try span(1)["enduser.id"] == "4711")
    #expect(try span(1)["neatlogs.end_user.id"] == "4711")
    #expect(try span(1)["user.id"] == 4711)
  }

  @Test("a trace that nobody spoke for leaves as it came, to the last byte")
  func nobody() throws {
    try send(
      OutgoingConvention.allCases, SpanStub(1, ["user.id": "", "session": "x"]), configure: { $0.fallback = .none })
    #expect(try span(1).bytes == SpanStub(1, ["user.id": "", "session": "x"]).bytes)
  }

  @Test("a session without an end user is told, and a span's own end user stays")
  func sessionOnly() throws {
    try send(
      [.openinference], SpanStub(1, ["neatlogs.session.id": "s-1"]), SpanStub(2, parent: 1, ["user.id": "op"]),
      configure: { $0.fallback = .none })
    #expect(try span(2)["session.id"] == "s-1")
    #expect(try span(2)["user.id"] == "op")
  }

  private static let metadata = #"{"plan": "pro", "age": 41, "vip": true, "none": null, "deep": {"a": [1, "b"]}}"#

  private func sendMetadata(_ convention: OutgoingConvention, own: KeyValuePairs<String, StubValue> = [:]) throws
    -> DecodedSpan
  {
    try send(
      [convention],
      SpanStub(1, ["neatlogs.end_user.id": "ada", "neatlogs.end_user.metadata": .string(Self.metadata)]),
      SpanStub(2, parent: 1, own))
    return try span(2)
  }

  @Test("metadata as Langfuse has it: an attribute for each key, every value JSON")
  func langfuseMetadata() throws {
    let span = try sendMetadata(.langfuse, own: ["langfuse.trace.metadata.plan": "pro"])
    #expect(span["langfuse.trace.metadata.plan"] == #""pro""#)
    #expect(span.count("langfuse.trace.metadata.plan") == 1)
    #expect(span["langfuse.trace.metadata.age"] == "41")
    #expect(span["langfuse.trace.metadata.vip"] == "true")
    #expect(span["langfuse.trace.metadata.deep"] == #"{"a":[1,"b"]}"#)
    #expect(span["langfuse.trace.metadata.none"] == nil)
  }

  @Test("metadata as LangSmith has it: an attribute for each key, values as they are")
  func langsmithMetadata() throws {
    let span = try sendMetadata(.langsmith, own: ["langsmith.metadata.age": 42, "langsmith.metadata.own": 1])
    #expect(span["langsmith.metadata.plan"] == "pro")
    #expect(span["langsmith.metadata.age"] == 41)
    #expect(span["langsmith.metadata.vip"] == true)
    #expect(span["langsmith.metadata.own"] == 1)
  }

  @Test("metadata as OpenInference has it: one JSON object, in which a span's own members stay")
  func openInferenceMetadata() throws {
    let own: StubValue = #"{"step": 3, "plan": "free"}"#
    let span = try sendMetadata(.openinference, own: ["metadata": own])
    #expect(
      span["metadata"] == #"{"step":3,"plan":"pro","age":41,"vip":true,"none":null,"deep":{"a":[1,"b"]}}"#)
    #expect(span.count("metadata") == 1)
  }

  @Test("a JSON object that has all of it already stays as it is")
  func presentMetadata() throws {
    let own = String(Self.metadata.dropLast()) + #", "step":   3}"#
    #expect(try sendMetadata(.openinference, own: ["metadata": .string(own)])["metadata"] == .string(own))
  }

  @Test("Braintrust's metadata has id and session in it")
  func braintrust() throws {
    try send(
      [.braintrust], SpanStub(1, ["enduser.id": "ada", "session.id": "s-1"]),
      SpanStub(2, parent: 1, ["braintrust.metadata": #"{"user_id":"mallory","x":1}"#]))
    #expect(try span(1)["braintrust.metadata"] == #"{"user_id":"ada","session_id":"s-1"}"#)
    #expect(try span(2)["braintrust.metadata"] == #"{"user_id":"ada","x":1,"session_id":"s-1"}"#)
  }

  @Test("metadata that is no JSON object is told where a text will do, and nowhere else")
  func textMetadata() throws {
    try send(
      [.langfuse, .openinference, .neatlogs],
      SpanStub(1, ["neatlogs.end_user.id": "ada", "neatlogs.end_user.metadata": "vip"]), SpanStub(2, parent: 1))
    let span = try span(2)
    #expect(span["neatlogs.end_user.metadata"] == "vip")
    #expect(span["metadata"] == nil)
    #expect(
      span.attributes.map(\.key).sorted() == [
        "langfuse.user.id", "neatlogs.end_user.id", "neatlogs.end_user.metadata", "user.id",
      ])
  }

  @Test("metadata never names another id or session, and no more attributes come of it than allowed")
  func limits() throws {
    try send(
      [.traceloop],
      SpanStub(
        1,
        [
          "neatlogs.end_user.id": "ada",
          "neatlogs.end_user.metadata": #"{"user_id":"mallory","session_id":"s","a":1,"b":2,"c":3}"#,
        ]), maxMetadataKeys: 2)
    let prefix = "traceloop.association.properties."
    let span = try span(1)
    #expect(span[prefix + "user_id"] == "ada")
    #expect(
      span.attributes.map(\.key).filter { $0.hasPrefix(prefix) } == [prefix + "user_id", prefix + "a", prefix + "b"])
  }

  @Test("PostHog's user is the resource's: spans of several users leave under several resources")
  func resource() throws {
    let service: KeyValuePairs<String, StubValue> = ["service.name": "shop"]
    let taken: KeyValuePairs<String, StubValue> = ["posthog.distinct_id": "x", "service.name": "shop"]
    try send(
      [.posthog], SpanStub(trace: 1, 1, ["enduser.id": "ada", "session.id": "s"], resource: service),
      SpanStub(trace: 2, 2, ["enduser.id": 7], resource: taken), SpanStub(trace: 3, 3, ["x": 1], resource: service),
      configure: { $0.fallback = .none })
    func resource(_ id: UInt64) throws -> [StubAttribute] {
      // The attributes of a resource are those of a span but for their number.
      let resource = try #require(DecodedField.all(try span(id).resource)?.first)
      let pairs = try #require(DecodedField.all(resource.bytes))
      return DecodedSpan(ProtobufWriter.message { span in for pair in pairs { span.bytesField(9, pair.bytes) } })
        .attributes
    }
    let shop = StubAttribute("service.name", "shop")
    #expect(try resource(1) == [shop, StubAttribute("posthog.distinct_id", "ada")])
    #expect(try resource(2) == [shop, StubAttribute("posthog.distinct_id", "7")])
    #expect(try span(1)["$ai_session_id"] == "s")
    #expect(try resource(3) == [shop])
  }

  @Test("LangWatch's session has both of its keys, whichever is asked first")
  func langWatch() throws {
    try send([.langwatch], SpanStub(1, ["enduser.id": "ada", "session.id": "s"]))
    #expect(try span(1)["langwatch.thread.id"] == "s")
    #expect(try span(1)["gen_ai.conversation.id"] == "s")
  }

  @Test("a span that goes through twice has what it had after the first time")
  func twice() throws {
    try send(
      OutgoingConvention.allCases,
      SpanStub(
        1,
        [
          "neatlogs.end_user.id": "ada", "neatlogs.session.id": "s-1",
          "neatlogs.end_user.metadata": .string(Self.metadata),
        ]), SpanStub(2, parent: 1, ["own": 1]))
    let (root, child) = try (span(1), span(2))
    let again = IdentityWriterTests()
    var (rootAgain, childAgain) = (SpanStub(1), SpanStub(2, parent: 1))
    (rootAgain.attributes, childAgain.attributes) = (root.attributes, child.attributes)
    try again.send(OutgoingConvention.allCases, rootAgain, childAgain)
    #expect(try again.span(1).bytes == rootAgain.bytes)
    let attributes = try again.span(2).attributes
    #expect(attributes.count == child.attributes.count)
    #expect(Set(attributes) == Set(child.attributes))
  }
}
