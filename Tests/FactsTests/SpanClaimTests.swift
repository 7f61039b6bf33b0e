import EndUser
import OTLP
import TestSupport
import Testing

@testable import Facts

/// What a span's record says of the keys that name whose it is.
@Suite struct SpanClaimTests {
  private func claim(
    _ role: Conventions.Role, _ key: String, _ value: String?, isChosen: Bool = false, form: SpanClaim.Form = .text,
    _ fault: SpanClaim.Fault? = nil
  ) -> SpanClaim {
    var claim = SpanClaim(role, key, value)
    claim.isChosen = isChosen
    claim.form = form
    claim.fault = fault
    return claim
  }

  @Test func `a record tells what counts, and why the rest does not`() throws {
    #expect(
      try claims(["user.id": 42, "enduser.id": "ada", "langfuse.user.id": "", "session.id": "s-1"]) == [
        claim(.endUserID, "user.id", "42", form: .int), claim(.endUserID, "enduser.id", "ada", isChosen: true),
        claim(.endUserID, "langfuse.user.id", "", .empty), claim(.session, "session.id", "s-1", isChosen: true),
      ])
    #expect(
      try claims(["neatlogs.end_user.id": "ada", "gen_ai.user": true, "user.id": "op"], parent: 3) == [
        claim(.endUserID, "neatlogs.end_user.id", "ada", .bindsToRoots),
        claim(.endUserID, "gen_ai.user", nil, form: .other, .wrongType),
        claim(.endUserID, "user.id", "op", .meansOperator),
      ])
    #expect(
      try claims(["neatlogs.end_user.metadata": "{\"plan\":\"pro\"}", "neatlogs.end_user.id": "ada"]) == [
        claim(.endUserMetadata, "neatlogs.end_user.metadata", "{\"plan\":\"pro\"}", isChosen: true),
        claim(.endUserID, "neatlogs.end_user.id", "ada", isChosen: true),
      ])
    #expect(
      try claims(["neatlogs.end_user.metadata": "no object"]) == [
        claim(.endUserMetadata, "neatlogs.end_user.metadata", "no object", .wrongType)
      ])
    #expect(try claims(["service": "shop", "input": "user.id"]).isEmpty)
  }

  @Test func `configured keys stand by their text, and long values are cut`() throws {
    var configuration = EndUserConfiguration()
    configuration.idKeys = ["tenant.user", "enduser.id"]
    configuration.maxIdentityBytes = 2_000
    let long = String(repeating: "é", count: 700)
    var cut = claim(.endUserID, "enduser.id", String(repeating: "é", count: 500))
    cut.isCut = true
    let tooLong = String(repeating: "x", count: 3_000)
    var refused = claim(.endUserID, "enduser.id", String(repeating: "x", count: 1_000), .tooLong)
    refused.isCut = true
    #expect(
      try claims(
        ["tenant.user": "ada", "enduser.id": .string(long), "user.id": "x"], configuration) == [
          claim(.endUserID, "tenant.user", "ada", isChosen: true), cut,
        ])
    #expect(
      try claims(["enduser.id": .string(tooLong), "tenant.user": "ada"], configuration) == [
        refused, claim(.endUserID, "tenant.user", "ada", isChosen: true),
      ])
  }

  @Test func `a span that names nobody has the record that it had`() throws {
    let request = SpanStub.request([SpanStub(7, ["model": "gpt", "gen_ai.request.model": "gpt"])])
    let record = try claimedRecords(request)
    #expect(record == (try extracted(request)).flatMap(\.record))
    #expect(record[1] == 1)
    let naming = SpanStub.request([SpanStub(7, ["enduser.id": "ada", "session.id": "s"])])
    let plain = try extracted(naming).flatMap(\.record)
    let told = try claimedRecords(naming)
    #expect(told[1] == 2)
    // Their length, when the request was accepted, and two claims.
    #expect(told.count == plain.count + 1 + 2 + 2 * 2)
  }

  @Test func `a span says when it was accepted, before its start too`() throws {
    for start in [1_000, sampleAcceptance + 7_000_000_000, 0] {
      let request = SpanStub.request([SpanStub(7, start: start, ["enduser.id": "ada"])])
      var accepted: Int64 = 0
      try claimedRecords(request).withUnsafeBytes {
        _ = SpanRecord.forEach(in: $0) { facts, _ in accepted = SpanClaims(facts).accepted }
      }
      #expect(accepted == Int64(sampleAcceptance) / 1_000_000 * 1_000_000)
    }
  }

  @Test func `a span with very many claims keeps the first`() throws {
    var span = SpanStub(7)
    span.attributes = (0..<100).map { StubAttribute("user.id", .string("u-\($0)")) }
    var kept: [SpanClaim] = []
    try claimedRecords(SpanStub.request([span])).withUnsafeBytes {
      _ = SpanRecord.forEach(in: $0) { facts, _ in kept = SpanClaims(facts).claims }
    }
    #expect(kept.map(\.value) == (0..<32).map { "u-\($0)" })
  }

  /// Numbers are in people's files.
  @Test func `every built-in key has a number that stays`() {
    let keys = Set(Conventions.keys.map(\.name) + Conventions.resourceKeys)
    #expect(keys.isSubset(of: ClaimKeys.names))
    #expect(Set(ClaimKeys.names).count == ClaimKeys.names.count)
    let pinned = [
      0: "neatlogs.end_user.id", 1: "langfuse.user.id", 3: "enduser.id", 5: "user.id", 9: "enduser.pseudo.id",
      10: "neatlogs.end_user.metadata", 13: "session.id", 17: "ai.telemetry.metadata.sessionId",
      18: "posthog.distinct_id",
    ]
    for (number, name) in pinned { #expect(ClaimKeys.names[number] == name) }
    #expect(keys.allSatisfy { Conventions.vendor(of: $0) != nil })
    for key in ["tenant.user", "user.identity"] { #expect(Conventions.vendor(of: key) == nil) }
  }

  @Test func `arbitrary bytes are claims or none`() {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<2_000 {
      let bytes = random.bytes(Int.random(in: 1..<40, using: &random))
      bytes.withUnsafeBytes { bytes in
        var facts = SpanFacts()
        facts.start = random.next()
        facts.claims = bytes
        let claims = SpanClaims(facts)
        #expect(claims.accepted >= 0 && claims.claims.count <= 32)
      }
    }
  }
}
