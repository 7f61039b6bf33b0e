/// A user or a session while its traces change: what its row says, and what is to be looked up before that is right again.
class Account {
  let id: Int64
  let name: String
  /// Whether there is a row.
  var isStored = false
  /// Whether something changed in this transaction.
  var isTouched = false

  var totals = Totals()
  /// The first and the last trace's start.
  var first: Int64?
  var last: Int64?
  /// Of the latest trace that has any, and which one that is.
  var metadata: Int64?
  var metadataMoment: Moment?
  /// What the row says.
  var storedMetadata: Int64?
  var latencies = LatencySketch()
  /// Of nobody but users and sessions: everybody's are counted apart.
  var labels = LabelCounts()
  /// What has to be looked up: the trace that it came from has changed.
  var unsure: Unsure = []

  struct Unsure: OptionSet {
    let rawValue: UInt8

    static let first = Unsure(rawValue: 1)
    static let last = Unsure(rawValue: 2)
    static let metadata = Unsure(rawValue: 4)
    /// Of a session.
    static let lastEnd = Unsure(rawValue: 8)
    static let user = Unsure(rawValue: 16)
    static let agreement = Unsure(rawValue: 32)
  }

  required init(id: Int64, name: String) {
    self.id = id
    self.name = name
  }

  /// Has what a trace adds to the account taken off, put on, or replaced.
  func change(from old: TraceView?, to new: TraceView?) {
    if let old {
      totals.add(old.row.figures, -1)
      latencies.add(bucket: old.bucket, -1)
    }
    if let new {
      totals.add(new.row.figures, 1)
      latencies.add(bucket: new.bucket, 1)
    }
    changeTimes(from: old, to: new)
    // Everybody has no metadata.
    guard id != 0 else { return }
    labels.change(from: old, to: new)
    changeMetadata(from: old, to: new)
  }

  private func changeTimes(from old: TraceView?, to new: TraceView?) {
    let (old, new) = (old?.row.start, new?.row.start)
    guard old != new else { return }
    if totals.traces == 0 {
      (first, last) = (nil, nil)
      unsure.subtract([.first, .last])
      return
    }
    if let new, new <= first ?? .max {
      first = new
    } else if let old, old == first {
      unsure.insert(.first)
    }
    if let new, new >= last ?? .min {
      last = new
    } else if let old, old == last {
      unsure.insert(.last)
    }
  }

  private func changeMetadata(from old: TraceView?, to new: TraceView?) {
    if let new, let metadata = new.row.metadata, metadataMoment.map({ new.row.moment >= $0 }) ?? true {
      self.metadata = metadata
      metadataMoment = new.row.moment
    } else if let old, old.row.metadata != nil, old.row.id == metadataMoment?.trace,
      old.row.moment != new?.row.moment || new?.row.metadata == nil
    {
      unsure.insert(.metadata)
    }
  }

  // MARK: In SQL

  class var table: String { "users" }
  /// 0 users, 1 sessions.
  class var kind: Int64 { 0 }
  /// Beside id, name, sums and what every account has.
  class var ownColumns: [String] { ["sessions"] }

  func readOwn(_ row: Statement, from column: Int) {}
  func bindOwn(to statement: Statement, from place: Int) {}
}

/// The account of an end user. That with the id 0 is everybody's.
final class UserAccount: Account {
  /// Sessions whose end user this is.
  var sessions: Int64 = 0
  /// What was added to its days in this transaction. By day, in UTC, by its number since the Unix epoch; mostly one.
  var days: [(day: Int64, totals: Totals)] = []

  private static let nanosecondsPerDay: Int64 = 86_400_000_000_000

  override func change(from old: TraceView?, to new: TraceView?) {
    super.change(from: old, to: new)
    if let old { count(old, -1) }
    if let new { count(new, 1) }
  }

  private func count(_ trace: TraceView, _ sign: Int64) {
    // Times before 1970 do not come.
    let day = trace.row.start / Self.nanosecondsPerDay
    let place = days.lastIndex { $0.day == day }
    if place == nil { days.append((day, Totals())) }
    days[place ?? days.count - 1].totals.add(trace.row.figures, sign)
  }

  override func readOwn(_ row: Statement, from column: Int) {
    sessions = row.int(column)
  }

  override func bindOwn(to statement: Statement, from place: Int) {
    statement.bind(place, sessions)
  }
}

/// A trace as accounts see it, with what they would otherwise each find out on their own.
final class TraceView {
  let row: TraceRow
  /// Of its latency.
  let bucket: Int32
  /// Models and tags.
  let labels: [Label]

  init(row: TraceRow, bucket: Int32, labels: [Label]) {
    self.row = row
    self.bucket = bucket
    self.labels = labels
  }

  func hasSameLabels(as other: TraceView) -> Bool {
    row.labels == other.row.labels && row.name == other.row.name
  }

  @inline(__always)
  func forEachLabel(_ body: (Label) -> Void) {
    for label in labels { body(label) }
    if let name = row.name { body(Label(kind: .workflow, name: name)) }
  }
}
