package import Facts

/// Sums over traces; what nobody told is nil.
package struct Amounts: Sendable, Equatable {
  package var observations: Int64 = 0
  package var errors: Int64 = 0
  package var tokens = TokenCounts()
  /// Billionths of a US dollar.
  package var cost: Int64?
}

/// Latencies of traces, in nanoseconds; nil without any.
package struct Percentiles: Sendable, Equatable {
  package var p50: Int64?
  package var p95: Int64?
  package var p99: Int64?
}

/// Names, those with the most traces first by and large (`facets` counts in powers of two); `mostLabels` of each at most.
package struct LabelNames: Sendable, Equatable {
  package var models: [String] = []
  package var tags: [String] = []
  package var workflows: [String] = []

  package static let mostLabels = 64
}

/// What traces of one owner come to.
package struct Summary: Sendable, Equatable {
  /// Timestamps of the first and the latest trace, in nanoseconds since the Unix epoch.
  package var firstEvent: Int64
  package var lastEvent: Int64
  package var traces: Int64
  package var amounts: Amounts
  package var latency: Percentiles
  /// The latest there is: a JSON object.
  package var metadata: String?
  package var labels = LabelNames()
}

package struct ListedUser: Sendable, Equatable {
  package var endUser: String
  package var sessions: Int64
  package var summary: Summary
  package var scores: [ScoreSummary] = []
}

package struct ListedSession: Sendable, Equatable {
  package var session: String
  package var endUser: String?
  /// Whether its traces name more than one end user.
  package var disagrees: Bool
  /// From the first event to the last one's end, in nanoseconds.
  package var duration: Int64
  package var summary: Summary
  package var scores: [ScoreSummary] = []
}

package struct ListedTrace: Sendable, Equatable {
  /// 32 hexadecimal digits.
  package var trace: String
  package var session: String?
  package var endUser: String?
  package var name: String?
  /// The earliest span's start, in nanoseconds since the Unix epoch.
  package var timestamp: Int64
  /// Nanoseconds.
  package var latency: Int64
  package var amounts: Amounts
  /// A JSON object.
  package var metadata: String?
  /// In order of their first appearance.
  package var models: [String] = []
  package var tags: [String] = []
  package var scores: [ScoreSummary] = []
}

/// A user with the days on which there were traces, and those on which there were scores, the earliest first.
package struct UserDetail: Sendable, Equatable {
  package var user: ListedUser
  package var days: [Day]
  package var scoreDays: [ScoreDay] = []
}

package struct Day: Sendable, Equatable {
  /// In UTC, by its number since the Unix epoch.
  package var day: Int64
  package var traces: Int64
  package var amounts: Amounts
}

/// A session with its traces.
package struct SessionDetail: Sendable {
  package var session: ListedSession
  package var turns: Page<ListedTrace>
}

/// A trace with its spans: those without a known parent.
package struct TraceDetail: Sendable {
  package var trace: ListedTrace
  package var spans: [SpanNode]
  /// Observations that count and are not in the tree, because there were too many.
  package var omitted: Int64
  /// Spans that were kept whole, where they were asked for: `Span` messages.
  package var bodies: Page<[UInt8]>?
  /// Why it is whose it is, where that was asked for.
  package var why: Provenance?
}

/// A key of end-user metadata, its parts divided by dots.
package struct MetadataKey: Sendable, Equatable {
  package var key: String
  /// Users whose latest metadata has it, and traces that have it.
  package var users: Int64
  package var traces: Int64
  /// A few different values as text.
  package var examples: [String]
}
