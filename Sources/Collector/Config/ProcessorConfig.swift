import Configuration
import EndUser
import Filters
import OTLP
import Pipeline

/// One processor's keys.
enum ProcessorConfig {
  case endUser(EndUserConfiguration)
  case filter(SpanFilter)
  case batch(Batcher.Configuration)
  case memoryLimiter(MemoryLimiter.Configuration)

  /// - Parameters:
  ///   - type: one of the catalog's processors.
  ///   - section: its keys.
  init?(_ type: String, _ section: ConfigSection) {
    switch type {
    case "enduser": self = .endUser(Self.endUser(section))
    case "filter":
      guard let filter = Self.filter(section) else { return nil }
      self = .filter(filter)
    case "batch": self = .batch(Self.batch(section))
    case "memory_limiter": self = .memoryLimiter(Self.memoryLimiter(section))
    default: return nil
    }
  }

  /// Whether a pipeline of that signal can have the processor.
  func takes(_ signal: Signal) -> Bool {
    switch self {
    case .batch, .memoryLimiter: true
    case .endUser: signal != .metrics
    case .filter: signal == .traces
    }
  }

  private static func endUser(_ section: ConfigSection) -> EndUserConfiguration {
    var configuration = EndUserConfiguration()
    configuration.idKeys = section.strings("id_keys", default: configuration.idKeys)
    configuration.metadataKeys = section.strings("metadata_keys", default: configuration.metadataKeys)
    configuration.sessionKeys = section.strings("session_keys", default: configuration.sessionKeys)
    configuration.inherit = section.strings("inherit", default: configuration.inherit)
    for pattern in configuration.inherit where pattern == "*" || pattern.dropLast().contains("*") || pattern.isEmpty {
      section.error("inherit", "expected a key, or a prefix with a * behind it, found \"\(pattern)\"")
    }
    for key in ["id_keys", "metadata_keys", "session_keys"] where section.strings(key)?.contains("") ?? false {
      section.error(key, "a key must not be empty")
    }
    configuration.fallback = section.choice(
      "fallback", of: EndUserConfiguration.Fallback.self, default: configuration.fallback)
    if let headers = section.section("from_headers") {
      func name(_ key: String) -> String? {
        guard let name = headers.string(key)?.lowercased(), !name.isEmpty else { return nil }
        if !name.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) { headers.error(key, "not the name of a header: \(name)") }
        return name
      }
      configuration.fromHeaders.endUser = name("end_user")
      configuration.fromHeaders.session = name("session")
    }
    configuration.fallbackWait = section.duration("fallback_wait", default: configuration.fallbackWait)
    configuration.localRootWait = section.duration("local_root_wait", default: configuration.localRootWait)
    configuration.rootWait = section.duration("root_wait", default: configuration.rootWait)
    configuration.maxTraces = section.int("max_traces", default: configuration.maxTraces, in: 1 ... .max)
    configuration.maxSpansPerTrace = section.int(
      "max_spans_per_trace", default: configuration.maxSpansPerTrace, in: 1 ... .max)
    configuration.maxBufferedMiB = section.int(
      "max_buffered_mib", default: configuration.maxBufferedMiB, in: 1...1 << 30)
    if let cache = section.section("resolved_traces") {
      configuration.maxResolvedTraces = cache.int("max", default: configuration.maxResolvedTraces, in: 1...1 << 40)
      configuration.maxResolvedMiB = cache.int("max_mib", default: configuration.maxResolvedMiB, in: 1...1 << 30)
      configuration.resolvedFor = cache.duration("ttl", default: configuration.resolvedFor)
    }
    configuration.maxIdentityBytes = section.int(
      "max_identity_bytes", default: configuration.maxIdentityBytes, in: 1...1 << 24)
    configuration.logTraces = section.bool("log_traces", default: configuration.logTraces)
    return configuration
  }

  /// `keep` or `drop`; nil when it makes no sense, which is reported.
  private static func filter(_ section: ConfigSection) -> SpanFilter? {
    let texts = SpanFilter.Effect.allCases.compactMap { effect in
      section.string(effect.rawValue).map { (effect: effect, text: $0) }
    }
    section.knownButUnsupported(["error_mode"])
    guard texts.count == 1 else {
      section.error(
        texts.last?.effect.rawValue ?? "keep",
        texts.isEmpty ? "keep or drop must be set" : "keep and drop can't both be set")
      return nil
    }
    do {
      return try SpanFilter(texts[0].effect, Filter(parsing: texts[0].text))
    } catch {
      section.error(texts[0].effect.rawValue, error.description)
      return nil
    }
  }

  private static func batch(_ section: ConfigSection) -> Batcher.Configuration {
    var configuration = Batcher.Configuration()
    configuration.timeout = section.duration("timeout", default: configuration.timeout)
    configuration.sendBatchSize = section.int("send_batch_size", default: configuration.sendBatchSize)
    configuration.sendBatchMaxSize = section.int("send_batch_max_size", default: configuration.sendBatchMaxSize)
    if configuration.sendBatchMaxSize > 0, configuration.sendBatchMaxSize < configuration.sendBatchSize {
      section.error("send_batch_max_size", "must not be less than send_batch_size (\(configuration.sendBatchSize))")
    }
    // Who asks for batches by number gets them, within what backends take.
    configuration.maxBytes = 16 << 20
    section.knownButUnsupported(["metadata_keys", "metadata_cardinality_limit"])
    return configuration
  }

  private static func memoryLimiter(_ section: ConfigSection) -> MemoryLimiter.Configuration {
    var configuration = MemoryLimiter.Configuration()
    section.require("check_interval")
    configuration.checkInterval = section.duration("check_interval", default: configuration.checkInterval)
    if configuration.checkInterval == .zero { section.error("check_interval", "must be greater than zero") }
    configuration.limitMiB = section.int("limit_mib", default: 0, in: 0...1 << 30)
    configuration.spikeLimitMiB = section.int("spike_limit_mib", default: 0, in: 0...1 << 30)
    configuration.limitPercentage = section.int("limit_percentage", default: 0, in: 0...100)
    configuration.spikeLimitPercentage = section.int("spike_limit_percentage", default: 0, in: 0...100)
    if configuration.limitMiB == 0, configuration.limitPercentage == 0 {
      section.error("limit_mib", "limit_mib or limit_percentage must be greater than zero")
    }
    if configuration.limitMiB > 0, configuration.spikeLimitMiB >= configuration.limitMiB {
      section.error("spike_limit_mib", "must be less than limit_mib")
    }
    if configuration.limitMiB == 0, configuration.limitPercentage > 0,
      configuration.spikeLimitPercentage >= configuration.limitPercentage
    {
      section.error("spike_limit_percentage", "must be less than limit_percentage")
    }
    // There is no garbage to collect here.
    _ = section.duration("min_gc_interval_when_soft_limited")
    _ = section.duration("min_gc_interval_when_hard_limited")
    return configuration
  }
}
