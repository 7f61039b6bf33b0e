import OTLP
import Pipeline
import TestSupport
import Testing

private let second: UInt64 = 1_000_000_000

extension DeliverySchedule.Step {
  fileprivate var sent: (number: UInt64, payload: EncodedRequest, isNew: Bool)? {
    if case .send(let number, let payload, let isNew) = self { (number, payload, isNew) } else { nil }
  }

  fileprivate var waitEnd: UInt64?? {
    if case .wait(let time) = self { .some(time) } else { nil }
  }

  fileprivate var isFinished: Bool {
    if case .finished = self { true } else { false }
  }
}

/// A schedule as a reference, since expectations cannot hold a call that mutates a value.
@dynamicMemberLookup
private final class Schedule {
  private var value: DeliverySchedule

  init(_ value: DeliverySchedule) { self.value = value }

  subscript<Value>(dynamicMember path: KeyPath<DeliverySchedule, Value>) -> Value { value[keyPath: path] }

  func admit(_ request: EncodedRequest, now: UInt64) -> Bool { value.admit(request, now: now) }
  func next(now: UInt64) -> DeliverySchedule.Step { value.next(now: now) }
  func settle(
    _ number: UInt64, _ outcome: SendOutcome, now: UInt64, random: Double
  ) -> DeliverySchedule.Settlement? { value.settle(number, outcome, now: now, random: random) }
  func beginDrain() { value.beginDrain() }
  func close() -> (requests: Int, items: Int) { value.close() }
}

private func schedule(_ configure: (inout SendingQueueConfiguration) -> Void = { _ in }) -> Schedule {
  var configuration = SendingQueueConfiguration()
  configure(&configuration)
  return Schedule(DeliverySchedule(configuration, retry: RetryConfiguration()))
}

private let unavailable = SendOutcome.unavailable(reason: "down", wait: nil)

@Suite struct DeliveryScheduleTests {
  @Test func `requests leave in their order, no more at once than there are consumers`() throws {
    let schedule = schedule { $0.numConsumers = 2 }
    let requests = (0..<3).map { _ in SampleRequest.make() }
    for request in requests { #expect(schedule.admit(request, now: 0)) }

    let first = try #require(schedule.next(now: 0).sent)
    let second = try #require(schedule.next(now: 0).sent)
    #expect(first.payload === requests[0] && second.payload === requests[1] && first.isNew)
    #expect(schedule.next(now: 0).waitEnd == .some(nil))
    #expect(
      schedule.settle(first.number, .delivered(rejected: 0), now: 0, random: 0) == .delivered(items: 1, rejected: 0))
    #expect(schedule.next(now: 0).sent?.payload === requests[2])
  }

  @Test func `room is free when a request is done, not when it leaves`() throws {
    let schedule = schedule { $0.queueSize = 2 }
    #expect(schedule.admit(SampleRequest.make(), now: 0))
    #expect(!schedule.isFull)
    #expect(schedule.admit(SampleRequest.make(), now: 0))
    #expect(schedule.isFull)
    let sent = try #require(schedule.next(now: 0).sent)
    #expect(!schedule.admit(SampleRequest.make(), now: 0))
    _ = schedule.settle(sent.number, unavailable, now: 0, random: 0)
    #expect(!schedule.admit(SampleRequest.make(), now: 0))
    let again = try #require(schedule.next(now: 100 * second).sent)
    _ = schedule.settle(again.number, .delivered(rejected: 0), now: 0, random: 0)
    #expect(schedule.admit(SampleRequest.make(), now: 0))
    #expect(schedule.size == 2)
  }

