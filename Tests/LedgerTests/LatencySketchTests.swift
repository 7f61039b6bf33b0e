import Testing
import TestSupport

@testable import Ledger

@Suite struct LatencySketchTests {
  private static func percentile(_ sorted: [Int64], _ share: Double) -> Int64 {
    sorted[max(Int((share * Double(sorted.count)).rounded(.up)), 1) - 1]
  }

  @Test(arguments: 0..<20)
  func `a percentile is right within one per cent`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let highest = Int64.random(in: 1...(1 << Int64.random(in: 1...62, using: &random)), using: &random)
    let latencies = (0..<Int.random(in: 1...2000, using: &random)).map { _ in
      random.once(in: 20) ? 0 : Int64.random(in: 0...highest, using: &random)
    }
    var sketch = LatencySketch()
    for latency in latencies { sketch.add(latency) }
    let sorted = latencies.sorted()
    for share in [0.0, 0.01, 0.5, 0.95, 0.99, 1] {
      let (found, right) = (sketch.percentile(share)!, Self.percentile(sorted, share))
      // Half a nanosecond is lost by rounding.
      #expect(abs(Double(found) - Double(right)) <= Double(right) * 0.010_001 + 0.5, "\(share): \(found) for \(right)")
    }
  }

  @Test func `what was added can be taken out again, in any order`() {
    var random = SeededGenerator(seed: 1)
    let kept = (0..<300).map { _ in Int64.random(in: 0...5_000_000_000, using: &random) }
    let gone = (0..<300).map { _ in Int64.random(in: 0...5_000_000_000, using: &random) }
    var sketch = LatencySketch()
    for latency in (kept + gone).shuffled(using: &random) { sketch.add(latency) }
    for latency in gone.shuffled(using: &random) { sketch.add(latency, -1) }
    var other = LatencySketch()
    for latency in kept { other.add(latency) }
    #expect(sketch == other)
  }

  @Test func `sketches add up`() {
    var random = SeededGenerator(seed: 2)
    let latencies = (0..<500).map { _ in Int64.random(in: 0...5_000_000_000, using: &random) }
    var all = LatencySketch()
    var halves = [LatencySketch(), LatencySketch()]
    for (place, latency) in latencies.enumerated() {
      all.add(latency)
      halves[place % 2].add(latency)
    }
    halves[0].add(halves[1])
    #expect(halves[0] == all)
  }

  @Test(arguments: 0..<5)
  func `bytes are read as they were written, with zeros behind them or without`(zeros: Int) throws {
    var random = SeededGenerator(seed: 3)
    for count in [0, 1, 2, 700] {
      var sketch = LatencySketch()
      for _ in 0..<count { sketch.add(random.once(in: 9) ? 0 : .random(in: 0...Int64.max, using: &random)) }
      let bytes = sketch.bytes + [UInt8](repeating: 0, count: zeros)
      #expect(try #require(bytes.withUnsafeBytes { LatencySketch($0) }) == sketch)
    }
  }

  @Test func `nothing has no percentile`() {
    #expect(LatencySketch().percentile(0.5) == nil)
    #expect([UInt8](repeating: 7, count: 3).withUnsafeBytes { LatencySketch($0) } == nil)
  }
}
