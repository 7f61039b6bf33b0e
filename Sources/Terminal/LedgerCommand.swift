/// A command that asks the ledger, as the command line has it.
package struct LedgerCommand: Equatable, Sendable {
  /// The command's word.
  package enum Name: String, CaseIterable, Sendable {
    case users, user, sessions, session, traces, trace, scores, overview
  }

  package enum Subject: Equatable, Sendable {
    case users, sessions, traces, scores, overview
    case user(String)
    case session(String)
    case trace(String)
    case forget(String)
  }

  package enum Form: Equatable, Sendable {
    case table, json, csv
  }

  /// Why arguments make no sense.
  package struct Misuse: Error, Equatable {
    package let message: String
  }

  package let name: Name
  package private(set) var subject = Subject.overview
  package private(set) var form = Form.table
  package private(set) var filter: String?
  package private(set) var sort: String?
  /// How many rows; nil for as many as there are, or as the command shows without being told.
  package private(set) var limit: Int?
  package private(set) var wantsAll = false
  /// Whether a trace's spans are wanted as they came, as far as they were kept whole.
  package private(set) var wantsBodies = false
  /// Whether it is wanted why a trace is whose it is.
  package private(set) var wantsWhy = false
  /// RFC 3339.
  package private(set) var since: String?
  package private(set) var until: String?
  /// Erases without asking.
  package private(set) var isConfirmed = false
  package private(set) var wantsHelp = false

  /// Where the ledger is: what the options `--ledger`, `--url`, `--token`, `--config` and `--set` were given.
  package private(set) var ledger: String?
  package private(set) var url: String?
  package private(set) var token: String?
  package private(set) var configs: [String] = []
  package private(set) var settings: [String] = []

  /// Whether the command itself says where the ledger is.
  package var namesLedger: Bool { ledger != nil || url != nil }

  /// - Parameters:
  ///   - name: the first word.
  ///   - arguments: what follows it.
  /// - Throws: `Misuse`.
  package init(_ name: Name, _ arguments: [String]) throws(Misuse) {
    try self.init(name, arguments, now: .now())
  }

  /// The same at a moment that spans of time count back from.
  init(_ name: Name, _ arguments: [String], now: Moment) throws(Misuse) {
    self.name = name
    var words: [String] = []
    var given: Set<String> = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        words += rest
        break
      }
      guard argument.hasPrefix("-"), argument != "-" else {
        words.append(argument)
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      // As with Go's flags, one dash is as good as two.
      let flag = String(parts[0].dropFirst(parts[0].hasPrefix("--") ? 2 : 1))
      if try !takeSwitch(flag, parts.count > 1) {
        guard Self.valued.contains(flag) else { throw Misuse(message: "unknown argument \"\(argument)\"") }
        guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
          throw Misuse(message: "--\(flag) needs a value")
        }
        try take(flag, value, now)
      }
      given.insert(flag)
    }
    guard !wantsHelp else { return }
    subject = try Self.subject(name, words)
    try check(given)
  }

  private static let valued: Set = [
    "filter", "sort", "limit", "since", "until", "ledger", "url", "token", "config", "set",
  ]

  /// Takes an option that has no value. False when it is none.
  private mutating func takeSwitch(_ flag: String, _ hasValue: Bool) throws(Misuse) -> Bool {
    switch flag {
    case "json": form = .json
    case "csv": form = .csv
    case "all": wantsAll = true
    case "bodies": wantsBodies = true
    case "why": wantsWhy = true
    case "yes", "y": isConfirmed = true
    case "help", "h": wantsHelp = true
    default: return false
    }
    if hasValue { throw Misuse(message: "--\(flag) takes no value") }
    return true
  }

  private mutating func take(_ flag: String, _ value: String, _ now: Moment) throws(Misuse) {
    switch flag {
    case "filter": filter = value
    case "sort": sort = value
    case "limit":
      guard let number = Int(value), number > 0, !value.hasPrefix("+") else {
        throw Misuse(message: "--limit needs a number above 0, not \"\(value)\"")
      }
      limit = number
    case "since": since = try Self.time(flag, value, now)
    case "until": until = try Self.time(flag, value, now)
    case "ledger": ledger = value
    case "url": url = value
    case "token": token = value
    case "config": configs.append(value)
    default: settings.append(value)
    }
  }

  /// A time, a date, or a span back from now.
  private static func time(_ flag: String, _ text: String, _ now: Moment) throws(Misuse) -> String {
    if let moment = Moment(text) ?? now.before(text) { return moment.text }
    throw Misuse(
      message:
        "--\(flag) needs a time (2026-11-21T09:30:00Z), a date (2026-11-21) or a span back from now (7d, 24h, 30m),"
        + " not \"\(text)\"")
  }

  private static func subject(_ name: Name, _ words: [String]) throws(Misuse) -> Subject {
    let subject: Subject
    var count = 0
    switch (name, words.first) {
    case (.users, "forget"?):
      guard words.count > 1 else { throw Misuse(message: "users forget needs the id of an end user") }
      subject = .forget(words[1])
      count = 2
    case (.users, _): subject = .users
    case (.sessions, _): subject = .sessions
    case (.traces, _): subject = .traces
    case (.scores, _): subject = .scores
    case (.overview, _): subject = .overview
    case (.user, let id?): (subject, count) = (.user(id), 1)
    case (.session, let id?): (subject, count) = (.session(id), 1)
    case (.trace, let id?): (subject, count) = (.trace(id.lowercased()), 1)
    default: throw Misuse(message: "\(name.rawValue) needs an id")
    }
    if words.count > count { throw Misuse(message: "unknown argument \"\(words[count])\"") }
    // An empty id would be another request.
    switch subject {
    case .user(""), .session(""), .trace(""), .forget(""): throw Misuse(message: "an id is not empty")
    default: return subject
    }
  }

  /// Options that a command doesn't have, and those that exclude one another.
  private func check(_ given: Set<String>) throws(Misuse) {
    var known: Set = ["ledger", "url", "token", "config", "set"]
    let (name, more): (String, Set<String>) =
      switch subject {
      case .users, .sessions, .traces, .scores:
        (name.rawValue, ["filter", "sort", "limit", "all", "since", "until", "json", "csv"])
      case .user, .session: (name.rawValue, ["filter", "sort", "limit", "all", "since", "until", "json", "csv"])
      case .trace:
        (name.rawValue, ["filter", "sort", "limit", "all", "since", "until", "bodies", "why", "json", "csv"])
      case .overview: (name.rawValue, ["since", "until", "json"])
      case .forget: ("users forget", ["yes", "y", "json"])
      }
    known.formUnion(more)
    if let unknown = given.subtracting(known).min() { throw Misuse(message: "\(name) has no --\(unknown)") }
    for (one, other) in [
      ("json", "csv"), ("limit", "all"), ("ledger", "url"), ("bodies", "csv"), ("bodies", "limit"), ("bodies", "why"),
      ("why", "csv"),
      ("filter", "bodies"), ("sort", "bodies"), ("since", "bodies"), ("until", "bodies"),
      ("filter", "why"), ("sort", "why"), ("since", "why"), ("until", "why"),
    ] where given.contains(one) && given.contains(other) {
      throw Misuse(message: "--\(one) and --\(other) exclude one another")
    }
  }
}
