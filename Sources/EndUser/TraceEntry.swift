import OTLP

/// What a shard knows of one trace.
struct TraceEntry {
  enum State: UInt8 {
    /// No root has come.
    case collecting
    /// The root came and named nobody: the trace waits for a span that does.
    case anonymous
    /// Spans go straight through, with the identity if there is one.
    case resolved
  }

  /// A wait that may end before the wait for the root does.
  enum ShortWait: UInt8 {
    case none
    /// The root named nobody: a span that names somebody may come.
    case fallback
    /// A local root named somebody: the true root may come.
    case localRoot
  }

  /// Whose lists an entry waits in.
  enum Lane: UInt8 {
    /// Of spans that this run accepted.
    case live
    /// Of spans that an earlier run accepted.
    case replayed
  }

  typealias Pointer = UnsafeMutablePointer<TraceEntry>

  let id: TraceID
  /// Whose trace it is: others may have one of that id too.
  let tenant: UInt64
  /// Monotonic nanoseconds: when the first span came; once resolved, when that was.
  var since: UInt64
  var state = State.collecting
  /// Whether a true root has come.
  var rootSeen = false
  /// Whether a waiting span names an end user in a convention that binds to any span.
  var hasCandidate = false
  /// Whether a waiting local root names one.
  var hasLocalSpeaker = false
  /// What is handed down. While a trace is anonymous: what its root said beside the end user.
  private var identityReference: Unmanaged<Identity>?
  private var originReference: Unmanaged<RequestOrigin>?
  /// The ids of spans that came already.
  var known = SpanIDSet()
  /// Bytes that the shard counts for a resolved trace.
  var rememberedBytes = 0
  var waiting = WaitingChain()
  /// The first waiting root that named nobody, whose scope lives as long as it waits: its resource may speak.
  var anonymousRoot: (span: UInt64, scope: Unmanaged<Scope>)?
  /// Neighbours in the list of waiting or of resolved traces, and in which lane it waits.
  var order = EntryLink()
  var lane = Lane.live
  /// Neighbours in the list of the short wait, in which lane that is, and when it ends.
  var short = EntryLink()
  var shortWait = ShortWait.none
  var shortLane = Lane.live
  var shortDeadline: UInt64 = 0
  /// Neighbours in the list of traces that can be spilled, whether it is in there, and since when.
  var spill = EntryLink()
  var canSpill = false
  var canSpillSince: UInt64 = 0

  init(id: TraceID, tenant: UInt64, since: UInt64) {
    self.id = id
    self.tenant = tenant
    self.since = since
  }

  var identity: Identity? {
    get { identityReference?.takeUnretainedValue() }
    set {
      let old = identityReference
      identityReference = newValue.map(Unmanaged.passRetained)
      old?.release()
    }
  }

  /// What came with the request that brought `anonymousRoot`: its headers may speak.
  var rootOrigin: RequestOrigin? {
    get { originReference?.takeUnretainedValue() }
    set {
      let old = originReference
      originReference = newValue.map(Unmanaged.passRetained)
      old?.release()
    }
  }

  /// Lets go of all memory outside the entry. Waiting spans must have been taken out before.
  mutating func free() {
    precondition(waiting.isEmpty, "an entry was freed with spans waiting in it")
    identity = nil
    rootOrigin = nil
    known.free()
  }

}

/// A place in a doubly linked list of entries.
struct EntryLink {
  var previous: TraceEntry.Pointer?
  var next: TraceEntry.Pointer?
}

/// A list of entries in the order in which they were appended. An entry is in one list for each of its links.
struct EntryList {
  private(set) var first: TraceEntry.Pointer?
  private var last: TraceEntry.Pointer?
  private(set) var count = 0
  /// Where the list's link lies in an entry. A key path would cost more than all else here.
  private let linkOffset: Int

  /// A list over `TraceEntry.order`.
  static var byOrder: EntryList { EntryList(linkOffset: MemoryLayout<TraceEntry>.offset(of: \.order)!) }
  /// A list over `TraceEntry.short`.
  static var byShortWait: EntryList { EntryList(linkOffset: MemoryLayout<TraceEntry>.offset(of: \.short)!) }
  /// A list over `TraceEntry.spill`.
  static var bySpill: EntryList { EntryList(linkOffset: MemoryLayout<TraceEntry>.offset(of: \.spill)!) }

  private init(linkOffset: Int) {
    self.linkOffset = linkOffset
  }

  private func link(_ entry: TraceEntry.Pointer) -> UnsafeMutablePointer<EntryLink> {
    (UnsafeMutableRawPointer(entry) + linkOffset).assumingMemoryBound(to: EntryLink.self)
  }

  mutating func append(_ entry: TraceEntry.Pointer) {
    link(entry).pointee = EntryLink(previous: last, next: nil)
    if let last { link(last).pointee.next = entry } else { first = entry }
    last = entry
    count += 1
  }

  mutating func remove(_ entry: TraceEntry.Pointer) {
    let place = link(entry).pointee
    if let previous = place.previous { link(previous).pointee.next = place.next } else { first = place.next }
    if let next = place.next { link(next).pointee.previous = place.previous } else { last = place.previous }
    link(entry).pointee = EntryLink()
    count -= 1
  }
}
