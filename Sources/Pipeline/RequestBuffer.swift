package import OTLP

/// Accepted requests in memory, first in, first out, within two bounds.
///
/// A request whose size alone is above the bound of the sizer finds room while nothing else is held, since no wait would
/// make it smaller. The bound in bytes holds for every request.
///
/// A request occupies room from `admit` until `release`, also after it was taken: what is under way counts. This is all
/// that a queue asks of its storage, so that one on disk can stand in its place.
package struct RequestBuffer {
  /// A request in the buffer, or taken from it.
  package struct Entry {
    package let request: EncodedRequest
    /// When it was accepted, in monotonic nanoseconds.
    package let arrival: UInt64
    fileprivate let size: Int
    fileprivate let bytes: Int
  }

  private let limits: QueueLimits
  private var entries = FIFO<Entry>()
  /// Room that is taken, counted by the sizer.
  package private(set) var usedSize = 0
  package private(set) var usedBytes = 0
  /// Requests whose room is taken.
  package private(set) var heldCount = 0
  // The largest request seen that can be held at all: see `isFull`.
  private var largestSize = 1
  private var largestBytes = 1

  package init(_ limits: QueueLimits) {
    self.limits = limits
  }

  /// Whether a request like the largest so far would find no room. Who asks this before accepting data loses none of it
  /// here.
  package var isFull: Bool {
    !hasRoom(size: largestSize, bytes: largestBytes)
  }

  /// Whether the request would find room if the buffer were empty.
  package func canEverHold(_ request: EncodedRequest) -> Bool {
    request.byteCount <= limits.bytes
  }

  private func hasRoom(size: Int, bytes: Int) -> Bool {
    (heldCount == 0 || usedSize + size <= limits.size) && usedBytes + bytes <= limits.bytes
  }

  /// The oldest request that nobody has taken yet.
  package var first: Entry? { entries.first }

  /// Puts a request at the end.
  ///
  /// - Returns: false when there is no room; nothing has changed then.
  package mutating func admit(_ request: EncodedRequest, now: UInt64) -> Bool {
    let size = limits.sizer.size(of: request)
    let bytes = request.byteCount
    if canEverHold(request) {
      largestSize = max(largestSize, size)
      largestBytes = max(largestBytes, bytes)
    }
    guard hasRoom(size: size, bytes: bytes) else { return false }
    usedSize += size
    usedBytes += bytes
    heldCount += 1
    entries.append(Entry(request: request, arrival: now, size: size, bytes: bytes))
    return true
  }

  /// Takes the oldest request out; its room stays taken.
  package mutating func takeFirst() -> Entry? {
    entries.popFirst()
  }

  /// Frees the room of an entry that was taken, once.
  package mutating func release(_ entry: Entry) {
    usedSize -= entry.size
    usedBytes -= entry.bytes
    heldCount -= 1
  }
}
