import Configuration
import EndUser
import OTLP
import Receivers

/// A whole configuration, checked: every component that a pipeline names is defined.
struct CollectorConfig {
  private(set) var receivers: [ComponentID: Defined<ReceiverConfig>] = [:]
  private(set) var processors: [ComponentID: Defined<ProcessorConfig>] = [:]
  private(set) var exporters: [ComponentID: Defined<ExporterConfig>] = [:]
  private(set) var connectors: [ComponentID: Defined<ConnectorConfig>] = [:]
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
    connectors = reader.read(.connectors, of: section, &defined) { ConnectorConfig($0, $1) }
    extensions = reader.read(.extensions, of: section, &defined) { ExtensionConfig($0, $1) }

    section.require("service")
    let empty = ConfigSection(.null(at: section.position), diagnostics: Diagnostics())
    service = ServiceConfig(section.section("service") ?? empty)
    for pipeline in service.pipelines {
      check(pipeline.receivers, .receivers, or: .connectors, in: pipeline, defined, diagnostics)
      check(pipeline.processors, .processors, in: pipeline, defined, diagnostics)
      check(pipeline.exporters, .exporters, or: .connectors, in: pipeline, defined, diagnostics)
      checkProcessors(of: pipeline, diagnostics)
      checkSignal(of: pipeline, diagnostics)
      checkHeaders(of: pipeline, diagnostics)
    }
    for name in service.extensions {
      guard let id = ComponentID(name.value), defined[.extensions]?.contains(id) ?? false else {
        diagnostics.error(at: name.position, "service.extensions: extension \"\(name.value)\" is not defined")
        continue
      }
    }
    checkLedger(diagnostics)
    checkConnectors(diagnostics)
    checkShares(diagnostics)
    checkAuthenticators(diagnostics)
    checkIdentityAs(diagnostics)
    section.finish()
  }

  /// The receivers that pipelines name, each once, in the order in which they are first named.
  var receiversInUse: [Defined<ReceiverConfig>] {
    Self.inUse(service.pipelines.flatMap(\.receivers), .receivers, of: receivers)
  }

  /// The exporters that pipelines name, likewise.
  var exportersInUse: [Defined<ExporterConfig>] {
    Self.inUse(service.pipelines.flatMap(\.exporters), .exporters, of: exporters)
  }

  /// The signals of the pipelines that name an exporter.
  func signals(of exporter: ComponentID) -> Set<Signal> {
    Set(
      service.pipelines.filter { $0.exporters.contains { ComponentID($0.value, of: .exporters) == exporter } }
        .map(\.signal))
  }

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
  var extensionsInUse: [Defined<ExtensionConfig>] { Self.inUse(service.extensions, .extensions, of: extensions) }

  /// What the servers of those speak TLS with.
  var serverTLS: [ServerTLS] {
    receiversInUse.compactMap(\.value.tls) + [ledgerInUse?.value].compactMap { $0?.console == nil ? nil : $0?.tls }
  }

  static func inUse<Value>(
    _ names: [Located<String>], _ kind: ComponentCatalog.Kind, of defined: [ComponentID: Defined<Value>]
  ) -> [Defined<Value>] {
    var seen: Set<ComponentID> = []
    return names.compactMap { ComponentID($0.value, of: kind) }.filter { seen.insert($0).inserted }.compactMap {
      defined[$0]
    }
  }

  private func check(
    _ names: [Located<String>], _ kind: ComponentCatalog.Kind, or other: ComponentCatalog.Kind? = nil,
    in pipeline: ServiceConfig.Pipeline, _ defined: [ComponentCatalog.Kind: Set<ComponentID>],
    _ diagnostics: Diagnostics
  ) {
    let known = (defined[kind] ?? []).union(other.flatMap { defined[$0] } ?? [])
    var seen: Set<ComponentID> = []
    for name in names {
      let place = "service.pipelines.\(pipeline.id).\(kind)"
      guard let id = ComponentID(name.value, of: kind) else {
        diagnostics.error(at: name.position, "\(place): \"\(name.value)\" is no id of the form type or type/name")
        continue
      }
      if !known.contains(id) {
        diagnostics.error(at: name.position, "\(place): \(kind.singular) \"\(name.value)\" is not defined")
      } else if !seen.insert(id).inserted {
        diagnostics.error(at: name.position, "\(place): \"\(name.value)\" stands twice")
      }
    }
  }

  /// The pipelines of log records that share one `enduser` processor have a limit.
  private func checkShares(_ diagnostics: Diagnostics) {
    var counts: [ComponentID: Int] = [:]
    for pipeline in service.pipelines where pipeline.signal == .logs {
      guard let id = endUser(of: pipeline) else { continue }
      counts[id, default: 0] += 1
      if counts[id] == EndUserProcessor.maxLogsPipelines + 1 {
        diagnostics.error(
          at: pipeline.position,
          "service.pipelines.\(pipeline.id): \"\(id)\" can be in \(EndUserProcessor.maxLogsPipelines) logs pipelines at most"
        )
      }
    }
  }

  private func checkLedger(_ diagnostics: Diagnostics) {
    let ledgers = service.extensions.filter { ComponentID($0.value)?.type == "ledger" }
    if ledgers.count > 1 {
      diagnostics.error(at: ledgers[1].position, "service.extensions: a collector has one ledger at most")
    }
    guard let first = ledgers.first else { return }
    let feeds = service.pipelines.contains { $0.signal == .traces && endUser(of: $0) != nil }
    if !feeds {
      diagnostics.warning(
        at: first.position, "service.extensions: no pipeline has an enduser processor, so nothing feeds the ledger")
    }
  }

  /// The `enduser` processor that a pipeline names; nil for none.
  func endUser(of pipeline: ServiceConfig.Pipeline) -> ComponentID? {
    pipeline.processors.lazy.compactMap { ComponentID($0.value) }.first { $0.type == "enduser" }
  }

  /// Whether all components of a pipeline can do what its signal needs.
  private func checkSignal(of pipeline: ServiceConfig.Pipeline, _ diagnostics: Diagnostics) {
    let place = "service.pipelines.\(pipeline.id)"
    for name in pipeline.processors {
      guard let id = ComponentID(name.value), let defined = processors[id] else { continue }
      if !defined.value.takes(pipeline.signal) {
        diagnostics.error(
          at: name.position, "\(place).processors: \"\(name.value)\" can't process \(pipeline.signal.name)")
      } else if pipeline.signal == .logs, id.type == "enduser",
        !service.pipelines.contains(where: { $0.signal == .traces && endUser(of: $0) == id })
      {
        diagnostics.warning(
          at: name.position,
          "\(place).processors: \"\(name.value)\" is in no traces pipeline, so nobody tells it whose the log records are"
        )
      }
    }
    for name in pipeline.exporters {
      guard let id = ComponentID(name.value, of: .exporters),
        let objection = exporters[id]?.value.objection(to: pipeline.signal)
      else { continue }
      diagnostics.error(at: name.position, "\(place).exporters: \"\(name.value)\" \(objection)")
    }
  }

  private func checkAuthenticators(_ diagnostics: Diagnostics) {
    for (id, receiver) in receivers {
      for server in receiver.value.servers {
        for name in server.value.admission.authenticators {
          guard let problem = problem(withAuthenticator: name) else { continue }
          diagnostics.error(
            at: receiver.value.authPositions[server.value.transport] ?? receiver.position,
            "receivers.\(id).protocols.\(server.value.transport).auth: \(problem)")
        }
      }
    }
  }

  private func problem(withAuthenticator name: String) -> String? {
    let id = ComponentID(name)
    if id.map({ extensions[$0]?.value.isAuthenticator ?? false }) != true {
      return "there is no extension \"\(name)\" that knows senders"
    }
    return extensionsInUse.contains { $0.id == id } ? nil : "service.extensions has to name \"\(name)\" too"
  }

  /// Headers are kept only where the receiver says so.
  private func checkHeaders(of pipeline: ServiceConfig.Pipeline, _ diagnostics: Diagnostics) {
    guard let endUser = PipelineParts(pipeline, of: self).endUser,
      !endUser.configuration.fromHeaders.names.isEmpty
    else { return }
    for receiver in Self.inUse(pipeline.receivers, .receivers, of: receivers)
    where receiver.value.servers.contains(where: { !$0.value.admission.includeMetadata }) {
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
      guard let id = ComponentID(entry.key, of: kind) else {
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
    let offer = "there are \(have)"
    diagnostics.error(
      at: position,
      isKnown
        ? "\(kind).\(id): Heirloom does not have the \(kind.singular) \"\(id.type)\" yet; \(offer)"
        : "\(kind).\(id): unknown \(kind.singular) \"\(id.type)\"; \(offer)")
  }
}
