import Configuration
import EndUser
import Locks
import OTLP
import Pipeline
import SelfTelemetry

/// One traces pipeline: what its receivers hand requests to, down to the batcher that feeds its exporters.
struct TracePipeline {
  /// What takes requests.
  let entry: any TracesConsumer
  private let endUser: EndUserProcessor?
  private let resolutions: ResolutionLog
  private let batcher: Batcher
  private var limiters: [MemoryLimiter] = []

  init(
    _ pipeline: ServiceConfig.Pipeline, config: CollectorConfig, exporters: [any Exporter], rules: SpanRules,
    registry: MetricRegistry, log: Log
  ) {
    var batching = Batcher.Configuration()
    var limits: [MemoryLimiter.Configuration] = []
    var identity: (id: ComponentID, configuration: EndUserConfiguration)?
    for name in pipeline.processors {
      guard let id = ComponentID(name.value), let defined = config.processors[id] else { continue }
      switch defined.value {
      case .batch(let configuration): batching = configuration
      case .memoryLimiter(let configuration): limits.append(configuration)
      case .endUser(let configuration): identity = (id, configuration)
      }
    }
    batcher = Batcher(configuration: batching, exporters: exporters)
    let resolutions = ResolutionLog(log)
    self.resolutions = resolutions
    var consumer: any TracesConsumer
    if let identity {
      let processor = EndUserProcessor(
        identity.configuration, rules: rules,
        metrics: EndUserMetrics(
          registry: registry, processor: identity.id.description, pipeline: pipeline.id.description),
        output: batcher,
        tell: { resolutions.tell($0) })
      endUser = processor
      consumer = processor
    } else {
      endUser = nil
      consumer = PassThrough(output: batcher)
    }
    for limit in limits {
      let limiter = MemoryLimiter(limit, log: log)
      limiters.append(limiter)
      consumer = MemoryLimited(consumer, limiter: limiter)
    }
    entry = consumer
  }

  func start() {
    for limiter in limiters { limiter.start() }
    endUser?.start()
  }

  /// Hands on everything that waits. No request may come any more. `deadline` is in monotonic nanoseconds.
  func stop(until deadline: UInt64) {
    for limiter in limiters { limiter.stop() }
    endUser?.stop(until: deadline)
    resolutions.finish()
    batcher.close(until: deadline)
  }
}

/// A line in the log for each resolved trace, and only a count of those beyond what a person can read.
final class ResolutionLog: Sendable {
  private struct Second {
    var start: UInt64 = 0
    var told = 0
    var skipped = 0
  }

  private static let linesPerSecond = 50
  private let log: Log
  private let clock: @Sendable () -> UInt64
  private let second = Locked(Second())

  /// - Parameters:
  ///   - log: takes the lines.
  ///   - clock: monotonic nanoseconds.
  init(_ log: Log, clock: @escaping @Sendable () -> UInt64 = MonotonicClock.now) {
    self.log = log
    self.clock = clock
  }

  func tell(_ resolution: Resolution) {
    let now = clock()
    let (tells, skipped) = second.withLock { second in
      var skipped = 0
      if now >= second.start + 1_000_000_000 {
        skipped = second.skipped
        second = Second(start: now)
      }
      second.told += 1
      if second.told > Self.linesPerSecond { second.skipped += 1 }
      return (second.told <= Self.linesPerSecond, skipped)
    }
    tell(skipped: skipped)
    guard tells else { return }
    let waited = "\(resolution.waited / 1_000_000_000).\(Self.milliseconds(resolution.waited))s"
    if let endUser = resolution.endUser {
      log.info(
        "trace resolved",
        [
          "trace_id": resolution.traceID.hexadecimal, "end_user": endUser, "session": resolution.session ?? "-",
          "spans": String(resolution.spans), "waited": waited,
        ])
    } else {
      log.info(
        "trace unattributed",
        [
          "trace_id": resolution.traceID.hexadecimal, "reason": resolution.unattributed?.rawValue ?? "-",
          "session": resolution.session ?? "-", "spans": String(resolution.spans), "waited": waited,
        ])
    }
  }

  /// Tells what is left to tell, at the end.
  func finish() {
    tell(
      skipped: second.withLock { second in
        defer { second.skipped = 0 }
        return second.skipped
      })
  }

  private func tell(skipped: Int) {
    if skipped > 0 { log.info("more traces resolved", ["traces": String(skipped)]) }
  }

  private static func milliseconds(_ nanoseconds: UInt64) -> String {
    let digits = String(nanoseconds / 1_000_000 % 1000)
    return String(repeating: "0", count: 3 - digits.count) + digits
  }
}
