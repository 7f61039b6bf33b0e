import Configuration
import EndUser
import Receivers

/// A whole configuration, checked: every component that a pipeline names is defined.
struct CollectorConfig {
  private(set) var receivers: [ComponentID: Defined<ReceiverConfig>] = [:]
  private(set) var processors: [ComponentID: Defined<ProcessorConfig>] = [:]
  private(set) var exporters: [ComponentID: Defined<ExporterConfig>] = [:]
  private(set) var extensions: [ComponentID: Defined<ExtensionConfig>] = [:]
  let service: ServiceConfig

  /// Reads a configuration; everything wrong with it is reported. Use it only when nothing was.
  init(_ root: ConfigNode, diagnostics: Diagnostics) {
    let section = ConfigSection(root, diagnostics: diagnostics)
    var defined: [ComponentCatalog.Kind: Set<ComponentID>] = [:]
    let reader = ComponentReader(diagnostics: diagnostics)
    receivers = reader.read(.receivers, of: section, &defined) { ReceiverConfig($1) }
    processors = reader.read(.processors, of: section, &defined) { ProcessorConfig($0, $1) }
    exporters = reader.read(.exporters, of: section, &defined) { ExporterConfig($0, $1) }
    let _: [ComponentID: Defined<Never>] = reader.read(.connectors, of: section, &defined) { _, _ in nil }
    extensions = reader.read(.extensions, of: section, &defined) { ExtensionConfig($0, $1) }

    section.require("service")
    let empty = ConfigSection(.null(at: section.position), diagnostics: Diagnostics())
    service = ServiceConfig(section.section("service") ?? empty)
    for pipeline in service.pipelines {
      check(pipeline.receivers, .receivers, in: pipeline, defined, diagnostics)
      check(pipeline.processors, .processors, in: pipeline, defined, diagnostics)
      check(pipeline.exporters, .exporters, in: pipeline, defined, diagnostics)
      checkProcessors(of: pipeline, diagnostics)
      checkHeaders(of: pipeline, diagnostics)
    }
    for name in service.extensions {
      guard let id = ComponentID(name.value), defined[.extensions]?.contains(id) ?? false else {
        diagnostics.error(at: name.position, "service.extensions: extension \"\(name.value)\" is not defined")
        continue
      }
    }
    checkLedger(diagnostics)
    checkAuthenticators(diagnostics)
    section.finish()
  }

  /// The receivers that pipelines name, each once, in the order in which they are first named.
  var receiversInUse: [Defined<ReceiverConfig>] { Self.inUse(service.pipelines.flatMap(\.receivers), of: receivers) }

  /// The exporters that pipelines name, likewise.
  var exportersInUse: [Defined<ExporterConfig>] { Self.inUse(service.pipelines.flatMap(\.exporters), of: exporters) }

  /// The ledger that the service names; nil if it has none.
  var ledgerInUse: Defined<LedgerConfig>? {
    extensionsInUse.lazy.compactMap { defined in
      guard case .ledger(let ledger) = defined.value else { return nil }
      return Defined(id: defined.id, position: defined.position, value: ledger)
    }.first
  }

  /// The places where the service tells its health.
  var healthChecksInUse: [Defined<HealthCheckConfig>] {
    extensionsInUse.compactMap { defined in
      guard case .healthCheck(let config) = defined.value else { return nil }
      return Defined(id: defined.id, position: defined.position, value: config)
    }
  }

  /// The extensions that the service names, each once, in their order.
  var extensionsInUse: [Defined<ExtensionConfig>] { Self.inUse(service.extensions, of: extensions) }

  private static func inUse<Value>(
    _ names: [Located<String>], of defined: [ComponentID: Defined<Value>]
  ) -> [Defined<Value>] {
    var seen: Set<ComponentID> = []
    return names.compactMap { ComponentID($0.value) }.filter { seen.insert($0).inserted }.compactMap { defined[$0] }
  }

  private func check(
    _ names: [Located<String>], _ kind: ComponentCatalog.Kind, in pipeline: ServiceConfig.Pipeline,
    _ defined: [ComponentCatalog.Kind: Set<ComponentID>], _ diagnostics: Diagnostics
  ) {
    var seen: Set<ComponentID> = []
    for name in names {
      let place = "service.pipelines.\(pipeline.id).\(kind)"
      guard let id = ComponentID(name.value) else {
        diagnostics.error(at: name.position, "\(place): \"\(name.value)\" is no id of the form type or type/name")
        continue
      }
      if !(defined[kind]?.contains(id) ?? false) {
        diagnostics.error(at: name.position, "\(place): \(kind.singular) \"\(name.value)\" is not defined")
      } else if !seen.insert(id).inserted {
        diagnostics.error(at: name.position, "\(place): \"\(name.value)\" stands twice")
      }
    }
  }

