import Foundation
import Locks
import TestSupport
import Testing

@testable import Ledger

@Suite struct RetentionTests {
  private static let hour: Int64 = 3_600_000_000_000

  private static func spans(_ numbers: ClosedRange<UInt64>, from start: UInt64) -> [Arrival] {
    [Arrival(numbers.map { TestSpan(trace: $0, start: start + $0, endUser: "ada") })]
  }

  /// So many that they are looked at in several transactions.
  @Test(arguments: [20, 2500] as [UInt64])
  func `old traces that come late do not push out newer ones while they have to stay`(count: UInt64) throws {
    let fixture = try LedgerFixture()
    fixture.configuration.maxTraces = Int(count)
    let writer = try fixture.writer()
    try writer.apply(Self.spans(1...count, from: 1_700_000_000_000_000_000))
    fixture.clock.withLock { $0 += 2 * Self.hour }
    let late = Self.spans(count + 1...2 * count, from: 1_600_000_000_000_000_000)
    try writer.apply(late)
    while try writer.retain().isUnfinished {}
    #expect(try fixture.rows("SELECT count(*) FROM traces") == [String(2 * count)])
    // More of them come during a search.
    let more = Self.spans(2 * count + 1...2 * count + 10, from: 1_500_000_000_000_000_000)
    _ = try writer.retain()
    try writer.apply(more)
    while try writer.retain().isUnfinished {}
    #expect(try fixture.rows("SELECT count(*) FROM traces") == [String(2 * count + 10)])

    fixture.clock.withLock { $0 += 2 * Self.hour }
    while try writer.retain().isUnfinished {}
    #expect(try fixture.rows("SELECT count(*), min(start) FROM traces") == ["\(count)|1700000000000000001"])
  }

  @Test func `a limit in time does not wait for those that have to stay`() throws {
    let fixture = try LedgerFixture()
    fixture.configuration.maxTraces = 5
    fixture.configuration.maxAge = .nanoseconds(1_800_000_000_000_000_000 - 1_700_000_000_000_000_000)
    let writer = try fixture.writer()
    try writer.apply(Self.spans(1...5, from: 1_600_000_000_000_000_000))
    fixture.clock.withLock { $0 += 2 * Self.hour }
    try writer.apply(Self.spans(6...8, from: 1_500_000_000_000_000_000))
    try writer.apply(Self.spans(9...10, from: 1_790_000_000_000_000_000))
    while try writer.retain().isUnfinished {}
    #expect(try fixture.rows("SELECT count(*) FROM traces") == ["5"])
  }

  @Test func `a session's traces are given to its user while nothing comes`() throws {
    let fixture = try LedgerFixture()
    let writer = try fixture.writer()
    writer.mostMoved = 1
    try writer.apply([Arrival((1...100).map { TestSpan(trace: $0, session: "s") })])
    try writer.apply([Arrival([TestSpan(trace: 200, endUser: "ada", session: "s")])])
    #expect(writer.isMoving)
    let metrics = LedgerMetrics(fixture.registry, path: fixture.configuration.path)
    let queue = LedgerQueue(capacity: 1 << 20, metrics: metrics)
    var loop = LedgerLoop(
      fixture.configuration, queue: queue, requests: AppliedRequests(), log: fixture.log, metrics: metrics
    ) { .max }
    loop.writer = writer
    let path = fixture.configuration.path
    let isMoved: @Sendable () throws -> Bool = {
      try LedgerFixture.rows("SELECT traces FROM users WHERE name = 'ada'", in: path) == ["101"]
    }
    let onlooker = BackgroundThread(name: "onlooker") {
      _ = try? eventually(isMoved)
      queue.stop()
    }
    loop.run()
    onlooker.join()
    #expect(try isMoved())
  }
}