  @Test func `a queue is bounded in its unit`() {
    let items = schedule {
      $0.sizer = .items
      $0.queueSize = 10
    }
    #expect(items.admit(SampleRequest.make(spans: 6), now: 0))
    #expect(!items.admit(SampleRequest.make(spans: 5), now: 0))
    #expect(items.isFull, "a request like the largest would not fit")
    #expect(items.admit(SampleRequest.make(spans: 4), now: 0))

    let size = SampleRequest.make().byteCount
    let bytes = schedule {
      $0.sizer = .bytes
      $0.queueSize = 2 * size
    }
    for _ in 0..<2 { #expect(bytes.admit(SampleRequest.make(), now: 0)) }
    #expect(!bytes.admit(SampleRequest.make(), now: 0))
    #expect(bytes.size == 2 * size)
  }

  @Test func `a queue is bounded in bytes whatever its unit is`() {
    let schedule = schedule { $0.maxMebibytes = 1 }
    let request = SampleRequest.make(padding: 600 << 10)
    #expect(schedule.admit(request, now: 0))
    #expect(schedule.isFull)
    #expect(!schedule.admit(request, now: 0))
  }

  @Test func `a request that can never fit does not make an empty queue full`() {
    let schedule = schedule { $0.maxMebibytes = 1 }
    let request = SampleRequest.make(padding: 2 << 20)
    #expect(!schedule.admit(request, now: 0))
    #expect(!schedule.isFull)
  }

  @Test func `without a queue there is only room for what is under way`() {
    let schedule = schedule {
      $0.enabled = false
      $0.numConsumers = 2
    }
    for _ in 0..<2 { #expect(schedule.admit(SampleRequest.make(), now: 0)) }
    #expect(!schedule.admit(SampleRequest.make(), now: 0))
  }

  @Test func `a request that waits for its retry holds nobody up, and goes first when its time has come`() throws {
    let schedule = schedule { $0.numConsumers = 1 }
    let requests = (0..<3).map { _ in SampleRequest.make() }
    for request in requests { #expect(schedule.admit(request, now: 0)) }
    let first = try #require(schedule.next(now: 0).sent)
    #expect(
      schedule.settle(first.number, unavailable, now: 0, random: 0.5)
        == .retrying(items: 1, at: 5 * second, reason: "down"))

    let other = try #require(schedule.next(now: 1 * second).sent)
    #expect(other.payload === requests[1])
    _ = schedule.settle(other.number, .delivered(rejected: 0), now: 5 * second, random: 0.5)
    let again = try #require(schedule.next(now: 5 * second).sent)
    #expect(again.payload === requests[0] && !again.isNew)
  }

  @Test func `waiting ends with the earliest retry`() throws {
    let schedule = schedule()
    for _ in 0..<2 { #expect(schedule.admit(SampleRequest.make(), now: 0)) }
    let first = try #require(schedule.next(now: 0).sent)
    let other = try #require(schedule.next(now: 0).sent)
    _ = schedule.settle(first.number, .unavailable(reason: "busy", wait: .seconds(60)), now: 0, random: 0.5)
    _ = schedule.settle(other.number, unavailable, now: 0, random: 0.5)
    #expect(schedule.next(now: 0).waitEnd == .some(5 * second))
    #expect(schedule.next(now: 5 * second).sent?.number == other.number)
    #expect(schedule.next(now: 59 * second).waitEnd == .some(60 * second))
    #expect(schedule.next(now: 60 * second).sent?.number == first.number)
  }

  @Test func `a request whose time is over is dropped with its reason`() throws {
    let schedule = schedule()
    #expect(schedule.admit(SampleRequest.make(spans: 3), now: 0))
    let sent = try #require(schedule.next(now: 0).sent)
    #expect(
      schedule.settle(sent.number, unavailable, now: 299 * second, random: 0.5) == .dropped(items: 3, reason: "down"))
    #expect(schedule.isEmpty)
  }

  @Test func `a refusal is final, and a server cannot reject more than it was sent`() throws {
    let schedule = schedule()
    for _ in 0..<2 { #expect(schedule.admit(SampleRequest.make(spans: 3), now: 0)) }
    let first = try #require(schedule.next(now: 0).sent)
    let other = try #require(schedule.next(now: 0).sent)
    #expect(
      schedule.settle(first.number, .refused(reason: "no"), now: 0, random: 0) == .dropped(items: 3, reason: "no"))
    #expect(
      schedule.settle(other.number, .delivered(rejected: 99), now: 0, random: 0) == .delivered(items: 3, rejected: 3))
    #expect(schedule.settle(other.number, .delivered(rejected: 0), now: 0, random: 0) == nil)
  }
}

@Suite struct BatchingTests {
  private func batching(_ configure: (inout BatchConfiguration) -> Void) -> Schedule {
    var batch = BatchConfiguration()
    configure(&batch)
    return schedule { $0.batch = batch }
  }

