@testable import Collector
import Configuration

/// A configuration as the collector reads it, with everything that was said about it.
struct Reading {
  let config: CollectorConfig
  /// As an operator sees them.
  let messages: [String]

  /// - Parameters:
  ///   - yaml: of the file `c.yaml`.
  ///   - settings: what `--set` was given.
  ///   - variables: the environment.
  init(_ yaml: String, settings: [String] = [], variables: [String: String] = [:]) {
    let diagnostics = Diagnostics()
    let environment = ConfigEnvironment(
      variable: { variables[$0] },
      file: { (path) throws(ConfigEnvironment.Unreadable) in
        guard path == "c.yaml" else { throw ConfigEnvironment.Unreadable("No such file or directory") }
        return Array(yaml.utf8)
      })
    let root = ConfigLoader.load(
      ["c.yaml"], settings: settings, environment: environment, diagnostics: diagnostics)
    config = CollectorConfig(root, diagnostics: diagnostics)
    messages = diagnostics.all.map(\.description)
  }

  /// A configuration of one pipeline. Each argument is what stands behind the component's key.
  ///
  /// - Parameters:
  ///   - http: keys of the receiver, in braces.
  ///   - grpc: keys of the receiver's other protocol; nil leaves it out.
  ///   - processor: id and keys of a processor.
  ///   - exporter: id and keys of an exporter.
  ///   - service: further lines of `service:`, indented by two.
  /// - Returns: what was read.
  static func pipeline(
    http: String = "{}", grpc: String? = nil, processor: (id: String, keys: String) = ("enduser", "{}"),
    exporter: (id: String, keys: String) = ("debug", "{}"), service: String = ""
  ) -> Reading {
    Reading(
      """
      receivers: {otlp: {protocols: {http: \(http)\(grpc.map { ", grpc: \($0)" } ?? "")}}}
      processors: {\(processor.id): \(processor.keys)}
      exporters: {\(exporter.id): \(exporter.keys)}
      service:
        pipelines: {traces: {receivers: [otlp], processors: [\(processor.id)], exporters: [\(exporter.id)]}}
      \(service)
      """)
  }
}

/// The names of a value's properties that are as in the other value.
func unchanged<Value>(_ value: Value, from other: Value) -> [String] {
  zip(Mirror(reflecting: value).children, Mirror(reflecting: other).children).compactMap { new, old in
    String(describing: new.value) == String(describing: old.value) ? new.label : nil
  }
}
