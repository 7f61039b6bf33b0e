import Spool

/// The blocks of one trace, in the order of their requests. Whoever holds a chain owns its blocks.
struct WaitingChain {
  private var first: WaitingBlock?
  private var last: WaitingBlock?
  /// The last block that spilling has been at: those behind it are in memory.
  private var passed: WaitingBlock?
  /// Spans and log records.
  private(set) var spanCount = 0
  /// The log records among them.
  private(set) var logCount = 0
  private(set) var byteCount = 0
  /// Spans and log records whose bytes are only in the spool.
  private(set) var spilledSpanCount = 0

  var isEmpty: Bool { first == nil }
  /// Whether spilling has been at all blocks.
  var isPassed: Bool { passed?.base == last?.base }

  mutating func append(_ block: WaitingBlock) {
    if let last { last.next = block } else { first = block }
    last = block
    spanCount += block.spanCount
    if block.isLogs { logCount += block.spanCount }
    byteCount += block.byteCount
  }

  /// Leaves the bytes of the first block that is in memory to the spool, if that has them.
  mutating func spillNext() {
    guard let block = passed?.next ?? (passed == nil ? first : nil) else { return }
    guard block.canSpill else {
      passed = block
      return
    }
    let isLast = block.base == last?.base
    byteCount -= block.byteCount
    let spilled = block.spilled()
    byteCount += spilled.byteCount
    spilledSpanCount += spilled.spanCount
    if let passed { passed.next = spilled } else { first = spilled }
    if isLast { last = spilled }
    passed = spilled
  }

  /// Lends the blocks.
  @inline(__always)
  func forEachBlock(_ body: (WaitingBlock) -> Void) {
    var block = first
    while let current = block {
      body(current)
      block = current.next
    }
  }

  /// Lends what leaves through an outlet, of a chain that has everything in memory.
  @inline(__always)
  func forEach(leavingThrough outlet: Int, _ body: (SpanView) -> Void) {
    forEachBlock { if $0.outlet == outlet { $0.forEach(body) } }
  }

  /// Takes the first block out; nil when there is none.
  mutating func popFirst() -> WaitingBlock? {
    guard let block = first else { return nil }
    first = block.next
    if first == nil { last = nil }
    if passed?.base == block.base { passed = nil }
    spanCount -= block.spanCount
    if block.isLogs { logCount -= block.spanCount }
    byteCount -= block.byteCount
    if block.isSpilled { spilledSpanCount -= block.spanCount }
    return block
  }

  /// Ends all blocks.
  mutating func free() {
    while let block = popFirst() { block.free() }
  }
}
