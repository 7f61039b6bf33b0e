import Configuration
import EndUser
import Facts
import Filters
import OTLP
import Pipeline
import SelfTelemetry

/// What a pipeline of a configuration consists of, whatever the order in which it is written.
struct PipelineParts {
  let id: ComponentID
  let signal: Signal
  let exporters: Set<ComponentID>
  private(set) var batching = Batcher.Configuration()
  private(set) var limits: [MemoryLimiter.Configuration] = []
  /// In the order in which they are asked.
  private(set) var filters: [(id: ComponentID, filter: SpanFilter)] = []
  private(set) var endUser: (id: ComponentID, configuration: EndUserConfiguration)?

  /// Whether a ledger hears of what the pipeline accepts, when there is one.
  var feedsLedger: Bool { endUser != nil && signal != .metrics }

  /// Bytes of memory above which the pipeline takes no requests.
  var softLimit: Int {
    limits.map { $0.softLimit(totalMemory: MemoryLimiter.totalMemory()) }.min() ?? .max
  }

  /// - Parameters:
  ///   - pipeline: of the configuration.
  ///   - config: where its components are defined.
  init(_ pipeline: ServiceConfig.Pipeline, of config: CollectorConfig) {
    id = pipeline.id
    signal = pipeline.signal
    exporters = Set(pipeline.exporters.compactMap { ComponentID($0.value, of: .exporters) })
    for name in pipeline.processors {
      guard let id = ComponentID(name.value), let defined = config.processors[id] else { continue }
      switch defined.value {
      case .batch(let configuration): batching = configuration
      case .memoryLimiter(let configuration): limits.append(configuration)
      case .filter(let filter): filters.append((id, filter))
      case .endUser(let configuration): endUser = (id, configuration)
      }
    }
  }

  /// What asks the filters; nil without any.
  func makeSieve(rules: SpanRules, registry: MetricRegistry) -> SpanSieveFactory? {
    guard !filters.isEmpty else { return nil }
    let plan = FactsPlan(endUser?.configuration ?? EndUserConfiguration(), rules: rules)
    let asked = filters.map { id, filter in
      FilterSieve.Rule(
        filter,
        dropped: registry.counter(
          "otelcol_processor_filter_spans_filtered", help: "Spans dropped by a filter processor.",
          labels: [("filter", id.description), ("pipeline", self.id.description)]))
    }
    return { FilterSieve(asked, plan: plan) }
  }
}
