import OTLP
import Pipeline
import Spool
import TestSupport
import Testing

private let second: UInt64 = 1_000_000_000

/// A schedule over a stub of a disk, a destination with a taste, and what became of each span.
private final class World {
  var schedule: DeliverySchedule
  let store: StubRequestStore
  let syncs: Bool
  var now: UInt64 = second
  var random: SeededGenerator
  var inFlight: [(number: UInt64, names: [String])] = []
  var delivered: [String] = []
  var buried: Set<String> = []
  var watched: [(request: WatchedRequest, isCounted: Bool, names: [String])] = []
  private var safe: Set<Int> = []
  var largest = 0
  private var isDiskWell = true

  init(seed: UInt64, store: StubRequestStore? = nil) {
    random = SeededGenerator(seed: seed)
    var queue = SendingQueueConfiguration()
    queue.maxMebibytes = 1
    queue.numConsumers = Int.random(in: 1...4, using: &random)
    if random.once(in: 2) {
      queue.batch = BatchConfiguration()
      queue.batch?.minSize = 4
      queue.batch?.maxSize = random.once(in: 2) ? 5 : 0
    }
    syncs = random.once(in: 2)
    let storing = RequestBuffer.Storing(delay: .seconds(Int.random(in: 0...2, using: &random)), syncs: syncs)
    schedule = DeliverySchedule(queue, retry: RetryConfiguration(), storing: storing, hasDeadLetters: true)
    self.store = store ?? StubRequestStore()
    guard store != nil else { return }
    schedule.beginRestoring()
    self.store.restore { record, payload in
      schedule.restore(record, itemCount: EncodedRequest.itemCount(of: payload), byteCount: payload.count)
      return true
    }
    schedule.endRestoring()
  }

  static func names(_ bytes: [UInt8]) -> [String] { DecodedSpan.all(inRequest: bytes).map(\.name) }

  /// Whether the destination refuses a span for what it is.
  static func isPoison(_ name: String) -> Bool { name.utf8.reduce(0) { $0 &* 31 &+ Int($1) } % 7 == 0 }

  func admit() {
    guard !schedule.isFull else { return }
    let spans = Int.random(in: 1...6, using: &random)
    let name = "r\(watched.count)"
    let original = SampleRequest.make(name: name, spans: spans, padding: Int.random(in: 0...60_000, using: &random))
    let isCounted = random.once(in: 2)
    let request = WatchedRequest(original, destinations: isCounted ? 2 : 1)
    guard schedule.admit(request.request, now: now) else { return }
    largest = max(largest, original.byteCount)
    watched.append((request, isCounted, (0..<spans).map { "\(name)-\($0)" }))
  }

  /// Does what the schedule wants done; false when it waits.
  func step() -> Bool {
    switch schedule.next(now: now) {
    case .send(let number, let payload, _): inFlight.append((number, Self.names(payload.bytes)))
    case .bury(let request, _):
      let isWritten = isDiskWell || random.once(in: 2)
      if isWritten { buried.formUnion(Self.names(request.bytes)) }
      schedule.buried(isWritten: isWritten, now: now)
    case .load(let record):
      let request = (try? store.load(record)).map { bytes in
        bytes.withUnsafeBytes { EncodedRequest(copying: $0, itemCount: EncodedRequest.itemCount(of: $0)) }
      }
      let passedOver = schedule.loaded(request, now: now)
      #expect(passedOver == 0)
    case .wait, .finished: return false
    }
    return true
  }

  func answer(_ place: Int, isUp: Bool) {
    let (number, names) = inFlight.remove(at: place)
    let outcome: SendOutcome =
      !isUp
      ? .unavailable(reason: "down", wait: nil)
      : names.contains(where: Self.isPoison)
        ? .refused(reason: "poison", status: 400, isAboutItems: true) : .delivered(rejected: 0)
    if case .delivered = outcome { delivered += names }
    let settlement = schedule.settle(number, outcome, now: now, random: 0.5)
    #expect(settlement != nil)
  }

