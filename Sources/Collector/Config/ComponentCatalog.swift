/// What kinds of components there are, here and in the OpenTelemetry Collector.
enum ComponentCatalog {
  enum Kind: String, CaseIterable {
    case receivers, processors, exporters, connectors, extensions

    /// One of the kind, for messages.
    var singular: String { String(rawValue.dropLast()) }
  }

  struct Component {
    let type: String
    let summary: String
  }

  /// What Heirloom has.
  static let components: [Kind: [Component]] = [
    .receivers: [Component(type: "otlp", summary: "OTLP over gRPC, and over HTTP with protobuf bodies")],
    .processors: [
      Component(type: "enduser", summary: "hands the root's end user down to every span and log record of its trace"),
      Component(type: "filter", summary: "keeps or drops spans by a filter, such as: end_user is u_812"),
      Component(type: "batch", summary: "how many spans leave together, and how long they wait for one another"),
      Component(type: "memory_limiter", summary: "refuses requests while the process is too large"),
    ],
    .exporters: [
      Component(type: "otlp_http", summary: "OTLP over HTTP with protobuf bodies (also named otlphttp)"),
      Component(type: "otlp_grpc", summary: "OTLP over gRPC (also named otlp)"),
      Component(type: "file", summary: "JSON lines or length-prefixed protobuf, with rotation"),
      Component(type: "debug", summary: "shows what passes on standard error"),
    ],
    .connectors: [
      Component(
        type: "sessions", summary: "tells what the ledger knows: of sessions as log records, of end users as metrics")
    ],
    .extensions: [
      Component(type: "ledger", summary: "knows every user, session and trace: totals, cost, trouble, to be asked"),
      Component(type: "health_check", summary: "tells over HTTP whether requests are taken"),
      Component(type: "apikeyauth", summary: "lets in who sends a known key, for the key's tenant"),
      Component(type: "basicauth", summary: "lets in who knows a password of an htpasswd file"),
      Component(type: "bearertokenauth", summary: "lets in who sends a known token"),
    ],
  ]

  /// Deprecated names.
  static let aliases: [Kind: [String: String]] = [.exporters: ["otlphttp": "otlp_http", "otlp": "otlp_grpc"]]

  /// What the OpenTelemetry Collector's distributions have and Heirloom has not.
  static let known: [Kind: Set<String>] = [
    .receivers: [
      "jaeger", "zipkin", "kafka", "prometheus", "hostmetrics", "filelog", "otlpjsonfile", "opencensus", "statsd",
      "nop",
    ],
    .processors: [
      "attributes", "resource", "transform", "span", "probabilistic_sampler", "tail_sampling",
      "groupbytrace", "groupbyattrs", "redaction", "routing", "resourcedetection", "k8sattributes", "genainormalizer",
    ],
    .exporters: [
      "kafka", "prometheus", "prometheusremotewrite", "zipkin", "loadbalancing", "nop",
    ],
    .connectors: ["forward", "spanmetrics", "routing", "servicegraph", "count"],
    .extensions: [
      "healthcheckv2", "zpages", "pprof", "file_storage", "oidc", "oauth2client", "headers_setter", "opamp",
      "memory_limiter",
    ],
  ]

  static func has(_ kind: Kind, _ type: String) -> Bool {
    components[kind]?.contains { $0.type == type } ?? false
  }
}
