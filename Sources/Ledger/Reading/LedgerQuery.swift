package import Filters

/// What is asked of a list: which rows, in which order, how many, from where on.
package struct LedgerQuery: Sendable {
  package var filter: Filter?
  /// A key of the list, largest first but for names and ids; `key:asc` or `key:desc` turns it. nil: the latest first.
  package var sort: String?
  /// 1 to `LedgerQuery.maxLimit`.
  package var limit = LedgerQuery.defaultLimit
  /// `Page.nextCursor` of the page before, of a query that is the same but for the limit.
  package var cursor: String?
  /// Nanoseconds since the Unix epoch. Traces of this time or later; users and sessions that were active since.
  package var since: Int64?
  /// Nanoseconds since the Unix epoch. Traces from before this time; users and sessions that were active before.
  package var until: Int64?

  package init() {}

  package static let defaultLimit = 50
  package static let maxLimit = 1000
}

/// A part of a list.
package struct Page<Row: Sendable>: Sendable {
  package var rows: [Row]
  /// Where the list goes on; nil at its end.
  package var nextCursor: String?
}

/// Why a question has no answer.
package enum LedgerQueryError: Error, CustomStringConvertible {
  case filter(FilterError)
  /// Something else in the query; for the one who asked.
  case invalid(String)
  /// All connections were taken for too long.
  case busy
  /// The answer took longer than is allowed.
  case tooSlow(limit: Duration)
  case ledger(LedgerError)

  package var description: String {
    switch self {
    case .filter(let error): error.description
    case .invalid(let message): message
    case .busy: "too many questions are being answered; ask again later"
    case .tooSlow(let limit):
      "the answer would take longer than \(limit); ask for less, by a filter, or in the default order"
    case .ledger(let error): error.description
    }
  }
}