  func useDisk() -> Bool {
    switch schedule.nextStore(now: now) {
    case .append(let request): schedule.stored(try? store.append(request), now: now)
    case .sync(let order): schedule.synced(upTo: order, isDone: isDiskWell, now: now)
    case .wait, nil: return false
    }
    return true
  }

  func changeDisk(isWell: Bool) {
    isDiskWell = isWell
    store.allow(append: isWell)
  }

  /// What must hold after each step.
  func check() {
    schedule.takeFinished().tell()
    #expect(schedule.memoryBytes <= 1 << 20 + 2 * largest)
    for (index, one) in watched.enumerated() where !safe.contains(index) && one.request.isSettled && !one.isCounted {
      safe.insert(index)
      let done = one.names.filter { buried.contains($0) || delivered.contains($0) }
      #expect(done == one.names || store.kept.contains(one.request.request.bytes), "settled before it was safe")
    }
  }

  /// Lets all be well until nothing is left.
  func finish() {
    changeDisk(isWell: true)
    var patience = 100_000
    while !schedule.isEmpty, patience > 0 {
      patience -= 1
      if !step(), !useDisk() {
        if inFlight.isEmpty { now += second } else { answer(0, isUp: true) }
      }
      check()
    }
    #expect(schedule.isEmpty)
    #expect(schedule.memoryBytes == 0 && schedule.size == 0)
  }

  func act() {
    switch Int.random(in: 0..<14, using: &random) {
    case 0..<4: admit()
    case 4..<8: _ = step()
    case 8..<10:
      let isUp = !random.once(in: 3)
      if !inFlight.isEmpty { answer(Int.random(in: inFlight.indices, using: &random), isUp: isUp) }
    case 10..<12: _ = useDisk()
    case 12: now += UInt64.random(in: 0...3 * second, using: &random)
    default: changeDisk(isWell: !random.once(in: 3))
    }
    check()
  }
}

@Suite struct DurableScheduleTests {
  @Test(arguments: 1...25 as ClosedRange<UInt64>)
  func `nothing is lost or settled too early or twice, and memory is bounded, whatever comes`(seed: UInt64) {
    let world = World(seed: seed)
    for _ in 0..<300 { world.act() }
    world.finish()
    let names = world.watched.flatMap(\.names)
    #expect(world.delivered.sorted() == names.filter { !World.isPoison($0) }.sorted())
    #expect(world.buried == Set(names.filter(World.isPoison)))
    for one in world.watched {
      #expect(one.isCounted ? one.request.wasSettledOnce() : one.request.isSettled)
    }
    #expect(world.store.kept.isEmpty)
  }

