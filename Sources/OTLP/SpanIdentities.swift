/// Whose a trace is, as its pipeline has found out: what each of its spans was given.
package protocol TraceIdentity: AnyObject, Sendable {
  /// The end user's id as text, of an int its digits; nil when nobody named one.
  var endUserID: String? { get }
  /// What else is known of the end user, as the application wrote it: mostly the text of a JSON object.
  var endUserMetadata: String? { get }
  var session: String? { get }
}

/// Whose the spans (log records) of one encoded request are, by their positions in it.
///
/// The bytes alone do not say that: a span may have several users' ids under keys of several conventions.
package struct SpanIdentities: Sendable {
  /// Neighbours of one identity.
  package struct Run: Sendable {
    package let count: Int
    /// Nil for spans that nobody's identity was handed down to.
    package let identity: (any TraceIdentity)?
  }

  /// In the order of the request.
  package let runs: [Run]

  /// Spans in all runs: those of the request.
  package var spanCount: Int { runs.reduce(0) { $0 + $1.count } }
}

/// Takes note of whose the spans of a request are, while a builder collects them group by group.
struct IdentityNotes {
  private struct Run {
    let identity: Int
    var count: Int
  }

  private static let nobody = -1

  private var identities: [any TraceIdentity] = []
  private var current = nobody
  /// By group.
  private var runs: [[Run]] = []

  /// Says whose the spans are that come next.
  mutating func begin(_ identity: (any TraceIdentity)?) {
    current = Self.nobody
    guard let identity else { return }
    current = identities.count
    identities.append(identity)
  }

  /// Takes note of a span that was added to a group.
  mutating func addSpan(to group: Int) {
    while runs.count <= group { runs.append([]) }
    let last = runs[group].count - 1
    if last >= 0, runs[group][last].identity == current {
      runs[group][last].count += 1
    } else {
      runs[group].append(Run(identity: current, count: 1))
    }
  }

  /// What was noted, when the groups leave in that order. The notes are empty afterwards, but for whose the next spans are.
  mutating func take(order: [Int]) -> SpanIdentities {
    let taken = SpanIdentities(
      runs: order.flatMap { runs[$0] }.map { run in
        SpanIdentities.Run(count: run.count, identity: run.identity < 0 ? nil : identities[run.identity])
      })
    let next = current < 0 ? nil : identities[current]
    identities.removeAll(keepingCapacity: true)
    runs.removeAll(keepingCapacity: true)
    begin(next)
    return taken
  }
}
