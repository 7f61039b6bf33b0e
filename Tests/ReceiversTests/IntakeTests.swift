import Locks
import OTLP
import Pipeline
@testable import Receivers
import TestSupport
import Testing

/// What happens to requests while the pipelines behind a receiver are exchanged.
struct IntakeTests {
  private let refusal = Refusal(message: "the collector is changing its configuration; try again later", retryAfter: 1)

  /// Which target a passage was given, or that it was refused.
  private enum Outcome: Equatable {
    case target(Int)
    case refused(Refusal)
  }

  /// An intake, targets by number, and what became of requests by theirs.
  private struct Bench {
    let intake: Intake
    let targets = (0..<2).map { _ in Intake.Target(rules: SpanRules(), consumers: [.traces: StubConsumer()]) }
    let outcomes = Collected<(request: Int, outcome: Outcome)>()

    init(maxHeldCount: Int = 100) { intake = Intake(maxHeldCount: maxHeldCount) }

    func pass(_ request: Int) {
      intake.pass { [outcomes, rules = targets.map(\.rules)] passage in
        switch passage {
        case .success(let target):
          outcomes.append((request, .target(rules.firstIndex { $0 === target.rules } ?? -1)))
        case .failure(let refusal): outcomes.append((request, .refused(refusal)))
        }
      }
    }

    var requests: [Int] { outcomes.all.map(\.request) }
    var results: [Outcome] { outcomes.all.map(\.outcome) }
  }

  @Test func `an intake without a target refuses`() {
    let bench = Bench()
    #expect(bench.intake.objection(to: .traces) == .refused(refusal))
    bench.pass(1)
    #expect(bench.results == [.refused(refusal)])
  }

  @Test func `an open intake lets requests pass at once, and refuses what its target refuses`() {
    let intake = Intake()
    let full = Refusal(message: "full", retryAfter: 3)
    intake.open(Intake.Target(rules: SpanRules(), consumers: [.traces: StubConsumer()]))
    #expect(intake.objection(to: .traces) == nil)
    intake.open(Intake.Target(rules: SpanRules(), consumers: [.traces: StubConsumer(refusal: full)]))
    #expect(intake.objection(to: .traces) == .refused(full))

    let bench = Bench()
    bench.intake.open(bench.targets[0])
    bench.pass(1)
    #expect(bench.results == [.target(0)])
  }

  @Test func `what comes during an exchange goes to the new target, in the order it came`() {
    let bench = Bench()
    bench.intake.open(bench.targets[0])
    bench.intake.hold(until: .max)
    for request in 1...20 { bench.pass(request) }
    #expect(bench.outcomes.all.isEmpty)
    #expect(bench.intake.objection(to: .traces) == nil)
    bench.intake.open(bench.targets[1])
    bench.pass(21)
    #expect(bench.requests == Array(1...21))
    #expect(bench.results.allSatisfy { $0 == .target(1) })
  }

  @Test func `more than can be held are refused, the others are not`() {
    let bench = Bench(maxHeldCount: 3)
    bench.intake.open(bench.targets[0])
    bench.intake.hold(until: .max)
    for request in 1...3 { bench.pass(request) }
    #expect(bench.intake.objection(to: .traces) == .refused(refusal))
    bench.pass(4)
    #expect(bench.results == [.refused(refusal)])
    bench.intake.open(bench.targets[1])
    #expect(bench.requests == [4, 1, 2, 3])
    #expect(bench.results.dropFirst().allSatisfy { $0 == .target(1) })
  }

  @Test func `what was held too long is refused, and so is what comes later, until there is a target`() {
    let bench = Bench()
    bench.intake.open(bench.targets[0])
    bench.intake.hold(until: MonotonicClock.now() + 300_000_000)
    bench.pass(1)
    #expect(eventually { !bench.outcomes.all.isEmpty })
    #expect(bench.results == [.refused(refusal)])
    bench.pass(2)
    #expect(bench.results == [.refused(refusal), .refused(refusal)])
    #expect(bench.intake.objection(to: .traces) == .refused(refusal))
    bench.intake.open(bench.targets[1])
    bench.pass(3)
    #expect(bench.results.last == .target(1))
  }

  @Test func `a second exchange during the first does not prolong the wait`() {
    let bench = Bench()
    bench.intake.open(bench.targets[0])
    bench.intake.hold(until: MonotonicClock.now() + 100_000_000)
    bench.intake.hold(until: .max)
    bench.pass(1)
    #expect(eventually { bench.results == [.refused(refusal)] })
  }

  @Test func `the deadline of an exchange that is over does not touch the next`() {
    let bench = Bench()
    bench.intake.open(bench.targets[0])
    let deadline = MonotonicClock.now() + 50_000_000
    bench.intake.hold(until: deadline)
    bench.intake.open(bench.targets[1])
    bench.intake.hold(until: .max)
    bench.pass(1)
    #expect(eventually { MonotonicClock.now() > deadline + 50_000_000 })
    #expect(bench.outcomes.all.isEmpty)
    bench.intake.close()
    #expect(bench.results == [.refused(refusal)])
  }

  @Test func `the exchange waits for requests on their way into the old target`() {
    let bench = Bench()
    bench.intake.open(bench.targets[0])
    let entered = Locked(false)
    let mayLeave = Locked(false)
    let isHolding = Locked(false)
    let request = BackgroundThread(name: "request") { [intake = bench.intake] in
      intake.pass { _ in
        entered.withLock { $0 = true }
        _ = eventually { mayLeave.withLock { $0 } }
      }
    }
    #expect(eventually { entered.withLock { $0 } })
    let exchange = BackgroundThread(name: "exchange") { [intake = bench.intake] in
      intake.hold(until: .max)
      isHolding.withLock { $0 = true }
    }
    // The door is shut when one stays outside; the exchange goes on only when the request is through.
    var passed = 0
    #expect(
      eventually {
        passed += 1
        bench.pass(passed)
        return bench.outcomes.all.count < passed
      })
    #expect(!isHolding.withLock { $0 })
    mayLeave.withLock { $0 = true }
    request.join()
    exchange.join()
    #expect(isHolding.withLock { $0 })
    bench.intake.close()
  }

  @Test func `requests of many threads are lost by no exchange`() {
    let bench = Bench(maxHeldCount: .max)
    bench.intake.open(bench.targets[0])
    let threads = (0..<4).map { number in
      BackgroundThread(name: "sender") { for each in 0..<2000 { bench.pass(number * 2000 + each) } }
    }
    for exchange in 0..<50 {
      bench.intake.hold(until: .max)
      bench.intake.open(bench.targets[exchange & 1])
    }
    for thread in threads { thread.join() }
    #expect(bench.requests.sorted() == Array(0..<8000))
    #expect(
      bench.results.allSatisfy {
        if case .target = $0 { true } else { false }
      })
  }
}
