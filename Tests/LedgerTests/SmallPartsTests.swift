import Testing
import TestSupport

@testable import Ledger

@Suite struct SequenceRunsTests {
  @Test(arguments: 0..<20)
  func `runs are the set of what was inserted`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var runs = SequenceRuns()
    var set: Set<UInt64> = []
    for _ in 0..<200 {
      let number = UInt64.random(in: 0...120, using: &random)
      runs.insert(number)
      set.insert(number)
    }
    for number in 0...125 as ClosedRange<UInt64> { #expect(runs.contains(number) == set.contains(number)) }
    // As few as possible: between two there is a number that was not inserted.
    for (one, next) in zip(runs.runs, runs.runs.dropFirst()) { #expect(one.upperBound + 1 < next.lowerBound) }
    #expect(runs.runs.reduce(0) { $0 + $1.count } == set.count)
  }

  @Test func `the highest runs are kept`() {
    var runs = SequenceRuns()
    for number in [1, 2, 5, 9] as [UInt64] { runs.insert(number) }
    runs.keepHighest(2)
    #expect(runs.runs == [5...5, 9...9])
  }
}

@Suite struct SHA256Tests {
  // The examples of FIPS 180-4 and one of a million letters.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (String(repeating: "a", count: 1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
  ])
  func `digests are those of the standard`(message: String, digest: String) {
    #expect(LedgerFixture.text(.blob(SHA256.digest(of: Array(message.utf8)))) == digest)
  }
}

@Suite struct HotTracesTests {
  @Test func `what was used lately stays, what was not goes`() {
    var hot = HotTraces(capacity: 20 * 500)
    func state(_ number: UInt64) -> TraceState {
      TraceState(TraceRow(id: Int64(number), trace: TestSpan(trace: number).traceID))
    }
    hot.keep(state(1))
    for number in 2...200 as ClosedRange<UInt64> {
      hot.keep(state(number))
      // Looked at all the time.
      let first = hot.take(TestSpan(trace: 1).traceID)
      #expect(first?.row.id == 1)
      if let first { hot.keep(first) }
    }
    #expect(hot.take(TestSpan(trace: 2).traceID) == nil)
    #expect(hot.take(TestSpan(trace: 200).traceID)?.row.id == 200)
    #expect(hot.take(TestSpan(trace: 200).traceID) == nil)
  }
}
