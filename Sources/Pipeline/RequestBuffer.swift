package import OTLP
import Spool

/// Accepted requests, first in, first out, within two bounds.
///
/// A request whose size alone is above the bound of the sizer finds room while nothing else is held, since no wait would
/// make it smaller. A request occupies room from `admit` until `release`, also after it was taken: what is under way
/// counts.
///
/// Where requests can be stored (see `RequestBuffer+Storage`), the bound in bytes is for what is in memory, and what is
/// there is the oldest and the newest: in between, requests are on disk only until their turn comes.
package struct RequestBuffer {
  /// A request that is held: it waits, or was taken and is not released.
  package final class Entry {
    /// Larger than that of each entry before it in the queue.
    let order: UInt64
    package let itemCount: Int
    let byteCount: Int
    let size: Int
    /// When it was accepted, in monotonic nanoseconds.
    package let arrival: UInt64
    /// Nil while it is on disk only.
    package internal(set) var request: EncodedRequest?
    /// Where it is in the durable queue, if it is.
    var record: SpoolRecord?
    /// Whether its record can be relied on, so that nobody else has to keep the request.
    var isSecured = false
    var isTaken = false
    var isReleased = false
    /// When it was first tried, if it came back since.
    var firstAttempt: UInt64?
    /// What it left in, while that is under way.
    weak var job: DeliveryJob?

    init(order: UInt64, itemCount: Int, byteCount: Int, size: Int, arrival: UInt64) {
      self.order = order
      self.itemCount = itemCount
      self.byteCount = byteCount
      self.size = size
      self.arrival = arrival
    }
  }

  let limits: QueueLimits
  /// Nil: all is in memory.
  let storing: Storing?
  // In the order of the queue:
  /// In memory and on disk.
  var front = FIFO<Entry>()
  /// On disk only.
  var stored = FIFO<Entry>()
  /// In memory only.
  var fresh = FIFO<Entry>()
  private var nextOrder = Self.firstOrder
  /// Below it is room for what earlier runs have left.
  private static let firstOrder: UInt64 = 1 << 40

  /// Room that is taken, counted by the sizer.
  package internal(set) var usedSize = 0
  /// Bytes in memory.
  package internal(set) var usedBytes = 0
  /// Of those, bytes of requests that are in memory only, or perhaps are.
  private var unsecuredBytes = 0
  /// And bytes of requests that were taken, or are next.
  var headBytes = 0
  /// Requests whose room is taken.
  package internal(set) var heldCount = 0
  var heldItems = 0
  // The largest request seen that can be held at all: see `isFull`.
  private var largestSize = 1
  private var largestBytes = 1

  var disk = DiskState()
  /// What the caller must do, outside its locks: see `takeFinished`.
  var finished = Finished()

  package init(_ limits: QueueLimits, storing: Storing? = nil) {
    self.limits = limits
    self.storing = storing
  }

  /// Whether a request like the largest so far would find no room. Who asks this before accepting data loses none of it
  /// here.
  ///
  /// When all that is in memory is on disk too, one more has room: what waits for its next attempt may take most of a small
  /// memory, and nothing would be accepted until the destination is back.
  package var isFull: Bool {
    let isBacklogStored = storing != nil && unsecuredBytes == 0 && usedBytes <= max(limits.bytes, largestBytes)
    return isFullByCount || (usedBytes + largestBytes > limits.bytes && !isBacklogStored)
  }

  /// The same, but for the bound in bytes.
  var isFullByCount: Bool { !hasRoom(size: largestSize) }

  /// Whether the request would find room if the buffer were empty.
  package func canEverHold(_ request: EncodedRequest) -> Bool {
    storing != nil || request.byteCount <= limits.bytes
  }

  private func hasRoom(size: Int) -> Bool { heldCount == 0 || usedSize + size <= limits.size }

  /// The oldest request that nobody has taken yet and that is in memory. Nil while it is on disk.
  package var first: Entry? { ready(at: 0) }

  /// The oldest of all requests that nobody has taken yet.
  var oldest: Entry? { front.first ?? stored.first ?? ready(at: 0) }

  /// The requests that can be taken, by how many would be taken before.
  func ready(at position: Int) -> Entry? {
    if position < front.count { return front[position] }
    return stored.isEmpty && !disk.isBehind ? fresh[position - front.count] : nil
  }

  /// Puts a request at the end.
  ///
  /// Whoever may not lose a request looks at `isFull` first. What comes then is taken where it can be kept, though it be
  /// larger than all before, or others have come in between: there is no second look at what was acknowledged.
  ///
  /// - Parameters:
  ///   - request: to be held.
  ///   - now: monotonic nanoseconds.
  ///   - mayOverfill: whether it is taken in any case.
  /// - Returns: false when there is no room; nothing has changed then.
  package mutating func admit(_ request: EncodedRequest, now: UInt64, mayOverfill: Bool = false) -> Bool {
    let size = limits.sizer.size(of: request)
    let bytes = request.byteCount
    // With a disk behind it, a request that is too large for the memory may stay in it until it is stored.
    let isInBounds =
      storing == nil
      ? hasRoom(size: size) && usedBytes + bytes <= limits.bytes : hasRoom(size: min(size, largestSize))
    if canEverHold(request) {
      largestSize = max(largestSize, size)
      largestBytes = max(largestBytes, bytes)
    }
    guard isInBounds || mayOverfill else { return false }
    let entry = Entry(
      order: nextOrder, itemCount: request.itemCount, byteCount: bytes, size: size, arrival: now)
    nextOrder += 1
    entry.request = request
    usedBytes += bytes
    unsecuredBytes += bytes
    hold(entry)
    fresh.append(entry)
    if storing != nil { disk.unstored.append(entry) }
    return true
  }

  mutating func hold(_ entry: Entry) {
    usedSize += entry.size
    heldCount += 1
    heldItems += entry.itemCount
    largestBytes = max(largestBytes, entry.byteCount)
  }

  /// Takes the oldest request out; its room stays taken.
  package mutating func takeFirst() -> Entry? {
    let entry: Entry?
    if let next = front.popFirst() {
      entry = next
    } else if ready(at: 0) != nil, let next = fresh.popFirst() {
      headBytes += next.byteCount
      entry = next
    } else {
      entry = nil
    }
    entry?.isTaken = true
    return entry
  }

  /// Frees the room of an entry that was taken, once.
  package mutating func release(_ entry: Entry) {
    entry.isReleased = true
    usedSize -= entry.size
    heldCount -= 1
    heldItems -= entry.itemCount
    dropMemory(of: entry)
    while disk.unstored.first?.isReleased == true { _ = disk.unstored.popFirst() }
  }

  /// Takes note that an entry's record can be relied on.
  mutating func noteSecured(_ entry: Entry) {
    entry.isSecured = true
    unsecuredBytes -= entry.byteCount
  }

  /// Of an entry that was taken or is in front.
  mutating func dropMemory(of entry: Entry) {
    guard entry.request != nil else { return }
    entry.request = nil
    usedBytes -= entry.byteCount
    headBytes -= entry.byteCount
    if !entry.isSecured { unsecuredBytes -= entry.byteCount }
  }
}