  private func checkLedger(_ diagnostics: Diagnostics) {
    let ledgers = service.extensions.filter { ComponentID($0.value)?.type == "ledger" }
    if ledgers.count > 1 {
      diagnostics.error(at: ledgers[1].position, "service.extensions: a collector has one ledger at most")
    }
    guard let first = ledgers.first else { return }
    let feeds = service.pipelines.contains { $0.processors.contains { ComponentID($0.value)?.type == "enduser" } }
    if !feeds {
      diagnostics.warning(
        at: first.position, "service.extensions: no pipeline has an enduser processor, so nothing feeds the ledger")
    }
  }

  private func checkAuthenticators(_ diagnostics: Diagnostics) {
    for (id, receiver) in receivers {
      for name in receiver.value.http.authenticators {
        let extensionID = ComponentID(name)
        let problem =
          if extensionID.map({ extensions[$0]?.value.isAuthenticator ?? false }) != true {
            "there is no extension \"\(name)\" that knows senders"
          } else if !extensionsInUse.contains(where: { $0.id == extensionID }) {
            "service.extensions has to name \"\(name)\" too"
          } else {
            nil as String?
          }
        guard let problem else { continue }
        diagnostics.error(at: receiver.value.authPosition, "receivers.\(id).protocols.http.auth: \(problem)")
      }
    }
  }

  /// Headers are kept only where the receiver says so.
  private func checkHeaders(of pipeline: ServiceConfig.Pipeline, _ diagnostics: Diagnostics) {
    guard let endUser = PipelineParts(pipeline, of: self).endUser,
      !endUser.configuration.fromHeaders.names.isEmpty
    else { return }
    for receiver in Self.inUse(pipeline.receivers, of: receivers) where !receiver.value.http.includeMetadata {
      diagnostics.warning(
        at: receiver.position,
        "receivers.\(receiver.id): without include_metadata, processors.\(endUser.id).from_headers has no effect on it")
    }
  }

  private func checkProcessors(of pipeline: ServiceConfig.Pipeline, _ diagnostics: Diagnostics) {
    for type in ["enduser", "batch"] {
      let same = pipeline.processors.filter { ComponentID($0.value)?.type == type }
      guard same.count > 1 else { continue }
      diagnostics.error(
        at: same[1].position,
        "service.pipelines.\(pipeline.id).processors: a pipeline has one \(type) processor at most")
    }
  }
}

/// Reads the components of one kind after another.
private struct ComponentReader {
  let diagnostics: Diagnostics

  func read<Value>(
    _ kind: ComponentCatalog.Kind, of root: ConfigSection, _ defined: inout [ComponentCatalog.Kind: Set<ComponentID>],
    _ make: (String, ConfigSection) -> Value?
  ) -> [ComponentID: Defined<Value>] {
    var components: [ComponentID: Defined<Value>] = [:]
    guard let section = root.section(kind.rawValue) else { return components }
    for entry in section.entries {
      guard let id = ComponentID(entry.key) else {
        diagnostics.error(at: entry.keyPosition, "\(kind): \"\(entry.key)\" is no id of the form type or type/name")
        continue
      }
      guard defined[kind, default: []].insert(id).inserted else {
        diagnostics.error(at: entry.keyPosition, "\(kind): \"\(entry.key)\" is defined twice")
        continue
      }
      guard ComponentCatalog.has(kind, id.type) else {
        reportUnknown(kind, id, at: entry.keyPosition)
        continue
      }
      guard let keys = section.section(entry.key), let value = make(id.type, keys) else { continue }
      components[id] = Defined(id: id, position: entry.keyPosition, value: value)
    }
    return components
  }

  private func reportUnknown(_ kind: ComponentCatalog.Kind, _ id: ComponentID, at position: Position) {
    let isKnown = ComponentCatalog.known[kind]?.contains(id.type) ?? false
    if isKnown, kind == .extensions {
      diagnostics.warning(at: position, "extensions.\(id) is not supported yet and has no effect")
      return
    }
    let have = (ComponentCatalog.components[kind] ?? []).map(\.type).joined(separator: ", ")
    let offer = have.isEmpty ? "there are none" : "there are \(have)"
    diagnostics.error(
      at: position,
      isKnown
        ? "\(kind).\(id): Heirloom does not have the \(kind.singular) \"\(id.type)\" yet; \(offer)"
        : "\(kind).\(id): unknown \(kind.singular) \"\(id.type)\"; \(offer)")
  }
}
