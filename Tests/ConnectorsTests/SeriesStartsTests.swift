import Testing

@testable import Connectors
@testable import Ledger

@Suite struct SeriesStartsTests {
  private func rollups(_ traces: [String: Int64], since: Int64 = 10) -> UserRollups {
    var rollups = UserRollups(since: since)
    rollups.users = traces.map { UserRollup(id: 1, endUser: $0.key, traces: $0.value) }
    return rollups
  }

  private func starts(_ steps: [Int64?]) -> [Int64] {
    var starts = SeriesStarts(capacity: 10)
    return steps.enumerated().map { number, traces in
      let time = Int64(100 + number)
      starts.follow(rollups(traces.map { ["ada": $0] } ?? [:]), previous: number == 0 ? nil : time - 1)
      return starts.start(of: .user("ada"))
    }
  }

  @Test func `a series that grows or stays begins with the ledger`() {
    #expect(starts([1, 1, 2, 5]) == [10, 10, 10, 10])
  }

  @Test func `a series that has become less begins anew when it was last told, and stays like that`() {
    #expect(starts([5, 4, 4, 6, 3]) == [10, 100, 100, 100, 103])
  }

  @Test func `a series that was gone begins anew`() {
    #expect(starts([5, nil, nil, 7])[3] == 102)
  }

  @Test func `one's becoming less is nobody else's affair`() {
    var starts = SeriesStarts(capacity: 10)
    starts.follow(rollups(["ada": 3, "bob": 3]), previous: nil)
    starts.follow(rollups(["ada": 2, "bob": 3]), previous: 50)
    #expect(starts.start(of: .user("ada")) == 50)
    #expect(starts.start(of: .user("bob")) == 10)
  }

  @Test func `another ledger begins later`() {
    var starts = SeriesStarts(capacity: 10)
    starts.follow(rollups(["ada": 3]), previous: nil)
    starts.follow(rollups(["ada": 3], since: 70), previous: 60)
    #expect(starts.start(of: .user("ada")) == 70)
  }

  @Test func `those that are gone are not remembered without end`() {
    var starts = SeriesStarts(capacity: 10)
    for number in 1...100 { starts.follow(rollups(["user \(number)": 1]), previous: Int64(number)) }
    #expect(starts.count <= 21)
  }
}