  @Test(arguments: 101...115 as ClosedRange<UInt64>)
  func `what was settled before a crash is delivered after it`(seed: UInt64) {
    let world = World(seed: seed)
    for _ in 0..<250 { world.act() }
    let kept = world.store.kept
    let next = World(seed: seed + 1000, store: StubRequestStore(earlier: kept))
    for _ in 0..<50 { next.act() }
    next.finish()
    let done = world.buried.union(next.buried).union(world.delivered).union(next.delivered)
    for one in world.watched where !one.isCounted && one.request.isSettled {
      #expect(done.isSuperset(of: one.names))
    }
    for bytes in kept { #expect(Set(next.delivered).union(next.buried).isSuperset(of: World.names(bytes))) }
  }

  @Test(arguments: [false, true]) func `what waits leaves in its order, from the memory and the disk`(isBatched: Bool) {
    var queue = SendingQueueConfiguration()
    queue.maxMebibytes = 1
    queue.numConsumers = 1
    if isBatched {
      queue.batch = BatchConfiguration()
      queue.batch?.minSize = 3
    }
    let store = StubRequestStore()
    let earlier = store
    var schedule = DeliverySchedule(
      queue, retry: RetryConfiguration(), storing: RequestBuffer.Storing(delay: .seconds(1), syncs: false))
    for index in 0..<20 {
      let request = SampleRequest.make(name: "old\(index)", padding: 100_000)
      if let record = try? earlier.append(request) {
        schedule.restore(record, itemCount: 1, byteCount: request.byteCount)
      }
    }
    var order: [String] = []
    for index in 0..<60 {
      if !schedule.isFull {
        let isTaken = schedule.admit(SampleRequest.make(name: "new\(index)", padding: 100_000), now: 0)
        #expect(isTaken)
      }
      while case .append(let request)? = schedule.nextStore(now: UInt64(index) * second) {
        schedule.stored(try? store.append(request), now: 0)
      }
    }
    var patience = 1000
    while !schedule.isEmpty, patience > 0 {
      patience -= 1
      switch schedule.next(now: 100 * second) {
      case .send(let number, let payload, _):
        order += World.names(payload.bytes)
        _ = schedule.settle(number, .delivered(rejected: 0), now: 100 * second, random: 0)
      case .load(let record):
        let request = (try? store.load(record)).map { $0.withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 1) } }
        _ = schedule.loaded(request, now: 0)
      default: Issue.record("nothing leaves")
      }
      #expect(schedule.memoryBytes <= 1 << 20 + 200_000)
    }
    #expect(order == (0..<20).map { "old\($0)-0" } + (0..<60).map { "new\($0)-0" })
  }

  @Test func `a queue on disk has no bound by count unless one is set, and is full only while the disk refuses`() {
    let storing = RequestBuffer.Storing(delay: .seconds(1), syncs: false)
    var queue = SendingQueueConfiguration()
    queue.maxMebibytes = 1
    var open = DeliverySchedule(queue, retry: RetryConfiguration(), storing: storing)
    let store = StubRequestStore()
    var admitted = 0
    for _ in 0..<2000 where !open.isFull {
      admitted += open.admit(SampleRequest.make(padding: 10_000), now: 0) ? 1 : 0
      while case .append(let request)? = open.nextStore(now: 0) { open.stored(try? store.append(request), now: 0) }
    }
    #expect(admitted == 2000)
    // The disk refuses: the memory fills up, and then it is enough.
    while !open.isFull, admitted < 3000 {
      admitted += open.admit(SampleRequest.make(padding: 10_000), now: 0) ? 1 : 0
      if case .append? = open.nextStore(now: 0) { open.stored(nil, now: 0) }
    }
    #expect(admitted < 2200)
    #expect(open.isFull && !open.isFullByCount)

    queue.queueSize = 3
    var bounded = DeliverySchedule(queue, retry: RetryConfiguration(), storing: storing)
    for _ in 0..<3 {
      let isTaken = bounded.admit(SampleRequest.make(), now: 0)
      #expect(isTaken)
    }
    #expect(bounded.isFull && bounded.isFullByCount)
    let isTaken = bounded.admit(SampleRequest.make(), now: 0)
    #expect(!isTaken)
  }

  @Test func `a queue on disk takes what comes in spite of its memory, and what comes at its end is left to the next`()
  {
    var queue = SendingQueueConfiguration()
    queue.maxMebibytes = 1
    let storing = RequestBuffer.Storing(delay: .seconds(1), syncs: false)
    var schedule = DeliverySchedule(queue, retry: RetryConfiguration(), storing: storing)
    // As when several pipelines looked whether it is full, and then came at once.
    for _ in 0..<3 {
      let isTaken = schedule.admit(SampleRequest.make(padding: 1 << 20), now: 0)
      #expect(isTaken)
    }
    #expect(schedule.isFull)
    schedule.beginDrain()
    let late = WatchedRequest(SampleRequest.make())
    let isTaken = schedule.admit(late.request, now: 0)
    #expect(isTaken)
    _ = schedule.close()
    schedule.takeFinished().tell()
    #expect(!late.isSettled && schedule.size == 3)

    queue.sizer = .items
    queue.queueSize = 10
    var bounded = DeliverySchedule(queue, retry: RetryConfiguration(), storing: storing)
    for spans in [2, 3, 7] {
      #expect(!bounded.isFull)
      let isTaken = bounded.admit(SampleRequest.make(spans: spans), now: 0)
      #expect(isTaken, "it was not full for what had come before")
    }
    #expect(bounded.isFull)
  }

  @Test(arguments: [600_000, 1_000_000, 1_200_000])
  func `a request that fills the memory and waits for its next attempt does not end what is accepted`(bytes: Int) throws
  {
    var queue = SendingQueueConfiguration()
    queue.maxMebibytes = 1
    let storing = RequestBuffer.Storing(delay: .zero, syncs: false)
    var schedule = DeliverySchedule(queue, retry: RetryConfiguration(), storing: storing)
    let store = StubRequestStore()
    for number in 0..<50 {
      #expect(!schedule.isFull, "\(number) were taken")
      let isTaken = schedule.admit(SampleRequest.make(padding: bytes), now: 0)
      #expect(isTaken && schedule.isFull, "one at a time may be in memory alone")
      while case .append(let request)? = schedule.nextStore(now: 0) {
        schedule.stored(try store.append(request), now: 0)
      }
      while case .send(let delivery, _, _) = schedule.next(now: 0) {
        _ = schedule.settle(delivery, .unavailable(reason: "down", wait: nil), now: 0, random: 0.5)
      }
      #expect(schedule.memoryBytes < 2 * bytes)
    }
    #expect(schedule.size == 50)
  }

  @Test func `a request larger than its share of the memory waits like others for its next attempt`() throws {
    var queue = SendingQueueConfiguration()
    queue.maxMebibytes = 1
    let storing = RequestBuffer.Storing(delay: .zero, syncs: false)
    var schedule = DeliverySchedule(queue, retry: RetryConfiguration(), storing: storing)
    let store = StubRequestStore()
    let isTaken = schedule.admit(SampleRequest.make(padding: 900_000), now: 0)
    #expect(isTaken)
    var attempts = 0
    for _ in 0..<100 {
      if case .append(let request)? = schedule.nextStore(now: 0) { schedule.stored(try store.append(request), now: 0) }
      switch schedule.next(now: 0) {
      case .send(let number, _, _):
        attempts += 1
        _ = schedule.settle(number, .unavailable(reason: "down", wait: nil), now: 0, random: 0.5)
      case .load(let record):
        let request = try store.load(record).withUnsafeBytes { EncodedRequest(copying: $0, itemCount: 1) }
        _ = schedule.loaded(request, now: 0)
      default: break
      }
    }
    #expect(attempts == 1)
    #expect(schedule.nextRetry == 5 * second)
  }

  @Test func `a sync that was asked for before one failed says nothing of what is stored anew`() throws {
    let storing = RequestBuffer.Storing(delay: .zero, syncs: true)
    var schedule = DeliverySchedule(SendingQueueConfiguration(), retry: RetryConfiguration(), storing: storing)
    let store = StubRequestStore(syncs: true)
    var asked: [UInt64] = []
    for _ in 0..<2 {
      let isTaken = schedule.admit(SampleRequest.make(), now: 0)
      #expect(isTaken)
      for _ in 0..<2 {
        switch schedule.nextStore(now: 0) {
        case .append(let request): schedule.stored(try store.append(request), now: 0)
        case .sync(let order): asked.append(order)
        default: break
        }
      }
    }
    #expect(asked.count == 1, "the second waits for the end of the first")
    schedule.synced(upTo: asked[0], isDone: true, now: 0)
    guard case .sync? = schedule.nextStore(now: 0) else {
      Issue.record("nothing is synced any more")
      return
    }
  }

  @Test func `a request that is stored is not given up for its time, unless one is set`() throws {
    let storing = RequestBuffer.Storing(delay: .seconds(1), syncs: false)
    for limit in [nil, Duration.seconds(10)] {
      var retry = RetryConfiguration()
      retry.maxElapsedTime = limit
      var schedule = DeliverySchedule(SendingQueueConfiguration(), retry: retry, storing: storing)
      _ = schedule.admit(SampleRequest.make(), now: 0)
      guard case .send(let number, _, _) = schedule.next(now: 0) else {
        Issue.record("nothing to send")
        return
      }
      let settlement = schedule.settle(
        number, .unavailable(reason: "down", wait: nil), now: 3000 * second, random: 0.5)
      if limit == nil {
        #expect(settlement == .retrying(items: 1, at: 3005 * second, reason: "down"))
      } else {
        #expect(settlement == .dropped(items: 1, reason: "down"))
      }
    }
  }
}
