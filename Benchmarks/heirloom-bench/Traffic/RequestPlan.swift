/// Which spans a request has: the children of a row of traces, and roots.
struct RequestPlan: Equatable {
  /// Most spans in a request.
  static let spans = 512

  /// Traces whose nine children are in the request.
  var children = 0..<0
  /// Traces of an earlier request whose roots are in this one, before everything else of theirs.
  var lateRoots = 0..<0
  /// How many of the last traces in `children` are without their root.
  var heldBack = 0

  var spanCount: Int {
    children.count * (Numbering.spansPerTrace - 1) + lateRoots.count + children.count - heldBack
  }
}

/// The requests of one connection, in order.
struct RequestPlanner {
  /// What becomes of the roots.
  enum Roots {
    /// A tenth comes one request later than its children, as happens when a batch is cut in the middle of traces.
    case tenthLate
    /// None are sent.
    case kept
    /// Nothing else is sent.
    case only
  }

  private var rest: Range<Int>
  private let roots: Roots
  private var late = 0..<0
  private var isFirst = true

  init(traces: Range<Int>, roots: Roots) {
    rest = traces
    self.roots = roots
  }

  /// The next request; nil when there is none.
  mutating func next() -> RequestPlan? {
    guard !rest.isEmpty || !late.isEmpty else { return nil }
    var plan = RequestPlan()
    switch roots {
    case .tenthLate:
      // Whole traces and some without root, so that they fill the request together with the late roots exactly. The
      // first request of a connection is one span short: so the number of late roots goes round 9, 7, 5, 3, 1.
      let room = RequestPlan.spans - late.count - (isFirst ? 1 : 0)
      isFirst = false
      plan.lateRoots = late
      plan.children = take((room + Numbering.spansPerTrace - 1) / Numbering.spansPerTrace)
      plan.heldBack = max(0, plan.children.count * Numbering.spansPerTrace - room)
      late = plan.children.suffix(plan.heldBack)
    case .kept:
      plan.children = take(RequestPlan.spans / (Numbering.spansPerTrace - 1))
      plan.heldBack = plan.children.count
    case .only:
      plan.lateRoots = take(RequestPlan.spans)
    }
    return plan
  }

  private mutating func take(_ count: Int) -> Range<Int> {
    let taken = rest.prefix(count)
    rest = taken.upperBound..<rest.upperBound
    return taken
  }
}
