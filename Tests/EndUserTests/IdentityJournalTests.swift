@testable import EndUser
import OTLP
import TestSupport
import Testing

/// The entries of the journal: what is written is read, and anything else is no trouble.
struct IdentityJournalTests {
  private static func entry(_ bytes: [UInt8]) -> IdentityEntry? { bytes.withUnsafeBytes { IdentityEntry($0) } }

  /// Entries as a run writes them, of all kinds.
  private static func written() -> [[UInt8]] {
    let harness = DurableHarness { $0.inherit = ["tier", "tags", "nothing"] }
    var root = SpanStub(
      trace: 1, 1, ["enduser.id": "ada", "session.id": "s", "neatlogs.end_user.metadata": "{}", "nothing": .empty])
    root.attributes.append(StubAttribute("tags", .array(["a", 1, true])))
    harness.send(
      root, SpanStub(trace: 2, 1, ["user.id": 4711, "tier": 2]), SpanStub(trace: 3, 1, resource: ["enduser.id": "p"]),
      SpanStub(trace: 4, 2, parent: 1, ["user.id": "topmost"]),
      SpanStub(trace: 5, 2, parent: 1, flags: 0x300, ["neatlogs.end_user.id": "local"]),
      SpanStub(trace: 6, 2, parent: 1))
    harness.pass(.seconds(300))
    harness.send(SpanStub(trace: 6, 1, ["session.id": "late"]))
    harness.disk.record()
    return harness.disk.journal
  }

  @Test func `each kind of identity is read as it was written`() throws {
    let entries = try Self.written().map { try #require(Self.entry($0)) }
    #expect(entries.count == 7)
    func one(_ trace: UInt64) throws -> IdentityEntry {
      try #require(entries.last { $0.trace.hexadecimal.hasSuffix(String(trace)) })
    }
    let first = try #require(one(1).identity)
    #expect(first.source == .root)
    #expect(first.fieldCount == 5)
    #expect(first.text(of: .endUserID) == "ada")
    #expect(first.text(of: .session) == "s")
    #expect(first.text(of: .metadata) == "{}")
    #expect(first.fields.map { String(decoding: first.key(of: $0), as: UTF8.self) }.suffix(2) == ["nothing", "tags"])
    #expect(try one(2).identity?.text(of: .endUserID) == "4711")
    #expect(try one(3).identity?.source == .resource)
    #expect(try one(4).identity?.source == .topmost)
    #expect(try one(5).identity?.source == .localRoot)
    #expect(try one(5).rootSeen == false)
    #expect(try one(6).rootSeen)
    #expect(try one(6).identity?.text(of: .session) == "late")
    #expect(entries.contains { $0.identity == nil })
  }

  @Test func `an identity that was read is written again as the same bytes`() throws {
    for bytes in Self.written() {
      let entry = try #require(Self.entry(bytes))
      var again: [UInt8] = []
      IdentityEntry.encode(
        entry.trace, of: entry.tenant, age: entry.age, rootSeen: entry.rootSeen, identity: entry.identity, into: &again)
      #expect(again == bytes)
    }
  }

  @Test func `an entry that is cut off is none`() {
    for bytes in Self.written() {
      for count in 0..<bytes.count { #expect(Self.entry(Array(bytes.prefix(count))) == nil) }
      #expect(Self.entry(bytes + [0]) == nil)
    }
  }

  @Test(arguments: 0..<8 as Range<UInt64>)
  func `whatever the bytes are, nothing worse happens than that they are no entry`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let written = Self.written()
    var read = 0
    for _ in 0..<4000 {
      let bytes =
        random.once(in: 5)
        ? random.bytes(.random(in: 0...120, using: &random))
        : written.randomElement(using: &random)!.mutated(using: &random)
      guard let entry = Self.entry(bytes) else { continue }
      read += 1
      // What was read can be used.
      guard let identity = entry.identity else { continue }
      for role in [Identity.Role.endUserID, .session, .metadata] { _ = identity.text(of: role) }
      for field in identity.fields { #expect(identity.key(of: field).count <= Int(field.fieldLength)) }
    }
    #expect(read > 0)
  }

  @Test func `entries that are none are counted and the others read`() {
    let first = DurableHarness()
    first.send(SpanStub(trace: 1, 1, ["enduser.id": "ada"]))
    [UInt8]("nonsense".utf8).withUnsafeBytes { first.disk.append($0) }
    first.send(SpanStub(trace: 2, 1, ["enduser.id": "bob"]))
    first.disk.record()
    let second = DurableHarness(clock: first.clock, disk: first.disk.reopened())
    #expect(second.processor.restore() == 2)
    #expect(second.metric("heirloom_enduser_unreadable_identities") == 1)
  }
}
