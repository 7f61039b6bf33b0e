import Locks
package import OTLP
package import Spool

/// The part of a buffer that is on disk.
///
/// A request that has waited for a while, or that comes when half of the memory is taken, is to be stored. Once it is, it
/// belongs to the front, as far as the front takes less than an eighth of the memory; past that it leaves the memory, and is
/// loaded again when the front has room. So the oldest are in memory, for they are next, and the newest, for they are not
/// stored yet; and a request that is delivered soon is never written.
extension RequestBuffer {
  /// How requests are stored.
  package struct Storing: Sendable, Equatable {
    /// How long a request is left alone: it may be delivered meanwhile.
    package let delay: Duration
    /// Whether a record is to be relied on only when it is synced.
    package let syncs: Bool

    package init(delay: Duration, syncs: Bool) {
      self.delay = delay
      self.syncs = syncs
    }
  }

  /// What is to be done with the disk.
  package enum StoreStep {
    /// Append this request, and tell `stored`.
    case append(EncodedRequest)
    /// Have all that was appended synced, and tell `synced` with this number.
    case sync(upTo: UInt64)
    /// There is nothing to do before that time (nil: before something happens).
    case wait(until: UInt64?)
  }

  /// Requests that need nobody's care any more.
  package struct Finished {
    /// To be settled.
    package var requests: [EncodedRequest] = []
    /// To be marked as done.
    package var records: [SpoolRecord] = []

    /// Tells the spools. Not to be called under the queue's lock.
    package func tell() {
      for request in requests { request.settle() }
      for record in records { record.markAllDone() }
    }
  }

  struct DiskState {
    /// What is not stored, taken or not.
    var unstored = FIFO<Entry>()
    /// The oldest of those, while it is being stored or must be tried again.
    var appending: Entry?
    /// Stored, but not synced.
    var unsynced = FIFO<Entry>()
    /// The newest of those that a sync was asked for.
    var syncOrder: UInt64 = 0
    /// Whether that sync has not ended. One at a time, so that its end says nothing of what was stored anew since.
    var isSyncing = false
    /// Whether a sync has failed.
    var hasLostTrust = false
    /// When to go on after the disk has refused.
    var pauseEnd: UInt64?
    var loading: Entry?
    /// Whether requests of earlier runs are still to be expected, which go before all others.
    var isBehind = false
    var lastRestoredOrder: UInt64 = 0
  }

  /// How long to leave a disk alone that has refused.
  static let pause: UInt64 = 1_000_000_000

  /// Bytes in memory past which requests are stored at once.
  private var halfOfMemory: Int { limits.bytes / 2 }

  /// Bytes that the front takes at most. Enough to keep every sender busy while the next are read back; more would keep
  /// in memory, for as long as a backend is away, what is on disk anyhow.
  private var frontBytes: Int { limits.bytes / 8 }

  /// What is finished since the last call.
  mutating func takeFinished() -> Finished {
    defer { finished = Finished() }
    return finished
  }

  /// Frees the room of an entry that was taken: it was delivered, or given up for good.
  mutating func finish(_ entry: Entry) {
    if !entry.isSecured, let request = entry.request { finished.requests.append(request) }
    if let record = entry.record { finished.records.append(record) }
    release(entry)
  }

  // Storing

  mutating func nextStore(now: UInt64) -> StoreStep {
    guard let storing else { return .wait(until: nil) }
    if let pause = disk.pauseEnd, now < pause { return .wait(until: pause) }
    disk.pauseEnd = nil
    if disk.hasLostTrust { storeAnew() }
    if disk.appending?.isReleased == true { disk.appending = nil }
    if disk.appending == nil, let oldest = disk.unstored.first, isDue(oldest, now: now) {
      disk.appending = disk.unstored.popFirst()
    }
    if let request = disk.appending?.request { return .append(request) }
    if storing.syncs, !disk.isSyncing, let newest = disk.unsynced.last, newest.order > disk.syncOrder {
      disk.syncOrder = newest.order
      disk.isSyncing = true
      return .sync(upTo: newest.order)
    }
    return .wait(until: disk.unstored.first.map { due($0) })
  }

  private func due(_ entry: Entry) -> UInt64 {
    let (time, overflow) = entry.arrival.addingReportingOverflow(storing?.delay.nanoseconds ?? 0)
    return overflow ? .max : time
  }

  private func isDue(_ entry: Entry, now: UInt64) -> Bool { due(entry) <= now || usedBytes > halfOfMemory }

