/// The messages of the schemas, as far as a reader wants names for their fields.
enum MessageKind {
  case traces, resourceSpans, scopeSpans, span, event, link, status
  case logs, resourceLogs, scopeLogs, logRecord
  case metrics, resourceMetrics, scopeMetrics, metric, gauge, sum, histogram, exponentialHistogram, summary
  case number, histogramPoint, exponentialPoint, summaryPoint, buckets, quantile, exemplar
  case resource, scope

  enum Field {
    case message(MessageKind)
    case attribute
    /// A value like that of an attribute.
    case value(String)
    case id(String)
    case text(String)
    case number(String)
    /// In 64 bits, or as a varint of the zigzag kind.
    case signed(String)
    case double(String)
    /// Several of 64 bits behind one another.
    case numbers(String)
    case doubles(String)
  }

  var title: String {
    switch self {
    case .traces: "Traces"
    case .resourceSpans: "ResourceSpans"
    case .scopeSpans: "ScopeSpans"
    case .span: "Span"
    case .event: "Event"
    case .link: "Link"
    case .status: "Status"
    case .logs: "Logs"
    case .resourceLogs: "ResourceLogs"
    case .scopeLogs: "ScopeLogs"
    case .logRecord: "LogRecord"
    case .metrics: "Metrics"
    case .resourceMetrics: "ResourceMetrics"
    case .scopeMetrics: "ScopeMetrics"
    case .metric: "Metric"
    case .gauge: "Gauge"
    case .sum: "Sum"
    case .histogram: "Histogram"
    case .exponentialHistogram: "ExponentialHistogram"
    case .summary: "Summary"
    case .number, .histogramPoint, .exponentialPoint, .summaryPoint: "DataPoint"
    case .buckets: "Buckets"
    case .quantile: "Quantile"
    case .exemplar: "Exemplar"
    case .resource: "Resource"
    case .scope: "Scope"
    }
  }

  /// By field number.
  var fields: [Int: Field] {
    switch self {
    case .traces: [1: .message(.resourceSpans)]
    case .logs: [1: .message(.resourceLogs)]
    case .metrics: [1: .message(.resourceMetrics)]
    case .resourceSpans: Self.resourceItems(.scopeSpans)
    case .resourceLogs: Self.resourceItems(.scopeLogs)
    case .resourceMetrics: Self.resourceItems(.scopeMetrics)
    case .scopeSpans: Self.scopeItems(.span)
    case .scopeLogs: Self.scopeItems(.logRecord)
    case .scopeMetrics: Self.scopeItems(.metric)
    case .resource: [1: .attribute, 2: .number("dropped attributes")]
    case .scope: [1: .text("name"), 2: .text("version"), 3: .attribute, 4: .number("dropped attributes")]
    case .span:
      [
        1: .id("trace id"), 2: .id("span id"), 3: .text("trace state"), 4: .id("parent id"), 5: .text("name"),
        6: .number("kind"), 7: .number("start"), 8: .number("end"), 9: .attribute, 10: .number("dropped attributes"),
        11: .message(.event), 12: .number("dropped events"), 13: .message(.link), 14: .number("dropped links"),
        15: .message(.status), 16: .number("flags"),
      ]
    case .event: [1: .number("time"), 2: .text("name"), 3: .attribute, 4: .number("dropped attributes")]
    case .link:
      [
        1: .id("trace id"), 2: .id("span id"), 3: .text("trace state"), 4: .attribute,
        5: .number("dropped attributes"), 6: .number("flags"),
      ]
    case .status: [2: .text("message"), 3: .number("code")]
    case .logRecord:
      [
        1: .number("time"), 2: .number("severity"), 3: .text("severity text"), 5: .value("body"), 6: .attribute,
        7: .number("dropped attributes"), 8: .number("flags"), 9: .id("trace id"), 10: .id("span id"),
        11: .number("observed"), 12: .text("event name"),
      ]
    case .metric:
      [
        1: .text("name"), 2: .text("description"), 3: .text("unit"), 5: .message(.gauge), 7: .message(.sum),
        9: .message(.histogram), 10: .message(.exponentialHistogram), 11: .message(.summary), 12: .attribute,
      ]
    case .gauge: [1: .message(.number)]
    case .sum: [1: .message(.number), 2: .number("temporality"), 3: .number("monotonic")]
    case .histogram: [1: .message(.histogramPoint), 2: .number("temporality")]
    case .exponentialHistogram: [1: .message(.exponentialPoint), 2: .number("temporality")]
    case .summary: [1: .message(.summaryPoint)]
    case .number:
      [
        2: .number("start"), 3: .number("time"), 4: .double("value"), 5: .message(.exemplar), 6: .signed("value"),
        7: .attribute, 8: .number("flags"),
      ]
    case .histogramPoint:
      [
        2: .number("start"), 3: .number("time"), 4: .number("count"), 5: .double("sum"), 6: .numbers("bucket counts"),
        7: .doubles("bounds"), 8: .message(.exemplar), 9: .attribute, 10: .number("flags"), 11: .double("min"),
        12: .double("max"),
      ]
    case .exponentialPoint:
      [
        1: .attribute, 2: .number("start"), 3: .number("time"), 4: .number("count"), 5: .double("sum"),
        6: .signed("scale"), 7: .number("zero count"), 8: .message(.buckets), 9: .message(.buckets),
        10: .number("flags"), 11: .message(.exemplar), 12: .double("min"), 13: .double("max"),
        14: .double("zero threshold"),
      ]
    case .summaryPoint:
      [
        2: .number("start"), 3: .number("time"), 4: .number("count"), 5: .double("sum"), 6: .message(.quantile),
        7: .attribute, 8: .number("flags"),
      ]
    case .buckets: [1: .signed("offset")]
    case .quantile: [1: .double("quantile"), 2: .double("value")]
    case .exemplar:
      [
        2: .number("time"), 3: .double("value"), 4: .id("span id"), 5: .id("trace id"), 6: .signed("value"),
        7: .attribute,
      ]
    }
  }

  private static func resourceItems(_ scopes: MessageKind) -> [Int: Field] {
    [1: .message(.resource), 2: .message(scopes), 3: .text("schema URL")]
  }

  private static func scopeItems(_ items: MessageKind) -> [Int: Field] {
    [1: .message(.scope), 2: .message(items), 3: .text("schema URL")]
  }
}
