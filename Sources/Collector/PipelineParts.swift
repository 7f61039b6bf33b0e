import Configuration
import EndUser
import Pipeline

/// What a pipeline of a configuration consists of, whatever the order in which it is written.
struct PipelineParts {
  let id: ComponentID
  let exporters: Set<ComponentID>
  private(set) var batching = Batcher.Configuration()
  private(set) var limits: [MemoryLimiter.Configuration] = []
  private(set) var endUser: (id: ComponentID, configuration: EndUserConfiguration)?

  /// Bytes of memory above which the pipeline takes no requests.
  var softLimit: Int {
    limits.map { $0.softLimit(totalMemory: MemoryLimiter.totalMemory()) }.min() ?? .max
  }

  /// - Parameters:
  ///   - pipeline: of the configuration.
  ///   - config: where its components are defined.
  init(_ pipeline: ServiceConfig.Pipeline, of config: CollectorConfig) {
    id = pipeline.id
    exporters = Set(pipeline.exporters.compactMap { ComponentID($0.value) })
    for name in pipeline.processors {
      guard let id = ComponentID(name.value), let defined = config.processors[id] else { continue }
      switch defined.value {
      case .batch(let configuration): batching = configuration
      case .memoryLimiter(let configuration): limits.append(configuration)
      case .endUser(let configuration): endUser = (id, configuration)
      }
    }
  }
}
