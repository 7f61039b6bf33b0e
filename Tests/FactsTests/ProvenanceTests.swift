import EndUser
import OTLP
import TestSupport
import Testing

@testable import Facts

/// Where a trace's identity comes from, and what had to give way.
@Suite struct ProvenanceTests {
  private typealias Replaced = Provenance.Replaced
  private typealias Unused = Provenance.Unused

  @Test func `a root speaks, and its children's own words give way`() throws {
    let why = try provenance([
      SpanStub(1, ["enduser.id": "ada", "session.id": "s-1", "user.id": "u-7"]),
      SpanStub(
        2, parent: 1,
        [
          "enduser.id": "mallory", "langfuse.user.id": "m", "user.id": "op", "session.id": "s-9",
          "langfuse.session.id": "l",
        ]),
      SpanStub(3, parent: 1, ["enduser.id": "ada", "session.id": "s-1"]),
    ])
    #expect(why.endUserID == "ada" && why.sessionID == "s-1" && why.hasRoot && why.isComplete)
    #expect(why.endUser?.source == .root && why.endUser?.span == UInt64(1).byteSwapped)
    #expect(why.endUser?.key == "enduser.id" && why.session?.key == "session.id")
    #expect(why.unattributed == nil && why.metadata == nil)
    let child = UInt64(2).byteSwapped
    #expect(
      why.replaced == [
        Replaced(span: child, role: .endUserID, key: "enduser.id", value: "mallory", replacement: "ada"),
        Replaced(span: child, role: .endUserID, key: "langfuse.user.id", value: "m", replacement: nil),
        Replaced(span: child, role: .session, key: "session.id", value: "s-9", replacement: "s-1"),
      ])
    #expect(
      why.unused == [
        Unused(span: UInt64(1).byteSwapped, role: .endUserID, key: "user.id", value: "u-7", reason: .laterKey),
        Unused(span: child, role: .endUserID, key: "user.id", value: "op", reason: .kept),
        Unused(span: child, role: .session, key: "langfuse.session.id", value: "l", reason: .kept),
      ])
  }

  @Test func `each speaker is named as the processor counts it`() throws {
    func source(_ spans: [SpanStub], _ configuration: EndUserConfiguration = EndUserConfiguration()) throws
      -> (Provenance.Source?, String?)
    {
      let why = try provenance(spans, configuration)
      return (why.endUser?.source, why.endUser?.key)
    }
    #expect(
      try source([SpanStub(1), SpanStub(2, parent: 1, ["user.id": "ada"])]) == (.topmost, "user.id"))
    #expect(
      try source([SpanStub(2, parent: 9, flags: 0x300, ["neatlogs.end_user.id": "ada"])])
        == (.localRoot, "neatlogs.end_user.id"))
    #expect(
      try source([SpanStub(1, resource: ["posthog.distinct_id": "ada"])]) == (.resource, "posthog.distinct_id"))
    #expect(try source([SpanStub(2, parent: 9, ["gen_ai.user": "ada"])]) == (.topmost, "gen_ai.user"))
    var configured = EndUserConfiguration()
    configured.idKeys = ["tenant.user"]
    #expect(try source([SpanStub(1, ["tenant.user": "ada"])], configured) == (.root, "tenant.user"))
  }

  @Test func `a resource that does not speak is nothing to replace`() throws {
    let why = try provenance([
      SpanStub(1, resource: ["enduser.id": "process"]), SpanStub(2, parent: 1, ["langfuse.user.id": "ada"]),
    ])
    #expect(why.endUser?.source == .topmost && why.replaced.isEmpty && why.unused.isEmpty)
  }

  @Test func `why nobody speaks`() throws {
    func reason(_ spans: [SpanStub], fallback: EndUserConfiguration.Fallback = .topmost) throws -> Provenance {
      var configuration = EndUserConfiguration()
      configuration.fallback = fallback
      let why = try provenance(spans, configuration)
      #expect(why.endUser == nil && why.replaced.isEmpty)
      return why
    }
    #expect(try reason([SpanStub(1), SpanStub(2, parent: 1)]).unattributed == .nobodyNamed)
    let left = try reason([SpanStub(2, parent: 1, ["enduser.id": "ada"])], fallback: .none)
    #expect(left.unattributed == .fallbackNone && !left.hasRoot)
    #expect(left.unused.map(\.reason) == [.fallbackNone] && left.unused.map(\.value) == ["ada"])
    let below = try reason([SpanStub(1), SpanStub(2, parent: 1, ["neatlogs.end_user.id": "ada"])])
    #expect(below.unattributed == .belowRoot && below.unused.map(\.reason) == [.belowRoot])
    let operators = try reason([SpanStub(1, ["user.id": "op", "neatlogs.span.kind": "tool"])])
    #expect(operators.unattributed == .onlyOperator && operators.unused.map(\.reason) == [.isOperator])
    let useless = try reason([SpanStub(1, ["enduser.id": "", "user.id": true])])
    #expect(useless.unattributed == .unusableValue && useless.unused.map(\.reason) == [.empty, .wrongType])
  }

  @Test func `records that don't say keys are told apart, and nothing is made up of them`() throws {
    var reader = TraceFactsReader(prices: testPrices, fallback: .topmost)
    let old = span(1) { $0.endUser = Array("ada".utf8) }.record
    let new = try claimedRecords(SpanStub.request([SpanStub(2, parent: 1, ["enduser.id": "mallory"])]))
    let why = (old + new).withUnsafeBytes { reader.explain($0) }
    #expect(!why.isComplete && why.endUserID == "ada" && why.endUser?.key == nil && why.endUser?.accepted == nil)
    #expect(why.replaced.isEmpty)
  }

  /// What `explain` says of each attribute is what an `enduser` processor does to it, whatever the order of requests.
  @Test(arguments: 0..<16 as Range<UInt64>)
  func `what is said to be replaced is what the processor replaces`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<100 {
      var configuration = EndUserConfiguration()
      configuration.fallback = random.once(in: 4) ? .none : .topmost
      let spans = Self.spans(&random)
      let why = try provenance(spans, configuration)
      var shuffled = spans
      // Roots in their order: of several the first speaks, and who came first is not for this test to change.
      if spans.count(where: { $0.parent == 0 }) < 2 { shuffled.shuffle(using: &random) }
      let cut = Int.random(in: 0...shuffled.count, using: &random)
      let requests = [Array(shuffled[..<cut]), Array(shuffled[cut...])].filter { !$0.isEmpty }
      let came = try forwarded(Self.isSettledEarly(requests) ? [spans] : requests, configuration)
      for sent in spans {
        let span = try #require(came.first { $0.id == sent.id })
        let changed = Self.changes(sent, span)
        let told = why.replaced.filter { $0.span == sent.id.byteSwapped }
        #expect(Set(told.map(\.key)) == Set(changed.keys), "\(spans) \(requests.map { $0.map(\.id) }): \(sent.id)")
        for replaced in told { #expect(changed[replaced.key] == .some(replaced.replacement), "\(spans): \(sent.id)") }
      }
    }
  }

  /// An anonymous root settles its trace with what has come; what comes later comes too late to be asked.
  private static func isSettledEarly(_ requests: [[SpanStub]]) -> Bool {
    requests.count > 1 && requests[0].contains { $0.parent == 0 }
  }

  private static func spans(_ random: inout SeededGenerator) -> [SpanStub] {
    let keys = Conventions.keys.map(\.name)
    let values: [StubValue] = ["ada", "ben", "ada", 12, "", .bool(true), "{}"]
    return (1...Int.random(in: 1...5, using: &random)).map { number in
      let isRoot = number == 1 ? random.once(in: 2) : random.once(in: 12)
      var span = SpanStub(
        UInt64(number), parent: isRoot ? 0 : number == 1 ? 99 : UInt64.random(in: 1..<UInt64(number), using: &random))
      span.start = UInt64.random(in: 1_000...1_003, using: &random)
      let used = (0..<Int.random(in: 0...4, using: &random)).map { _ in keys.randomElement(using: &random)! }
      span.attributes = Set(used).sorted().map { StubAttribute($0, values.randomElement(using: &random)!) }
      if isRoot, random.once(in: 4) { span.resource.append(StubAttribute("enduser.id", "resource")) }
      return span
    }
  }

  /// What stands under keys that a span had, where it is something else now.
  private static func changes(_ sent: SpanStub, _ came: DecodedSpan) -> [String: String?] {
    var changes: [String: String?] = [:]
    for attribute in sent.attributes where came[attribute.key] != attribute.value {
      switch came[attribute.key] {
      case .string(let text): changes[attribute.key] = .some(text)
      case .int(let number): changes[attribute.key] = .some(String(number))
      default: changes.updateValue(nil, forKey: attribute.key)
      }
    }
    return changes
  }
}
