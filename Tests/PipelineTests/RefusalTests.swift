import OTLP
import Pipeline
import TestSupport
import Testing

private let poison = SendOutcome.refused(reason: "bad span", status: 400, isAboutItems: true)

private func take(_ request: EncodedRequest, into schedule: inout DeliverySchedule) {
  let isTaken = schedule.admit(request, now: 0)
  #expect(isTaken)
}

/// Sends everything that leaves to a destination, until nothing does.
private func run(
  _ schedule: inout DeliverySchedule, _ destination: ([String]) -> SendOutcome
) -> (attempts: Int, delivered: [String], buried: [[String]], dropped: Int) {
  var result = (attempts: 0, delivered: [String](), buried: [[String]](), dropped: 0)
  while true {
    switch schedule.next(now: 0) {
    case .send(let number, let payload, _):
      result.attempts += 1
      let names = DecodedSpan.all(inRequest: payload.bytes).map(\.name)
      let outcome = destination(names)
      if case .delivered = outcome { result.delivered += names }
      if case .dropped(let items, _) = schedule.settle(number, outcome, now: 0, random: 0) { result.dropped += items }
    case .bury(let request, let refused):
      #expect(refused.reason == "bad span")
      result.buried.append(DecodedSpan.all(inRequest: request.bytes).map(\.name))
      schedule.buried(isWritten: true, now: 0)
    default: return result
    }
  }
}

@Suite struct RefusalTests {
  private func schedule(hasDeadLetters: Bool = true, batchSize: Int? = nil) -> DeliverySchedule {
    var queue = SendingQueueConfiguration()
    if let batchSize {
      queue.batch = BatchConfiguration()
      queue.batch?.minSize = batchSize
    }
    return DeliverySchedule(queue, retry: RetryConfiguration(), hasDeadLetters: hasDeadLetters)
  }

  @Test(arguments: [true, false]) func `one bad span among a thousand is found, and the others delivered`(buries: Bool)
  {
    var schedule = schedule(hasDeadLetters: buries)
    let watched = WatchedRequest(SampleRequest.make(spans: 1000))
    take(watched.request, into: &schedule)
    let result = run(&schedule) { $0.contains("span-777") ? poison : .delivered(rejected: 0) }
    #expect(result.buried == (buries ? [["span-777"]] : []))
    #expect(result.dropped == (buries ? 0 : 1))
    #expect(Set(result.delivered) == Set((0..<1000).filter { $0 != 777 }.map { "span-\($0)" }))
    #expect(result.delivered.count == 999)
    #expect(result.attempts <= 22)
    #expect(schedule.isEmpty)
    #expect(!watched.isSettled)
    schedule.takeFinished().tell()
    #expect(watched.isSettled)
  }

  @Test func `many bad spans in one place cost the good ones nothing`() {
    var schedule = schedule()
    take(SampleRequest.make(spans: 512), into: &schedule)
    let bad = Set((100..<130).map { "span-\($0)" })
    let result = run(&schedule) { $0.contains(where: bad.contains) ? poison : .delivered(rejected: 0) }
    #expect(Set(result.buried.flatMap(\.self)) == bad)
    #expect(result.delivered.count == 512 - 30)
  }

  @Test(arguments: [0, 4096, 8152]) func `many bad spans at one end do not take the good ones with them`(first: Int) {
    var schedule = schedule()
    take(SampleRequest.make(spans: 8192), into: &schedule)
    let bad = Set((first..<first + 40).map { "span-\($0)" })
    let result = run(&schedule) { $0.contains(where: bad.contains) ? poison : .delivered(rejected: 0) }
    let buried = Set(result.buried.flatMap(\.self))
    // Their neighbours may go with them, but no more than that.
    #expect(buried.isSuperset(of: bad) && buried.count <= 64)
    #expect(result.delivered.count == 8192 - buried.count)
  }

  @Test func `requests that left as one are cut apart`() {
    var schedule = schedule(batchSize: 30)
    let watched = (0..<3).map { WatchedRequest(SampleRequest.make(name: "r\($0)", spans: 10), destinations: 2) }
    for one in watched {
      take(one.request, into: &schedule)
    }
    let result = run(&schedule) { $0.contains("r1-4") ? poison : .delivered(rejected: 0) }
    #expect(result.buried == [["r1-4"]] && result.delivered.count == 29)
    schedule.takeFinished().tell()
    for one in watched { #expect(one.wasSettledOnce()) }
  }

  @Test func `a destination that refuses everything is not asked for each span`() {
    var schedule = schedule()
    take(SampleRequest.make(spans: 4000), into: &schedule)
    let result = run(&schedule) { _ in poison }
    // Some for the parts that were left when enough had been cut.
    #expect(result.attempts <= 32 + 12)
    #expect(result.buried.flatMap(\.self).count == 4000)
    #expect(result.buried.count < 40)
    #expect(schedule.isEmpty)
  }

  @Test func `what is too large is cut until it fits, and a span that never will is buried`() {
    var schedule = schedule()
    take(SampleRequest.make(spans: 64), into: &schedule)
    let result = run(&schedule) { names in
      names.count > 10 || names == ["span-3"] || names.count > 1 && names.contains("span-3")
        ? poison : .delivered(rejected: 0)
    }
    #expect(result.buried == [["span-3"]] && result.delivered.count == 63)
  }

  @Test(arguments: [true, false]) func `a refusal of the whole is not looked into`(buries: Bool) {
    var schedule = schedule(hasDeadLetters: buries)
    take(SampleRequest.make(spans: 100), into: &schedule)
    let result = run(&schedule) { _ in .refused(reason: "bad span", status: 404) }
    #expect(result.attempts == 1)
    #expect(result.buried.map(\.count) == (buries ? [100] : []))
    #expect(result.dropped == (buries ? 0 : 100))
  }

  @Test func `dead letters that cannot be written are held, and tried again`() {
    var schedule = schedule()
    let watched = WatchedRequest(SampleRequest.make())
    take(watched.request, into: &schedule)
    guard case .send(let number, _, _) = schedule.next(now: 0) else {
      Issue.record("nothing to send")
      return
    }
    let settlement = schedule.settle(number, poison, now: 0, random: 0)
    #expect(settlement == .condemned(items: 1, reason: "bad span"))
    for time in stride(from: UInt64(0), to: 5_000_000_000, by: 1_000_000_000) {
      guard case .bury = schedule.next(now: time) else {
        Issue.record("nothing to bury")
        return
      }
      schedule.buried(isWritten: false, now: time)
      #expect(schedule.nextRetry == time + 1_000_000_000)
      schedule.takeFinished().tell()
      #expect(!watched.isSettled)
    }
    guard case .bury = schedule.next(now: 5_000_000_000) else {
      Issue.record("nothing to bury")
      return
    }
    schedule.buried(isWritten: true, now: 5_000_000_000)
    schedule.takeFinished().tell()
    #expect(watched.isSettled && schedule.isEmpty)
  }
}
