import Facts
import Ledger
import Locks

/// The metrics of end users. docs/connectors.md has the names.
struct UserMetrics {
  private enum Number {
    case int(Int64)
    case double(Double)
  }

  /// A sum over an end user's traces.
  private struct Sum {
    let name: String
    let unit: String
    let description: String
    /// Whether it could only become less by what is removed.
    var grows = true
    /// The values of the attribute `gen_ai.token.type`; nil for a point without it. What nobody told has no point.
    let points: @Sendable (UserRollup) -> [(type: String?, value: Number?)]

    init(
      _ name: String, _ unit: String, _ description: String, grows: Bool = true,
      _ value: @escaping @Sendable (UserRollup) -> Int64?
    ) {
      self.init(name, unit, description, grows: grows) { [(nil, value($0).map(Number.int))] }
    }

    init(
      _ name: String, _ unit: String, _ description: String, grows: Bool = true,
      points: @escaping @Sendable (UserRollup) -> [(type: String?, value: Number?)]
    ) {
      self.name = name
      self.unit = unit
      self.description = description
      self.grows = grows
      self.points = points
    }
  }

  private static let sums = [
    Sum("enduser.traces", "{trace}", "Traces of an end user.") { $0.traces },
    // A session may become another end user's.
    Sum("enduser.sessions", "{session}", "Sessions of an end user.", grows: false) { $0.sessions },
    Sum("enduser.observations", "{observation}", "Spans of an end user's traces that count.") {
      $0.amounts.observations
    },
    Sum("enduser.errors", "{error}", "Spans of an end user's traces that failed.") { $0.amounts.errors },
    Sum(
      "enduser.token.usage", "{token}", "Tokens of an end user's calls of models.",
      points: { rollup in
        [
          ("input", rollup.amounts.tokens.input.map(Number.int)),
          ("output", rollup.amounts.tokens.output.map(Number.int)),
        ]
      }),
    Sum("enduser.token.total", "{token}", "Tokens of an end user's calls of models, of whatever type.") {
      $0.amounts.tokens.total
    },
    Sum("enduser.token.cache_read", "{token}", "Of the input tokens, those that came from a cache.") {
      $0.amounts.tokens.cacheRead
    },
    Sum("enduser.token.cache_creation", "{token}", "Of the input tokens, those that went to a cache.") {
      $0.amounts.tokens.cacheWrite
    },
    Sum("enduser.token.reasoning", "{token}", "Of the output tokens, those that were for thinking.") {
      $0.amounts.tokens.reasoning
    },
    Sum(
      "enduser.cost", "USD", "What an end user's calls of models cost.",
      points: { [(nil, $0.amounts.cost.map { .double(Double($0) / 1e9) })] }),
  ]

  let configuration: SessionsConfiguration
  let starts: SeriesStarts
  /// When the figures were right, in nanoseconds since the Unix epoch.
  let time: Int64

  private static let cumulative = 2

  /// `Metric`s of these series; none that would have no points.
  func metrics(_ series: some Collection<(name: SeriesName, rollup: UserRollup)>) -> [[UInt8]] {
    (Self.sums.map { metric($0, series) } + [durations(series)]).compactMap { $0 }
  }

  private func metric(_ sum: Sum, _ series: some Collection<(name: SeriesName, rollup: UserRollup)>) -> [UInt8]? {
    var isEmpty = true
    var metric = MessageWriter()
    metric.string(1, sum.name)
    metric.string(2, sum.description)
    metric.string(3, sum.unit)
    metric.message(7) { data in
      for (name, rollup) in series {
        for case (let type, let value?) in sum.points(rollup) {
          isEmpty = false
          data.message(1) { point in
            begin(&point, name, attributes: 7)
            if let type { point.attribute(7, "gen_ai.token.type", .string(type)) }
            switch value {
            case .int(let number): point.fixed64(6, UInt64(bitPattern: number))
            case .double(let number): point.double(4, number)
            }
          }
        }
      }
      data.varint(2, Self.cumulative)
      data.varint(3, sum.grows && configuration.isMonotonic ? 1 : 0)
    }
    return isEmpty ? nil : metric.bytes
  }

  private func durations(_ series: some Collection<(name: SeriesName, rollup: UserRollup)>) -> [UInt8]? {
    guard !series.isEmpty else { return nil }
    let bounds = configuration.buckets.map { Double($0.nanoseconds) / 1e9 }
    var metric = MessageWriter()
    metric.string(1, "enduser.trace.duration")
    metric.string(2, "Time from the beginning of a trace to its end.")
    metric.string(3, "s")
    metric.message(9) { data in
      for (name, rollup) in series {
        data.message(1) { point in
          begin(&point, name, attributes: 9)
          point.fixed64(4, UInt64(clamping: rollup.latencies.count))
          point.double(5, rollup.latencies.sum / 1e9)
          point.packed(6, rollup.latencies.counts.map { UInt64(clamping: $0) })
          point.packed(7, bounds.map(\.bitPattern))
        }
      }
      data.varint(2, Self.cumulative)
    }
    return metric.bytes
  }

  /// Whose point it is, and when.
  private func begin(_ point: inout MessageWriter, _ name: SeriesName, attributes field: Int) {
    switch name {
    case .user(let endUser): point.attribute(field, "enduser.id", .string(endUser))
    case .overflow: point.attribute(field, "otel.metric.overflow", .bool(true))
    case .nobody: break
    }
    point.fixed64(2, UInt64(clamping: starts.start(of: name)))
    point.fixed64(3, UInt64(clamping: time))
  }
}
