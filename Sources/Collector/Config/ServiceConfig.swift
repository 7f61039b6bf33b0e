import Configuration
import OTLP
import SelfTelemetry
import Spool

/// `service:`.
struct ServiceConfig {
  struct Pipeline {
    let id: ComponentID
    /// What it takes, which its id's type says.
    let signal: Signal
    let position: Position
    let receivers: [Located<String>]
    let processors: [Located<String>]
    let exporters: [Located<String>]
  }

  var pipelines: [Pipeline] = []
  var extensions: [Located<String>] = []
  /// What stopping may take in all.
  var shutdownTimeout = Duration.seconds(10)
  /// How safe an accepted request is.
  var durability = Durability.buffered
  var storage: StorageConfig
  var logLevel = Log.Level.info
  var logEncoding = Log.Encoding.console
  /// Where metrics are served; nil opens no port.
  var metricsAddress: (host: String, port: UInt16)? = ("127.0.0.1", 8888)
  var metricsPosition: Position

  init(_ section: ConfigSection) {
    metricsPosition = section.position
    storage = StorageConfig(section)
    durability = section.choice("durability", of: Durability.self, default: durability)
    shutdownTimeout = section.duration("shutdown_timeout", default: shutdownTimeout)
    extensions = section.locatedStrings("extensions") ?? []
    if let telemetry = section.section("telemetry") { readTelemetry(telemetry) }
    section.require("pipelines")
    for entry in section.section("pipelines")?.entries ?? [] {
      guard let pipeline = section.section("pipelines")?.section(entry.key) else { continue }
      readPipeline(pipeline, name: entry.key, position: entry.keyPosition)
    }
    if pipelines.isEmpty, !section.isNull("pipelines"), section.has("pipelines") {
      section.error("pipelines", "a pipeline is required")
    }
  }

  private mutating func readPipeline(_ section: ConfigSection, name: String, position: Position) {
    let receivers = section.locatedStrings("receivers") ?? []
    let processors = section.locatedStrings("processors") ?? []
    let exporters = section.locatedStrings("exporters") ?? []
    guard let id = ComponentID(name) else {
      section.diagnostics.error(at: position, "service.pipelines: \"\(name)\" is no id of the form type or type/name")
      return
    }
    guard let signal = Signal.allCases.first(where: { $0.name == id.type }) else {
      if id.type == "profiles" {
        section.diagnostics.warning(
          at: position, "service.pipelines.\(name): profiles are not supported yet, the pipeline has no effect")
      } else {
        section.diagnostics.error(
          at: position, "service.pipelines.\(name): a pipeline is for traces, logs or metrics, not for \(id.type)")
      }
      return
    }
    for (key, ids) in [("receivers", receivers), ("exporters", exporters)] where ids.isEmpty {
      section.error(key, "at least one is required")
    }
    pipelines.append(
      Pipeline(
        id: id, signal: signal, position: position, receivers: receivers, processors: processors, exporters: exporters))
  }

  private enum MetricsLevel: String, CaseIterable {
    case none, basic, normal, detailed
  }

  private mutating func readTelemetry(_ section: ConfigSection) {
    if let logs = section.section("logs") {
      if let level = logs.choice("level", of: LogLevel.self) { logLevel = level.level }
      logEncoding = logs.choice("encoding", of: Log.Encoding.self, default: logEncoding)
      logs.knownButUnsupported([
        "development", "disable_caller", "disable_stacktrace", "sampling", "output_paths", "error_output_paths",
        "initial_fields", "processors",
      ])
    }
    if let metrics = section.section("metrics") { readMetrics(metrics) }
    section.knownButUnsupported(["traces", "resource"])
  }

  private enum LogLevel: String, CaseIterable {
    case debug, info, warn, error

    var level: Log.Level {
      switch self {
      case .debug: .debug
      case .info: .info
      case .warn: .warn
      case .error: .error
      }
    }
  }

  private mutating func readMetrics(_ section: ConfigSection) {
    if let address = section.string("address") {
      metricsAddress = Endpoint.parse(address)
      metricsPosition = section.position(of: "address")
      if metricsAddress == nil { section.error("address", "expected host:port, found \"\(address)\"") }
    }
    let readers = section.sections("readers")
    // A list of readers stands in the place of the default one.
    if readers != nil { metricsAddress = nil }
    for reader in readers ?? [] {
      guard let prometheus = reader.section("pull")?.section("exporter")?.section("prometheus") else {
        reader.knownButUnsupported(["periodic"])
        continue
      }
      metricsPosition = prometheus.position
      metricsAddress = (
        prometheus.string("host", default: "127.0.0.1"),
        UInt16(prometheus.int("port", default: 8888, in: 0...Int(UInt16.max)))
      )
      prometheus.knownButUnsupported([
        "without_scope_info", "without_type_suffix", "without_units", "with_resource_constant_labels",
      ])
    }
    section.knownButUnsupported(["views"])
    if section.choice("level", of: MetricsLevel.self, default: .normal) == .none { metricsAddress = nil }
  }
}
