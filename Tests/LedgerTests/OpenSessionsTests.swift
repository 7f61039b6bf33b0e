import Locks
import Testing

@testable import Ledger

/// Which sessions others are to be told of.
@Suite struct OpenSessionsTests {
  private let fixture: LedgerFixture

  init() throws {
    fixture = try LedgerFixture()
    fixture.configuration.remembersChanges = true
  }

  private var time: Int64 { fixture.clock.withLock { $0 } }

  private func pass(_ amount: Int64 = 10) { fixture.clock.withLock { $0 += amount } }

  private func reader() throws -> LedgerReader { try LedgerReader(path: fixture.configuration.path) }

  /// The names of what is to be told, those at their end with a point behind.
  private func told(idleSince: Int64 = 0, limit: Int = 100) throws -> [String] {
    var place = LedgerReader.ChangePlace()
    return try reader().sessionChanges(&place, idleSince: idleSince, limit: limit).map {
      ($0.session?.session ?? "?") + ($0.mark.isEnd ? "." : "")
    }
  }

  private func changes(idleSince: Int64 = 0) throws -> [SessionChange.Mark] {
    var place = LedgerReader.ChangePlace()
    return try reader().sessionChanges(&place, idleSince: idleSince, limit: 100).map(\.mark)
  }

  @Test func `a session is to be told when it got a span, and not when that was told`() throws {
    let writer = try fixture.writer()
    try writer.apply([Arrival([TestSpan(trace: 1, session: "a"), TestSpan(trace: 2, session: "b")])])
    #expect(try told() == ["a", "b"])
    try writer.settle(try changes())
    #expect(try told() == [])
    pass()
    try writer.apply([Arrival([TestSpan(trace: 3, session: "b")])])
    #expect(try told() == ["b"])
    // A span that the ledger has already is nothing new, whatever else comes, and to whichever writer.
    try writer.settle(try changes())
    for writer in [writer, try fixture.writer()] {
      pass()
      try writer.apply([Arrival([TestSpan(trace: 3, session: "b"), TestSpan(trace: UInt64(time), session: "a")])])
      #expect(try told() == ["a"])
      try writer.settle(try changes())
    }
  }

  @Test func `what changed while others were told is told again`() throws {
    let writer = try fixture.writer()
    try writer.apply([Arrival([TestSpan(trace: 1, session: "a")])])
    let before = try changes()
    pass()
    try writer.apply([Arrival([TestSpan(trace: 2, session: "a")])])
    try writer.settle(before)
    #expect(try told() == ["a"])
  }

  @Test func `a session is at its end once, and again when it went on`() throws {
    let writer = try fixture.writer()
    try writer.apply([Arrival([TestSpan(trace: 1, session: "a")])])
    try writer.settle(try changes())
    pass()
    #expect(try told(idleSince: time - 11) == [])
    #expect(try told(idleSince: time - 10) == ["a."])
    try writer.settle(try changes(idleSince: time))
    pass()
    #expect(try told(idleSince: time) == [])
    #expect(try fixture.rows("SELECT count(*) FROM open_sessions") == ["0"])
    try writer.apply([Arrival([TestSpan(trace: 2, session: "a")])])
    #expect(try told(idleSince: time - 1) == ["a"])
    pass()
    #expect(try told(idleSince: time - 1) == ["a."])
  }

  @Test func `an end that was told while the session went on does not end it`() throws {
    let writer = try fixture.writer()
    try writer.apply([Arrival([TestSpan(trace: 1, session: "a")])])
    let end = try changes(idleSince: time)
    pass()
    try writer.apply([Arrival([TestSpan(trace: 2, session: "a")])])
    try writer.settle(end)
    #expect(try told(idleSince: time - 1) == ["a"])
  }

  @Test func `the next run knows what was told`() throws {
    let first = try fixture.writer()
    try first.apply([Arrival([TestSpan(trace: 1, session: "a"), TestSpan(trace: 2, session: "b")])])
    try first.settle(Array(try changes().prefix(1)))
    first.close()
    _ = try fixture.writer()
    #expect(try told() == ["b"])
    #expect(try told(idleSince: time) == ["a.", "b."])
  }

  @Test func `the pages of one look have each session once, however often it changes meanwhile`() throws {
    let writer = try fixture.writer()
    let spans = (1...25).map { TestSpan(trace: $0, session: "s\($0)") }
    try writer.apply([Arrival(spans)])
    var place = LedgerReader.ChangePlace()
    var seen: [String] = []
    while true {
      let page = try reader().sessionChanges(&place, idleSince: 0, limit: 10)
      if page.isEmpty { break }
      seen += page.compactMap(\.session?.session)
      try writer.settle(page.map(\.mark))
      pass()
      try writer.apply([
        Arrival(spans.map { TestSpan(trace: $0.trace + UInt64(seen.count) << 32, session: $0.session) })
      ])
    }
    #expect(seen.count == 25)
    #expect(Set(seen).count == 25)
  }

  @Test func `age and erasure tell nothing, and leave what is gone to be settled`() throws {
    fixture.configuration.maxAge = .seconds(1)
    fixture.configuration.dedupWindow = .zero
    let writer = try fixture.writer()
    try writer.apply([
      Arrival([
        TestSpan(trace: 1, session: "old"), TestSpan(trace: 2, endUser: "eve", session: "eve's"),
        TestSpan(trace: 3, start: UInt64(time), session: "new"),
      ])
    ])
    try writer.settle(try changes())
    pass()
    _ = try writer.forget(endUser: "eve")
    _ = try writer.retain()
    #expect(try fixture.rows("SELECT name FROM sessions") == ["new"])
    #expect(try told() == [])
    #expect(try told(idleSince: time) == ["?.", "?.", "new."])
    try writer.settle(try changes(idleSince: time))
    #expect(try told(idleSince: time) == [])
  }

  @Test func `where nobody is to be told nothing is written for it`() throws {
    fixture.configuration.remembersChanges = false
    let writer = try fixture.writer()
    try writer.apply([Arrival([TestSpan(trace: 1, session: "a")])])
    #expect(try fixture.rows("SELECT count(*) FROM open_sessions") == ["0"])
  }
}
