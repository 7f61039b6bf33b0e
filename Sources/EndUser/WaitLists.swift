/// The waits of a shard's traces in the order in which they end, in two lanes: those of what came in this run, and those
/// of what an earlier run accepted and this one replays.
///
/// What is replayed has the time of its arrival, however long ago that was; in one list, it would have to be sorted in.
struct WaitLists {
  struct Lane {
    /// Traces whose spans wait, by their first span's arrival.
    var waiting = EntryList.byOrder
    /// Traces whose root named nobody, and traces whose local root waits for the true one: by deadline.
    var fallback = EntryList.byShortWait
    var local = EntryList.byShortWait
  }

  var live = Lane()
  var replayed = Lane()

  /// The trace that waits longest.
  var first: TraceEntry.Pointer? {
    guard let one = live.waiting.first else { return replayed.waiting.first }
    guard let other = replayed.waiting.first else { return one }
    return other.pointee.since <= one.pointee.since ? other : one
  }

  /// Begins the wait for a root.
  mutating func append(_ entry: TraceEntry.Pointer, _ lane: TraceEntry.Lane) {
    entry.pointee.lane = lane
    with(lane) { $0.waiting.append(entry) }
  }

  /// Ends it.
  mutating func remove(_ entry: TraceEntry.Pointer) {
    with(entry.pointee.lane) { $0.waiting.remove(entry) }
  }

  /// Begins a short wait, unless the trace is in one.
  mutating func start(
    _ wait: TraceEntry.ShortWait, of entry: TraceEntry.Pointer, until deadline: UInt64, _ lane: TraceEntry.Lane
  ) {
    guard entry.pointee.shortWait == .none else { return }
    entry.pointee.shortWait = wait
    entry.pointee.shortLane = lane
    entry.pointee.shortDeadline = deadline
    with(lane) { lists in
      switch wait {
      case .none: break
      case .fallback: lists.fallback.append(entry)
      case .localRoot: lists.local.append(entry)
      }
    }
  }

  /// Ends the short wait that the trace is in, if any.
  mutating func endShortWait(of entry: TraceEntry.Pointer) {
    with(entry.pointee.shortLane) { lists in
      switch entry.pointee.shortWait {
      case .none: break
      case .fallback: lists.fallback.remove(entry)
      case .localRoot: lists.local.remove(entry)
      }
    }
    entry.pointee.shortWait = .none
  }

  @inline(__always)
  private mutating func with(_ lane: TraceEntry.Lane, _ body: (inout Lane) -> Void) {
    switch lane {
    case .live: body(&live)
    case .replayed: body(&replayed)
    }
  }
}
