import Configuration
import Exporters
import HTTPClient
import OTLP
import Pipeline

/// The keys of `otlp_http` and `otlp_grpc`.
extension ExporterConfig {
  static func otlpHTTP(_ section: ConfigSection) -> Destination {
    var configuration = OTLPHTTPExporterConfiguration()
    configuration.endpoint = section.string("endpoint")
    for signal in Signal.allCases {
      configuration.signalEndpoints[signal] = section.string("\(signal.name)_endpoint")
    }
    configuration.headers = (section.stringMap("headers") ?? []).map { (name: $0.key, value: $0.value) }
    let compression = RequestCompression(section)
    configuration.compression = compression?.name
    configuration.timeout = section.duration("timeout", default: configuration.timeout)
    if let tls = section.section("tls") { configuration.tls = TLSClientConfiguration(tls) }
    // Whether TLS is spoken is the URL's to say.
    _ = section.section("tls")?.bool("insecure")
    configuration.proxyURL = section.string("proxy_url")
    configuration.delivery = delivery(section)
    section.knownButUnsupported([
      "encoding", "profiles_endpoint", "auth", "cookies", "middlewares",
      "read_buffer_size", "write_buffer_size", "max_idle_conns", "max_idle_conns_per_host", "max_conns_per_host",
      "idle_conn_timeout", "disable_keep_alives", "http2_read_idle_timeout", "http2_ping_timeout",
      "force_attempt_http2",
    ])
    checkURLs(configuration, section)
    report(section) { try configuration.checkRest() }
    return .otlpHTTP(configuration, compression)
  }

  private static func checkURLs(_ configuration: OTLPHTTPExporterConfiguration, _ section: ConfigSection) {
    let signals = Signal.allCases.filter { configuration.signalEndpoints[$0] != nil }
    if configuration.endpoint == nil, signals.isEmpty {
      section.error("endpoint", "endpoint or traces_endpoint is required")
    }
    if configuration.endpoint != nil, let other = Signal.allCases.first(where: { !signals.contains($0) }) {
      report(section, "endpoint") { try configuration.checkURL(of: other) }
    }
    for signal in signals {
      report(section, "\(signal.name)_endpoint") { try configuration.checkURL(of: signal) }
    }
  }

  /// What keeps the exporter from taking a signal; nil when nothing does.
  func objection(to signal: Signal) -> String? {
    guard case .otlpHTTP(let configuration, _) = destination, configuration.endpoint == nil,
      configuration.signalEndpoints[signal] == nil
    else { return nil }
    return "has no endpoint for \(signal.name): set endpoint or \(signal.name)_endpoint"
  }

  static func otlpGRPC(_ section: ConfigSection) -> Destination {
    var configuration = OTLPGRPCExporterConfiguration()
    section.require("endpoint")
    configuration.endpoint = section.string("endpoint", default: "")
    configuration.headers = (section.stringMap("headers") ?? []).map { (name: $0.key, value: $0.value) }
    for (name, _) in configuration.headers where OTLPGRPCExporterConfiguration.isReserved(name) {
      section.warning("headers", "\"\(name)\" is gRPC's own affair and is not sent")
    }
    let compression = RequestCompression(section)
    configuration.compression = compression?.name
    configuration.timeout = section.duration("timeout", default: configuration.timeout)
    if let tls = section.section("tls") {
      configuration.tls = TLSClientConfiguration(tls)
      configuration.isInsecure = tls.bool("insecure", default: false)
    }
    configuration.authority = section.string("authority")
    if let keepalive = section.section("keepalive") {
      let (standard, range) = (configuration.keepalive, Duration.seconds(1)...Duration.seconds(86_400))
      configuration.keepalive.time = keepalive.duration("time", default: standard.time, in: range)
      configuration.keepalive.timeout = keepalive.duration("timeout", default: standard.timeout, in: range)
      // The system asks whether there is a call or not.
      _ = keepalive.bool("permit_without_stream")
    }
    configuration.delivery = delivery(section)
    // Attempts that find no server are repeated, whether somebody waits for it or not.
    _ = section.bool("wait_for_ready")
    section.knownButUnsupported(["auth", "balancer_name", "middlewares", "read_buffer_size", "write_buffer_size"])
    if !configuration.endpoint.isEmpty { report(section, "endpoint") { try configuration.checkEndpoint() } }
    report(section) { try configuration.checkRest() }
    return .otlpGRPC(configuration, compression)
  }

  private static func delivery(_ section: ConfigSection) -> OTLPDeliveryConfiguration {
    var delivery = OTLPDeliveryConfiguration()
    if let queue = section.section("sending_queue") { delivery.sendingQueue = sendingQueue(queue) }
    if let retry = section.section("retry_on_failure") { delivery.retryOnFailure = Self.retry(retry) }
    if let letters = section.section("dead_letter") { delivery.deadLetter = deadLetter(letters) }
    return delivery
  }

  /// Makes what `check` throws an error of a key, or of the section.
  private static func report(_ section: ConfigSection, _ key: String? = nil, _ check: () throws -> Void) {
    do {
      try check()
    } catch {
      guard let key else { return section.diagnostics.error(at: section.position, "\(section.path): \(error)") }
      section.error(key, "\(error)")
    }
  }

  private static func sendingQueue(_ section: ConfigSection) -> SendingQueueConfiguration {
    var queue = SendingQueueConfiguration()
    queue.enabled = section.bool("enabled", default: queue.enabled)
    queue.numConsumers = section.int("num_consumers", default: queue.numConsumers, in: 1...10_000)
    queue.queueSize = section.int("queue_size", in: 1 ... .max)
    queue.sizer = section.choice("sizer", of: QueueSizer.self, default: queue.sizer)
    queue.blockOnOverflow = section.bool("block_on_overflow", default: queue.blockOnOverflow)
    queue.maxMebibytes = section.int("max_mib", default: queue.maxMebibytes, in: 1...1 << 30)
    if let batch = section.section("batch") {
      var configuration = BatchConfiguration()
      configuration.flushTimeout = batch.duration("flush_timeout", default: configuration.flushTimeout)
      configuration.minSize = batch.int("min_size", default: configuration.minSize)
      configuration.maxSize = batch.int("max_size", default: configuration.maxSize)
      configuration.sizer = batch.choice("sizer", of: QueueSizer.self, default: configuration.sizer)
      if configuration.sizer == .requests { batch.error("sizer", "batches are sized by items or bytes") }
      batch.knownButUnsupported(["partition"])
      queue.batch = configuration
    }
    section.knownButUnsupported(["storage", "wait_for_result"])
    return queue
  }

  private static func deadLetter(_ section: ConfigSection) -> DeadLetterConfiguration {
    var letters = DeadLetterConfiguration()
    letters.path = section.string("path")
    if letters.path == "" { section.error("path", "a path is required") }
    letters.maxMebibytes = section.int("max_mib", default: letters.maxMebibytes, in: 1...1 << 30)
    return letters
  }

  private static func retry(_ section: ConfigSection) -> RetryConfiguration {
    var retry = RetryConfiguration()
    retry.enabled = section.bool("enabled", default: retry.enabled)
    retry.initialInterval = section.duration("initial_interval", default: retry.initialInterval)
    retry.randomizationFactor = section.double("randomization_factor", default: retry.randomizationFactor, in: 0...1)
    retry.multiplier = section.double("multiplier", default: retry.multiplier, in: 1...1000)
    retry.maxInterval = section.duration("max_interval", default: retry.maxInterval)
    retry.maxElapsedTime = section.duration("max_elapsed_time")
    return retry
  }
}
