import Configuration
import Connectors
import Ledger
import OTLP

/// What stands between pipelines.
extension CollectorConfig {
  /// The `sessions` connector that pipelines name, as the ledger lets it be; nil if they name none.
  var sessionsInUse: Defined<SessionsConfiguration>? {
    connectorsInUse.lazy.map { defined in
      guard case .sessions(var configuration) = defined.value else { return nil }
      if let ledger = ledgerInUse?.value.ledger {
        configuration.isMonotonic = ledger.maxAge == nil && ledger.maxTraces == nil
      }
      return Defined(id: defined.id, position: defined.position, value: configuration)
    }.first ?? nil
  }

  /// Of the pipelines that have a connector for their receiver.
  func signals(handedOnBy connector: ComponentID) -> Set<Signal> {
    Set(service.pipelines.filter { names($0.receivers, connector) }.map(\.signal))
  }

  private var connectorsInUse: [Defined<ConnectorConfig>] {
    Self.inUse(service.pipelines.flatMap { $0.exporters + $0.receivers }, .connectors, of: connectors)
  }

  private func names(_ names: [Located<String>], _ id: ComponentID) -> Bool {
    names.contains { ComponentID($0.value) == id }
  }

  func checkConnectors(_ diagnostics: Diagnostics) {
    let inUse = connectorsInUse
    for defined in inUse {
      let place = "connectors.\(defined.id)"
      func report(_ problem: String) { diagnostics.error(at: defined.position, "\(place): \(problem)") }
      if defined.id != inUse[0].id { report("a collector has one sessions connector at most") }
      if ledgerInUse == nil { report("it tells what the ledger knows, and service.extensions names no ledger") }
      if !service.pipelines.contains(where: { names($0.exporters, defined.id) }) {
        report("it is in the receivers of a pipeline, and has to be in the exporters of one, too")
      }
      if !service.pipelines.contains(where: { names($0.receivers, defined.id) }) {
        report("it is in the exporters of a pipeline, and has to be in the receivers of one, too")
      }
      for pipeline in service.pipelines { check(defined.id, in: pipeline, diagnostics) }
    }
  }

  private func check(_ connector: ComponentID, in pipeline: ServiceConfig.Pipeline, _ diagnostics: Diagnostics) {
    let place = "service.pipelines.\(pipeline.id)"
    for name in pipeline.receivers where ComponentID(name.value) == connector && pipeline.signal == .traces {
      diagnostics.error(
        at: name.position, "\(place).receivers: \"\(name.value)\" hands on logs and metrics, not traces")
    }
    for name in pipeline.exporters where ComponentID(name.value) == connector {
      if pipeline.signal != .traces {
        diagnostics.error(
          at: name.position, "\(place).exporters: \"\(name.value)\" takes traces, not \(pipeline.signal.name)")
      } else if endUser(of: pipeline) == nil {
        diagnostics.error(
          at: name.position,
          "\(place).exporters: \"\(name.value)\" needs an enduser processor in the pipeline, which feeds the ledger")
      }
    }
  }
}