  @Test func `consecutive requests leave as one when they are enough`() throws {
    let schedule = batching { $0.minSize = 5 }
    let requests = [2, 2, 3, 1].map { SampleRequest.make(spans: $0) }
    for request in requests[..<2] { #expect(schedule.admit(request, now: 0)) }
    #expect(schedule.next(now: 0).waitEnd == .some(200_000_000))
    for request in requests[2...] { #expect(schedule.admit(request, now: 0)) }

    let sent = try #require(schedule.next(now: 0).sent)

    #expect(sent.payload.bytes == requests[..<3].flatMap(\.bytes))
    #expect(schedule.size == 4)
    #expect(
      schedule.settle(sent.number, .delivered(rejected: 0), now: 0, random: 0) == .delivered(items: 7, rejected: 0))
    #expect(schedule.size == 1)
  }

  @Test func `few requests leave when the oldest has waited long enough`() throws {
    let schedule = batching { $0.minSize = 100 }
    #expect(schedule.admit(SampleRequest.make(), now: 1000))
    #expect(schedule.admit(SampleRequest.make(), now: 2000))
    #expect(schedule.next(now: 200_000_999).waitEnd == .some(200_001_000))
    #expect(schedule.next(now: 200_001_000).sent?.payload.itemCount == 2)
  }

  @Test func `no batch is larger than allowed`() throws {
    let schedule = batching {
      $0.minSize = 4
      $0.maxSize = 5
    }
    for spans in [3, 3, 12, 4] { #expect(schedule.admit(SampleRequest.make(spans: spans), now: 0)) }
    var sizes: [Int] = []
    while let sent = schedule.next(now: second).sent { sizes.append(sent.payload.itemCount) }
    #expect(sizes == [3, 3, 5, 5, 2, 4])
  }

  @Test func `the room of a request that was cut is free when all its pieces are done`() throws {
    let schedule = batching {
      $0.minSize = 1
      $0.maxSize = 2
    }
    #expect(schedule.admit(SampleRequest.make(spans: 5), now: 0))
    var numbers: [UInt64] = []
    while let sent = schedule.next(now: 0).sent { numbers.append(sent.number) }
    #expect(numbers.count == 3)
    _ = schedule.settle(numbers[1], .delivered(rejected: 0), now: 0, random: 0)
    _ = schedule.settle(numbers[0], .refused(reason: "no"), now: 0, random: 0)
    #expect(!schedule.isEmpty)
    _ = schedule.settle(numbers[2], .delivered(rejected: 0), now: 0, random: 0)
    #expect(schedule.isEmpty)
  }

  @Test func `a request that cannot be cut leaves whole`() {
    let schedule = batching { $0.maxSize = 1 }
    let request = [UInt8](repeating: 0xFF, count: 9).withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 9) }
    #expect(schedule.admit(request, now: 0))
    #expect(schedule.next(now: second).sent?.payload === request)
  }
}

@Suite struct DrainingTests {
  @Test func `draining accepts nothing, waits for nothing and ends when all is done`() throws {
    var batch = BatchConfiguration()
    batch.minSize = 100
    let schedule = schedule { $0.batch = batch }
    #expect(schedule.admit(SampleRequest.make(), now: 0))
    schedule.beginDrain()
    #expect(schedule.isFull)
    #expect(!schedule.admit(SampleRequest.make(), now: 0))
    let sent = try #require(schedule.next(now: 0).sent)
    #expect(!schedule.next(now: 0).isFinished)
    _ = schedule.settle(sent.number, .delivered(rejected: 0), now: 0, random: 0)
    #expect(schedule.next(now: 0).isFinished)
  }

  @Test func `retries are due at once, and then soon again until the end`() throws {
    let schedule = schedule()
    for _ in 0..<2 { #expect(schedule.admit(SampleRequest.make(), now: 0)) }
    let waiting = try #require(schedule.next(now: 0).sent)
    let underWay = try #require(schedule.next(now: 0).sent)
    _ = schedule.settle(waiting.number, unavailable, now: 0, random: 0.5)
    schedule.beginDrain()
    #expect(schedule.next(now: 1).sent?.number == waiting.number)
    let soon: UInt64 = 250_000_001
    for number in [waiting.number, underWay.number] {
      #expect(
        schedule.settle(number, unavailable, now: 1, random: 0.5) == .retrying(items: 1, at: soon, reason: "down"))
    }
    #expect(schedule.next(now: 1).sent == nil)
    for number in [waiting.number, underWay.number] { #expect(schedule.next(now: soon).sent?.number == number) }
    _ = schedule.settle(waiting.number, .delivered(rejected: 0), now: soon, random: 0.5)
    #expect(schedule.close().requests == 0, "the other one is under way")
    #expect(schedule.settle(underWay.number, unavailable, now: soon, random: 0.5) == .dropped(items: 1, reason: "down"))
    #expect(schedule.next(now: soon).isFinished)
  }

  @Test func `what is given up is counted by requests and items`() throws {
    var batch = BatchConfiguration()
    batch.minSize = 1
    batch.maxSize = 2
    let schedule = schedule {
      $0.batch = batch
      $0.numConsumers = 2
    }
    for spans in [1, 1, 6, 3] { #expect(schedule.admit(SampleRequest.make(spans: spans), now: 0)) }
    let retrying = try #require(schedule.next(now: 0).sent)
    _ = schedule.settle(retrying.number, unavailable, now: 0, random: 0.5)
    let underWay = try #require(schedule.next(now: 0).sent)
    let piece = try #require(schedule.next(now: 0).sent)
    #expect(piece.payload.itemCount == 2)

    let lost = schedule.close()

    // The retry, two more pieces of two, and the last request.
    #expect(lost.requests == 4 && lost.items == 1 + 4 + 3)
    #expect(schedule.next(now: 0).isFinished)
    #expect(schedule.settle(underWay.number, unavailable, now: 0, random: 0) == .dropped(items: 1, reason: "down"))
    #expect(
      schedule.settle(piece.number, .delivered(rejected: 0), now: 0, random: 0) == .delivered(items: 2, rejected: 0))
    #expect(schedule.isEmpty)
    #expect(schedule.size == 0)
  }
}
