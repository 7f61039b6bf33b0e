import OTLP
import TestSupport
import Testing

/// What the rules make an index look for.
struct SpanRulesTests {
  private static func span(_ keys: String...) -> [UInt8] {
    HandWire.request(keys.flatMap { HandWire.attribute(9, $0, HandWire.text(1, "v")) })
  }

  private static func patterns(_ request: [UInt8], _ rules: SpanRules) throws -> [String] {
    try IndexedRequest(request, rules: rules).onlySpan().attributes.map(\.pattern)
  }

  @Test func `nothing is recorded that nobody asked for`() throws {
    #expect(try Self.patterns(Self.span("a", "", "b.c"), SpanRules()) == [])
  }

  @Test func `a key is recorded only where all of it is the same`() throws {
    let rules = SpanRules()
    _ = rules.number(forKey: "user.id")
    #expect(
      try Self.patterns(Self.span("user.i", "user.id", "user.id2", "xuser.id", "User.id", "user.id\0"), rules)
        == ["user.id"])
  }

  @Test func `an exact key goes before a prefix, and the earlier of two prefixes first`() throws {
    let rules = SpanRules()
    _ = rules.number(forPrefix: "tag.")
    _ = rules.number(forPrefix: "tag.color.")
    _ = rules.number(forKey: "tag.color")
    _ = rules.number(forPrefix: "ta")
    #expect(
      try Self.patterns(Self.span("tag.color", "tag.color.red", "tag", "tag.", "tab", "t", "atag."), rules)
        == ["tag.color", "tag.*", "ta*", "tag.*", "ta*"])
  }

  @Test func `an empty key and an empty prefix are rules like others`() throws {
    let exact = SpanRules()
    _ = exact.number(forKey: "")
    #expect(try Self.patterns(Self.span("a", ""), exact) == [""])
    // A KeyValue without a key has the empty one.
    #expect(try Self.patterns(HandWire.request(HandWire.message(9)), exact) == [""])

    let prefix = SpanRules()
    _ = prefix.number(forPrefix: "")
    #expect(try Self.patterns(Self.span("a", "", "ü"), prefix) == ["*", "*", "*"])
    #expect(try Self.patterns(HandWire.request(HandWire.message(9)), prefix) == ["*"])
  }

  @Test func `the same key has the same number, whoever asks`() {
    let rules = SpanRules()
    #expect(rules.number(forKey: "a") == 0)
    #expect(rules.number(forPrefix: "a") == 1)
    #expect(rules.number(forKey: "b") == 2)
    #expect(rules.number(forKey: "a") == 0)
    #expect(rules.number(forPrefix: "a") == 1)
    #expect(rules.patterns == ["a", "a*", "b"])
  }

  @Test func `keys of the same length and end are told apart`() throws {
    let rules = SpanRules()
    let keys = (0..<500).map { "\(1000 + $0).same.end" }
    for key in keys.prefix(400) { _ = rules.number(forKey: key) }
    let request = HandWire.request(keys.flatMap { HandWire.attribute(9, $0, HandWire.number(3, 1)) })
    #expect(try Self.patterns(request, rules) == Array(keys.prefix(400)))
  }

  @Test func `thousands of keys are all found`() throws {
    let rules = SpanRules()
    let keys = (0..<3000).map { String($0 &* 2_654_435_761, radix: 36) }
    for (position, key) in keys.enumerated() { #expect(rules.number(forKey: key) == UInt16(position)) }
    let request = HandWire.request(keys.flatMap { HandWire.attribute(9, $0 + "x") + HandWire.attribute(9, $0) })
    #expect(try Self.patterns(request, rules) == keys)
  }

  @Test func `keys may hold any character, NUL as well`() throws {
    let rules = SpanRules()
    _ = rules.number(forKey: "a\0b")
    _ = rules.number(forPrefix: "ü\0")
    #expect(try Self.patterns(Self.span("a", "a\0b", "a\0c", "ü", "ü\0x"), rules) == ["a\0b", "ü\0*"])
  }

  // MARK: Marks

  private static func marks(_ request: [UInt8], _ set: (SpanRules) -> Void) throws -> [SpanMarks] {
    let rules = SpanRules()
    set(rules)
    return try IndexedRequest(request, rules: rules).spans.map(\.marks)
  }

  @Test(arguments: [
    (UInt32(0), false), (0x100, false), (0x200, false), (0x300, true), (0x3ff, true), (0x1ff, false),
    (0xffff_fcff, false),
    (0xffff_ffff, true),
  ])
  func `flags mark a remote parent only where both of their bits say so`(flags: UInt32, isRemote: Bool) throws {
    let request = HandWire.request(HandWire.fixed32(16, flags))
    #expect(try Self.marks(request) { _ in } == [isRemote ? .remoteParent : []])
  }

  @Test func `a mark for a true attribute wants a bool that is true`() throws {
    func marks(_ value: [UInt8]...) throws -> [SpanMarks] {
      try Self.marks(HandWire.request(HandWire.attribute(9, "k", value.flatMap { $0 }))) {
        $0.mark(.applicationRoot, whereTrue: "k")
      }
    }
    #expect(try marks(HandWire.number(2, 1)) == [.applicationRoot])
    #expect(try marks(HandWire.number(2, 1 << 40)) == [.applicationRoot])
    #expect(try marks(HandWire.number(2, 0)) == [[]])
    #expect(try marks(HandWire.number(3, 1)) == [[]])
    #expect(try marks(HandWire.text(1, "true")) == [[]])
    #expect(try marks() == [[]])
    #expect(try marks(HandWire.number(2, 1), HandWire.number(2, 0)) == [[]])
    #expect(try marks(HandWire.number(2, 1), HandWire.number(3, 1)) == [[]])
  }

  @Test func `a key can be recorded and mark, in either order of asking`() throws {
    let request = HandWire.request(HandWire.attribute(9, "k", HandWire.number(2, 1)))
    for recordsFirst in [true, false] {
      let rules = SpanRules()
      if recordsFirst { _ = rules.number(forKey: "k") }
      rules.mark(.applicationRoot, whereTrue: "k")
      if !recordsFirst { _ = rules.number(forKey: "k") }
      let span = try IndexedRequest(request, rules: rules).onlySpan()
      #expect(span.attributes.map(\.pattern) == ["k"])
      #expect(span.marks == .applicationRoot)
    }
  }

  @Test func `a key that only marks still falls to a prefix that records`() throws {
    let rules = SpanRules()
    rules.mark(.applicationRoot, whereTrue: "neatlogs.root")
    rules.mark(.neatlogs, whereKeyHasPrefix: "neatlogs.")
    _ = rules.number(forPrefix: "neat")
    let request = HandWire.request(HandWire.attribute(9, "neatlogs.root", HandWire.number(2, 1)))
    let span = try IndexedRequest(request, rules: rules).onlySpan()
    #expect(span.marks == [.applicationRoot, .neatlogs])
    #expect(span.attributes.map(\.pattern) == ["neat*"])
  }

  @Test func `a prefix marks a span by any of its attributes, recorded or not`() throws {
    let request = HandWire.message(
      1,
      HandWire.message(
        2, HandWire.span(HandWire.attribute(9, "a"), HandWire.attribute(9, "neatlogs.kind")),
        HandWire.span(HandWire.attribute(9, "neatlogs")), HandWire.span(),
        HandWire.span(HandWire.attribute(9, "neatlogs."))))
    #expect(
      try Self.marks(request) { $0.mark(.neatlogs, whereKeyHasPrefix: "neatlogs.") }
        == [.neatlogs, [], [], .neatlogs])
  }

  @Test func `a name marks a span that bears exactly it`() throws {
    func marks(_ names: String...) throws -> [SpanMarks] {
      try Self.marks(HandWire.request(names.flatMap { HandWire.text(5, $0) })) {
        $0.mark(.completionMarker, whereNameIs: "done")
      }
    }
    #expect(try marks("done") == [.completionMarker])
    #expect(try marks("don") == [[]])
    #expect(try marks("done!") == [[]])
    #expect(try marks() == [[]])
    #expect(try marks("done", "other") == [[]])
    #expect(try marks("other", "done") == [.completionMarker])
  }

  @Test func `a later name or scope takes the place of the earlier`() throws {
    let request = HandWire.message(
      1, HandWire.message(2, HandWire.message(1, HandWire.text(1, "new.scope")), HandWire.span(HandWire.text(5, "new")))
    )
    for (name, scope, expected) in [("new", "new", [SpanMarks.completionMarker, .neatlogs]), ("old", "old", [])] {
      let found = try Self.marks(request) {
        $0.mark(.completionMarker, whereNameIs: "first")
        $0.mark(.neatlogs, whereScopeHasPrefix: "first")
        $0.mark(.completionMarker, whereNameIs: name)
        $0.mark(.neatlogs, whereScopeHasPrefix: scope)
      }
      #expect(found == [SpanMarks(expected)])
    }
  }

  @Test func `a scope marks all of its spans, and only its own, wherever its name stands`() throws {
    let name = HandWire.message(1, HandWire.text(1, "neatlogs.sdk"))
    let span = HandWire.span()
    let unusable = HandWire.bytes(2, [])
    let other = HandWire.message(2, HandWire.message(1, HandWire.text(1, "neatlog")), span)
    for scope in [name + span + span, span + name + unusable + span, span + span + name] {
      let request = HandWire.message(1, other, HandWire.bytes(2, scope), other)
      #expect(
        try Self.marks(request) { $0.mark(.neatlogs, whereScopeHasPrefix: "neatlogs") } == [
          [], .neatlogs, .neatlogs, [],
        ])
    }
  }

  @Test func `the last name of a scope in pieces counts`() throws {
    func marks(_ scope: [UInt8]...) throws -> [SpanMarks] {
      try Self.marks(HandWire.message(1, HandWire.bytes(2, scope.flatMap { $0 } + HandWire.span()))) {
        $0.mark(.neatlogs, whereScopeHasPrefix: "neatlogs")
      }
    }
    let neatlogs = HandWire.text(1, "neatlogs")
    let other = HandWire.text(1, "other")
    #expect(try marks(HandWire.bytes(1, neatlogs), HandWire.bytes(1, other)) == [[]])
    #expect(try marks(HandWire.bytes(1, other), HandWire.bytes(1, neatlogs)) == [.neatlogs])
    #expect(try marks(HandWire.bytes(1, other + neatlogs)) == [.neatlogs])
    #expect(try marks(HandWire.bytes(1, neatlogs), HandWire.message(1, HandWire.text(2, "version"))) == [.neatlogs])
  }
}
