import Configuration
import Exporters
import HTTPClient
import OTLP
import Pipeline

/// One exporter's keys.
enum ExporterConfig {
  case otlpHTTP(OTLPHTTPExporterConfiguration, gzipLevel: Int)
  case file(FileExporterConfiguration)
  case debug(DebugExporterConfiguration)

  /// - Parameters:
  ///   - type: one of the catalog's exporters.
  ///   - section: its keys.
  init?(_ type: String, _ section: ConfigSection) {
    switch type {
    case "otlp_http": self = Self.otlpHTTP(section)
    case "file": self = .file(Self.file(section))
    case "debug": self = .debug(Self.debug(section))
    default: return nil
    }
  }

  private enum Compression: String, CaseIterable {
    case gzip, none
  }

  private static func otlpHTTP(_ section: ConfigSection) -> ExporterConfig {
    var configuration = OTLPHTTPExporterConfiguration()
    configuration.endpoint = section.string("endpoint")
    for signal in Signal.allCases {
      configuration.signalEndpoints[signal] = section.string("\(signal.name)_endpoint")
    }
    configuration.headers = (section.stringMap("headers") ?? []).map { (name: $0.key, value: $0.value) }
    configuration.compression =
      section.choice("compression", of: Compression.self, default: .gzip) == .gzip ? "gzip" : nil
    let level = section.section("compression_params")?.int("level", in: -1...12) ?? 1
    configuration.timeout = section.duration("timeout", default: configuration.timeout)
    if let tls = section.section("tls") { configuration.tls = Self.tls(tls) }
    configuration.proxyURL = section.string("proxy_url")
    if let queue = section.section("sending_queue") { configuration.sendingQueue = sendingQueue(queue) }
    if let retry = section.section("retry_on_failure") { configuration.retryOnFailure = Self.retry(retry) }
    if let letters = section.section("dead_letter") { configuration.deadLetter = deadLetter(letters) }
    section.knownButUnsupported([
      "encoding", "profiles_endpoint", "auth", "cookies", "middlewares",
      "read_buffer_size", "write_buffer_size", "max_idle_conns", "max_idle_conns_per_host", "max_conns_per_host",
      "idle_conn_timeout", "disable_keep_alives", "http2_read_idle_timeout", "http2_ping_timeout",
      "force_attempt_http2",
    ])
    checkURLs(configuration, section)
    do {
      try configuration.checkRest()
    } catch {
      section.diagnostics.error(at: section.position, "\(section.path): \(error)")
    }
    return .otlpHTTP(configuration, gzipLevel: level < 1 ? 1 : level)
  }

  private static func checkURLs(_ configuration: OTLPHTTPExporterConfiguration, _ section: ConfigSection) {
    let signals = Signal.allCases.filter { configuration.signalEndpoints[$0] != nil }
    if configuration.endpoint == nil, signals.isEmpty {
      section.error("endpoint", "endpoint or traces_endpoint is required")
    }
    if configuration.endpoint != nil, let other = Signal.allCases.first(where: { !signals.contains($0) }) {
      do { try configuration.checkURL(of: other) } catch { section.error("endpoint", "\(error)") }
    }
    for signal in signals {
      do { try configuration.checkURL(of: signal) } catch { section.error("\(signal.name)_endpoint", "\(error)") }
    }
  }

  /// What keeps the exporter from taking a signal; nil when nothing does.
  func objection(to signal: Signal) -> String? {
    guard case .otlpHTTP(let configuration, _) = self, configuration.endpoint == nil,
      configuration.signalEndpoints[signal] == nil
    else { return nil }
    return "has no endpoint for \(signal.name): set endpoint or \(signal.name)_endpoint"
  }

  private static func tls(_ section: ConfigSection) -> TLSClientConfiguration {
    var tls = TLSClientConfiguration()
    tls.caFile = section.string("ca_file")
    tls.certFile = section.string("cert_file")
    tls.keyFile = section.string("key_file")
    tls.insecureSkipVerify = section.bool("insecure_skip_verify", default: false)
    tls.serverNameOverride = section.string("server_name_override")
    tls.minVersion = section.choice("min_version", of: TLSClientConfiguration.Version.self, default: tls.minVersion)
    tls.maxVersion = section.choice("max_version", of: TLSClientConfiguration.Version.self)
    // Whether TLS is spoken is the URL's to say.
    _ = section.bool("insecure")
    section.knownButUnsupported([
      "ca_pem", "cert_pem", "key_pem", "reload_interval", "cipher_suites", "curve_preferences",
      "include_system_ca_certs_pool", "tpm",
    ])
    return tls
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

  private enum FileCompression: String, CaseIterable {
    case zstd
  }

  private static func file(_ section: ConfigSection) -> FileExporterConfiguration {
    section.require("path")
    var configuration = FileExporterConfiguration(path: section.string("path", default: ""))
    configuration.format = section.choice(
      "format", of: FileExporterConfiguration.Format.self, default: configuration.format)
    configuration.append = section.bool("append", default: configuration.append)
    configuration.flushInterval = section.duration("flush_interval", default: configuration.flushInterval)
    configuration.createDirectory = section.bool("create_directory", default: configuration.createDirectory)
    if let permissions = section.string("directory_permissions") {
      if let bits = UInt32(permissions, radix: 8), bits <= 0o7777 {
        configuration.directoryPermissions = bits
      } else {
        section.error("directory_permissions", "expected octal permissions like \"0755\", found \"\(permissions)\"")
      }
    }
    configuration.isCompressed = section.choice("compression", of: FileCompression.self) != nil
    if configuration.isCompressed, configuration.append {
      section.error("append", "cannot be combined with compression")
    }
    if let rotation = section.section("rotation") {
      var limits = FileRotationConfiguration()
      limits.maxMegabytes = rotation.int("max_megabytes", default: limits.maxMegabytes, in: 1...1 << 30)
      limits.maxDays = rotation.int("max_days", default: limits.maxDays)
      limits.maxBackups = rotation.int("max_backups", default: limits.maxBackups)
      limits.localtime = rotation.bool("localtime", default: limits.localtime)
      configuration.rotation = limits
    }
    section.knownButUnsupported(["group_by", "encoding", "compression_params"])
    return configuration
  }

  private static func debug(_ section: ConfigSection) -> DebugExporterConfiguration {
    var configuration = DebugExporterConfiguration()
    configuration.verbosity = section.choice(
      "verbosity", of: DebugExporterConfiguration.Verbosity.self, default: configuration.verbosity)
    configuration.samplingInitial = section.int("sampling_initial", default: configuration.samplingInitial)
    configuration.samplingThereafter = section.int("sampling_thereafter", default: configuration.samplingThereafter)
    section.knownButUnsupported(["use_internal_logger", "output_paths", "sending_queue"])
    return configuration
  }
}
