import Facts
import OTLP

/// Where a score belongs: rows of `traces`, `sessions` and `users`; none that it still waits for.
struct ScorePlace: Equatable {
  var trace: Int64?
  var session: Int64?
  var user: Int64?

  subscript(owner: ScoreOwner) -> Int64? {
    switch owner {
    case .user: user
    case .session: session
    case .trace: trace
    }
  }
}

/// What of a row of `scores` decides where it belongs, and what it adds there.
struct ScoreRow {
  var id: Int64
  /// Of `score_names`, as is the label.
  var name: Int64
  var number: Double?
  var label: Int64?
  /// Nanoseconds since the Unix epoch.
  var time: Int64
  /// The 16 bytes of a trace's id.
  var aboutTrace: [UInt8]?
  var aboutSession: String?
  var place = ScorePlace()

  // MARK: In SQL

  static let columns = "id, name, number, label, time, about_trace, about_session, trace, session, user"

  init(_ row: Statement) {
    id = row.int(0)
    name = row.int(1)
    number = row.isNull(2) ? nil : row.double(2)
    label = row.optionalInt(3)
    time = row.int(4)
    aboutTrace = row.isNull(5) ? nil : row.bytes(5)
    aboutSession = row.optionalText(6)
    place = ScorePlace(trace: row.optionalInt(7), session: row.optionalInt(8), user: row.optionalInt(9))
  }

  init(_ score: Score, id: Int64, name: Int64, label: Int64?) {
    self.id = id
    self.name = name
    self.label = label
    number = score.number
    time = Int64(clamping: score.timestamp)
    aboutTrace = score.trace.map { trace in withUnsafeBytes(of: (trace.first, trace.second)) { Array($0) } }
    aboutSession = score.session
  }
}
