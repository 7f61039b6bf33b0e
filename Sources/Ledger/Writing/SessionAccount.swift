/// The account of a session.
final class SessionAccount: Account {
  /// The end user of the latest trace that names one itself, and which trace that is.
  var user: Int64?
  var userMoment: Moment?
  /// The user that the row names; its traces without one of their own belong to that user.
  var storedUser: Int64?
  /// Whether traces name different end users.
  var disagrees = false
  /// Traces that name none themselves.
  var unnamed: Int64 = 0
  /// When the last trace ends.
  var lastEnd: Int64?
  /// Whether the user was another one for a while in this transaction.
  var hasWavered = false

  private var named: Int64 { totals.traces - unnamed }

  override func change(from old: TraceView?, to new: TraceView?) {
    super.change(from: old, to: new)
    changeEnd(from: old?.row.end, to: new?.row.end)
    if let old, old.row.ownUser == nil { unnamed -= 1 }
    if let new, new.row.ownUser == nil { unnamed += 1 }
    changeUser(from: old, to: new)
  }

  private func changeEnd(from old: Int64?, to new: Int64?) {
    if let new, new >= lastEnd ?? .min {
      lastEnd = new
    } else if let old, old == lastEnd, old != new {
      unsure.insert(.lastEnd)
    }
  }

  private func changeUser(from old: TraceView?, to new: TraceView?) {
    let (oldUser, newUser) = (old?.row.ownUser, new?.row.ownUser)
    let (oldMoment, newMoment) = (old?.row.moment, new?.row.moment)
    if oldUser == newUser, oldMoment == newMoment { return }
    let before = user
    defer { if user != before { hasWavered = true } }
    guard named > 0 else {
      (user, userMoment, disagrees) = (nil, nil, false)
      unsure.subtract([.user, .agreement])
      return
    }
    // Others disagree with a user that comes or goes, unless it is the only trace that names one.
    if named == 1, newUser != nil {
      disagrees = false
      unsure.subtract([.user, .agreement])
      (user, userMoment) = (newUser, newMoment)
      return
    }
    if let newUser, newUser != user { unsure.insert(.agreement) }
    if oldUser != nil, disagrees { unsure.insert(.agreement) }
    if let newUser, let newMoment, userMoment.map({ newMoment >= $0 }) ?? true {
      (user, userMoment) = (newUser, newMoment)
    } else if oldUser != nil, oldMoment?.trace == userMoment?.trace {
      unsure.insert(.user)
    }
  }

  // MARK: In SQL

  override class var table: String { "sessions" }
  override class var kind: Int64 { 1 }
  override class var ownColumns: [String] { ["user", "user_start", "user_trace", "disagrees", "unnamed", "last_end"] }

  override func readOwn(_ row: Statement, from column: Int) {
    user = row.optionalInt(column)
    storedUser = user
    userMoment = user.map { _ in Moment(start: row.int(column + 1), trace: row.int(column + 2)) }
    disagrees = row.int(column + 3) != 0
    unnamed = row.int(column + 4)
    lastEnd = row.optionalInt(column + 5)
  }

  override func bindOwn(to statement: Statement, from place: Int) {
    statement.bind(place, user)
    statement.bind(place + 1, userMoment?.start)
    statement.bind(place + 2, userMoment?.trace)
    statement.bind(place + 3, Int64(disagrees ? 1 : 0))
    statement.bind(place + 4, unnamed)
    statement.bind(place + 5, lastEnd)
  }
}