  /// Takes note of what became of `append`: the record, or nil when the disk refused.
  mutating func stored(_ record: SpoolRecord?, now: UInt64) {
    guard let record else {
      disk.pauseEnd = now &+ Self.pause
      return
    }
    guard let entry = disk.appending else { preconditionFailure("nothing was being stored") }
    disk.appending = nil
    entry.record = record
    if entry.isReleased {
      finished.records.append(record)
    } else if storing?.syncs == true {
      disk.unsynced.append(entry)
    } else {
      secure(entry)
    }
  }

  /// Takes note of how a sync ended.
  mutating func synced(upTo order: UInt64, isDone: Bool, now: UInt64) {
    disk.isSyncing = false
    guard isDone else {
      disk.hasLostTrust = true
      disk.pauseEnd = now &+ Self.pause
      return
    }
    while let entry = disk.unsynced.first, entry.order <= order {
      _ = disk.unsynced.popFirst()
      if !entry.isReleased { secure(entry) }
    }
  }

  /// After a sync has failed nobody can say what is on the disk: what it concerned is stored anew.
  private mutating func storeAnew() {
    disk.hasLostTrust = false
    disk.syncOrder = 0
    var entries: [Entry] = []
    while let entry = disk.unsynced.popFirst() {
      guard !entry.isReleased else { continue }
      if let record = entry.record { finished.records.append(record) }
      entry.record = nil
      entries.append(entry)
    }
    if let appending = disk.appending { entries.append(appending) }
    disk.appending = nil
    for entry in entries.reversed() { disk.unstored.insert(entry, at: 0) }
  }

  private mutating func secure(_ entry: Entry) {
    noteSecured(entry)
    if let request = entry.request { finished.requests.append(request) }
    guard !entry.isTaken else { return }
    precondition(fresh.first === entry, "requests are stored in their order")
    _ = fresh.popFirst()
    headBytes += entry.byteCount
    if stored.isEmpty, headBytes <= frontBytes {
      front.append(entry)
    } else {
      dropMemory(of: entry)
      stored.append(entry)
    }
  }

  // Giving memory up

  /// Whether what was taken or is next takes more memory than it should.
  var isHeadTooLarge: Bool { headBytes > frontBytes }

  /// Lets the last request of the front leave the memory; false when the front is empty, or that is all there is.
  mutating func shrinkFront() -> Bool {
    guard let last = front.last, headBytes > last.byteCount, let entry = front.popLast() else { return false }
    dropMemory(of: entry)
    insertStored(entry)
    return true
  }

  /// Takes back an entry that was taken and is secured, for later: it leaves the memory.
  mutating func putBack(_ entry: Entry) {
    entry.isTaken = false
    dropMemory(of: entry)
    insertStored(entry)
  }

  private mutating func insertStored(_ entry: Entry) {
    if let first = stored.first, entry.order < first.order { return stored.insert(entry, at: 0) }
    var position = stored.count
    while position > 0, let before = stored[position - 1], before.order > entry.order { position -= 1 }
    stored.insert(entry, at: position)
  }

  // Loading

  /// Whether the next request is on disk only.
  var mustLoad: Bool { front.isEmpty && !stored.isEmpty }

  /// Begins to load the oldest that is on disk only; nil when it has no room in memory. Without it nothing would go on,
  /// so one always has.
  mutating func beginLoading() -> SpoolRecord? {
    guard disk.loading == nil, let oldest = stored.first, let record = oldest.record,
      headBytes == 0 || headBytes + oldest.byteCount <= frontBytes
    else { return nil }
    disk.loading = stored.popFirst()
    return record
  }

  /// Ends what `beginLoading` began; without a request it stays on disk.
  mutating func endLoading(_ request: EncodedRequest?) {
    guard let entry = disk.loading else { preconditionFailure("nothing was being loaded") }
    disk.loading = nil
    guard let request else { return insertStored(entry) }
    entry.request = request
    usedBytes += entry.byteCount
    headBytes += entry.byteCount
    front.append(entry)
  }

  /// Gives up the oldest request on disk, which cannot be read. Its record stays for whoever can.
  ///
  /// - Returns: its items.
  mutating func abandonUnreadable() -> Int {
    guard let entry = stored.popFirst() else { return 0 }
    release(entry)
    return entry.itemCount
  }

  // Earlier runs

  /// From now on nothing new is taken before `endRestoring`.
  mutating func beginRestoring() { disk.isBehind = true }

  mutating func endRestoring() { disk.isBehind = false }

  /// Adds a request of an earlier run.
  mutating func restore(_ record: SpoolRecord, itemCount: Int, byteCount: Int) {
    disk.lastRestoredOrder += 1
    let entry = Entry(
      order: disk.lastRestoredOrder, itemCount: itemCount, byteCount: byteCount,
      size: limits.sizer.size(items: itemCount, bytes: byteCount), arrival: 0)
    entry.record = record
    entry.isSecured = true
    hold(entry)
    stored.append(entry)
  }
}
