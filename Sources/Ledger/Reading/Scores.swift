package import Facts

/// A score, with whom it belongs to.
package struct ListedScore: Sendable, Equatable {
  package var id: String
  package var name: String
  package var number: Double?
  package var label: String?
  package var dataType: Score.DataType
  package var source: Score.Source
  /// Nanoseconds since the Unix epoch.
  package var timestamp: Int64
  /// 32 hexadecimal digits; that of a trace that did not come yet, too.
  package var trace: String?
  /// 16 hexadecimal digits.
  package var span: String?
  /// Of its trace, else the one that it names.
  package var session: String?
  /// nil also while it waits for its trace or session.
  package var endUser: String?
  package var comment: String?
  package var environment: String?
  /// A JSON object.
  package var metadata: String?
}

/// What the scores of one name come to.
package struct ScoreSummary: Sendable, Equatable {
  package var name: String
  package var count: Int64
  /// Of those that have a number.
  package var mean: Double?
  /// What the latest says: its number, or else its label.
  package var latest: Value?

  package enum Value: Sendable, Equatable {
    case number(Double)
    case label(String)
  }

  /// Names of one owner at most.
  package static let mostNames = 64
}

/// The scores of a day.
package struct ScoreDay: Sendable, Equatable {
  /// In UTC, by its number since the Unix epoch.
  package var day: Int64
  /// Without what is the latest, by name.
  package var scores: [ScoreSummary]
}

extension ScoreSummary {
  /// Those of one owner, by name.
  static func all(of owner: ScoreOwner, _ row: Int64, in database: Database) throws(LedgerError) -> [ScoreSummary] {
    var summaries: [ScoreSummary] = []
    let sql = """
      SELECT n.name, m.scores, m.mean, sc.number, l.name
      FROM score_sums m JOIN score_names n ON n.id = m.name LEFT JOIN scores sc ON sc.id = m.latest
        LEFT JOIN score_names l ON l.id = sc.label
      WHERE m.owner_kind = ? AND m.owner = ? ORDER BY n.name LIMIT ?
      """
    try database.forEach(sql, [.int(owner.rawValue), .int(row), .int(Int64(mostNames))]) { row in
      var columns = RowReader(row)
      var summary = ScoreSummary(name: columns.text(), count: columns.int(), mean: columns.optionalDouble())
      let (number, label) = (columns.optionalDouble(), columns.optionalText())
      summary.latest = number.map(Value.number) ?? label.map(Value.label)
      summaries.append(summary)
    }
    return summaries
  }
}

extension ScoreDay {
  /// More than ten years.
  private static let mostDays = 4000

  /// A user's days that lie within a time at least in part, the earliest first; of very many the latest.
  static func all(
    of user: Int64, since: Int64?, until: Int64?, in database: Database
  ) throws(LedgerError) -> [ScoreDay] {
    var days: [Int64: [Int64: ScoreSum]] = [:]
    let sql = "SELECT time, name, number FROM scores WHERE user = ? AND time BETWEEN ? AND ?"
    try database.forEach(sql, [.int(user), .int(first(since)), .int(last(until))]) { row in
      var columns = RowReader(row)
      let (time, name, number) = (columns.int(), columns.int(), columns.optionalDouble())
      days[LedgerTime.day(of: time), default: [:]][name, default: ScoreSum()].add(number)
    }
    var names: [Int64: String] = [:]
    for name in Set(days.values.flatMap(\.keys)) {
      if case .text(let text) = try database.value("SELECT name FROM score_names WHERE id = ?", [.int(name)]) {
        names[name] = text
      }
    }
    return days.keys.sorted().suffix(mostDays).map { day in
      let summaries = (days[day] ?? [:]).map { name, sum in
        ScoreSummary(name: names[name] ?? "", count: sum.scores, mean: sum.mean)
      }
      return ScoreDay(
        day: day, scores: Array(summaries.sorted { $0.name < $1.name }.prefix(ScoreSummary.mostNames)))
    }
  }

  /// The first moment of the day that something begins on.
  private static func first(_ since: Int64?) -> Int64 {
    guard let since else { return .min }
    let (start, isTooEarly) = LedgerTime.day(of: since).multipliedReportingOverflow(by: LedgerTime.nanosecondsPerDay)
    return isTooEarly ? .min : start
  }

  /// The last moment of the day that something ends on. The end itself is no part of the time.
  private static func last(_ until: Int64?) -> Int64 {
    guard let until else { return .max }
    guard until > .min else { return .min }
    let (start, isTooLate) = (LedgerTime.day(of: until - 1) + 1).multipliedReportingOverflow(
      by: LedgerTime.nanosecondsPerDay)
    return isTooLate ? .max : start - 1
  }
}
