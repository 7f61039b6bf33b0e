import Facts
import JSON
import OTLP
import Testing

@testable import Ledger

/// One trace: by the beginning of its id, and with the spans that were kept whole.
@Suite struct TraceDetailTests {
  /// A span of a trace whose id begins with these digits.
  private func span(_ digits: UInt64, id: UInt64 = 1) -> TestSpan {
    TestSpan(trace: UInt64(bigEndian: digits), id: id, endUser: "ada")
  }

  @Test func `the first digits stand for an id that no other begins like`() throws {
    let fixture = try LedgerFixture()
    let ids: [UInt64] = [0x1234_5678_0000_0000, 0x1234_5679_0000_0000, 0x1234_5000_0000_0000, 0xfff0_0000_0000_0000]
    try fixture.writer().apply([Arrival(ids.map { span($0) })])
    let reader = try LedgerReader(path: fixture.configuration.path)
    let known = Set(try reader.traces(LedgerQuery()).rows.map(\.trace))
    for (text, start) in [
      ("12345678", "12345678"), ("1234500", "12345000"), ("FFF000", "fff00000"), ("fff00000000000", "fff00000"),
    ] {
      let found = try #require(try reader.trace(text)?.trace.trace)
      #expect(found.hasPrefix(start) && known.contains(found), "\(text)")
    }
    for text in ["12345", "fff00", "123456g", "", "1234560", "abcdef"] { #expect(try reader.trace(text) == nil) }
    for text in ["123456", "1234567"] {
      #expect {
        try reader.trace(text)
      } throws: { error in
        guard case LedgerQueryError.invalid(let message) = error else { return false }
        return message.hasPrefix("trace: several ids begin with “\(text)”, as 12345678")
          && message.contains(", 12345679")
      }
    }
  }

  private func detail(
    _ reader: LedgerReader, _ parameters: [(name: String, value: String?)]
  ) throws -> (status: Int, root: JSONValue?) {
    let answer = LedgerAPI(reader).get(.trace("12345678"), parameters)
    return (answer.status, try JSONDocument(answer.json).root)
  }

  @Test func `whole spans come as a request in OTLP over JSON, a page after the other`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.spanBodies = true
    let writer = try fixture.writer()
    // Names, and one that is no message.
    let bodies = (UInt8(1)...5).map { [0x2a, 2, UInt8(ascii: "n"), UInt8(ascii: "0") + $0] } + [[0xff]]
    for (place, body) in bodies.enumerated() {
      try writer.apply([Arrival([span(0x1234_5678_0000_0000, id: UInt64(place) + 1)], body: body)])
    }
    let reader = try LedgerReader(path: fixture.configuration.path)
    let plain = try detail(reader, [])
    #expect(plain.root?["bodies"] == nil && plain.root?["next_cursor"] == nil)

    let whole = try detail(reader, [("bodies", "true")])
    #expect(whole.status == 200)
    let scopes = try #require(whole.root?["bodies"]?["resourceSpans"]?.elements.first { _ in true }?["scopeSpans"])
    let names = scopes.elements.flatMap { $0["spans"]?.elements.compactMap { $0["name"]?.string } ?? [] }
    #expect(names == ["n1", "n2", "n3", "n4", "n5"])
    #expect(whole.root?["next_cursor"]?.kind == .null)

    var query = BodiesQuery()
    query.pageBytes = 5
    var paged: [[UInt8]] = []
    var pages = 0
    repeat {
      let page = try #require(try reader.trace("123456", bodies: query)?.bodies)
      paged += page.rows
      query.cursor = page.nextCursor
      pages += 1
    } while query.cursor != nil
    #expect(paged == bodies)
    #expect(pages == 3)
  }

  @Test func `a trace of which nothing was kept whole says so`() throws {
    let fixture = try LedgerFixture()
    try fixture.writer().apply([Arrival([span(0x1234_5678_0000_0000)], body: [0x2a, 1, 0x61])])
    let reader = try LedgerReader(path: fixture.configuration.path)
    let root = try detail(reader, [("bodies", "true")]).root
    #expect(root?["bodies"]?["resourceSpans"].map { Array($0.elements).isEmpty } == true)
    #expect(try detail(reader, [("bodies", "false")]).root?["bodies"] == nil)
  }

  @Test(
    arguments: [
      [("bodies", "yes")], [("bodies", "")], [("bodies", nil)], [("cursor", "AAAA")],
      [("bodies", "true"), ("cursor", "A")],
      [("bodies", "true"), ("limit", "5")],
    ] as [[(name: String, value: String?)]])
  func `says what is wrong with what is asked of it`(parameters: [(name: String, value: String?)]) throws {
    let fixture = try LedgerFixture()
    try fixture.writer().apply([Arrival([span(0x1234_5678_0000_0000)])])
    let (status, root) = try detail(try LedgerReader(path: fixture.configuration.path), parameters)
    #expect(status == 400)
    #expect(root?["error"]?["message"]?.string?.contains(":") == true)
  }
}
