@testable import Collector
import Configuration
import EndUser
import Exporters
import Filters
import GRPCServer
import HTTPServer
import HTTPClient
import OTLP
import Pipeline
import Receivers
import TLS
import Testing

/// Every key of every component goes where it belongs.
struct ComponentKeysTests {
  private func processor(_ id: String, _ keys: String) throws -> ProcessorConfig {
    let reading = Reading.pipeline(http: "{include_metadata: true}", processor: (id, keys))
    #expect(reading.messages == [])
    return try #require(reading.config.processors.values.first?.value)
  }

  private func exporter(_ id: String, _ keys: String) throws -> ExporterConfig.Destination {
    let reading = Reading.pipeline(exporter: (id, keys))
    #expect(reading.messages == [])
    return try #require(reading.config.exporters.values.first?.value.destination)
  }

  private func receiver(_ http: String) throws -> OTLPReceiver.Configuration {
    let reading = Reading.pipeline(
      http: http,
      service: """
          extensions: [basicauth, apikeyauth]
        extensions: {basicauth: {htpasswd: {inline: "a:b"}}, apikeyauth: {keys: [{key: k}]}}
        """)
    #expect(reading.messages == [])
    return try #require(reading.config.receivers.values.first?.value.http)
  }

  // MARK: - Receivers

  @Test func `otlp`() throws {
    let http = try receiver(
      """
      {endpoint: "[::1]:9999", max_request_body_size: 1000, traces_url_path: otel/in, idle_timeout: 90s, max_connections: 7,
      max_buffered_mib: 8, read_header_timeout: 1500ms, read_timeout: 2m, write_timeout: 0, max_request_headers_size: 4096,
      logs_url_path: /otel/logs, metrics_url_path: otel/metrics, scores_url_path: otel/scores, max_scores_body_size: 500,
      keep_alives_enabled: false, response_headers: {X-A: b, X-C: d}, tls: {cert_file: c, key_file: k, client_ca_file: a,
      min_version: "1.3", max_version: "1.3", reload_interval: 5m},
      compression_algorithms: ["", zstd, gzip, zstd], extra_traces_paths: [api/in, /x], include_metadata: true,
      auth: {authenticators: [apikeyauth, basicauth]},
      cors: {allowed_origins: ["https://*.example"], allowed_headers: [x-a], exposed_headers: [x-b], max_age: 60}}
      """)
    #expect(unchanged(http, from: OTLPReceiver.Configuration()) == ["socketPath"])
    #expect(!http.keepsAlive)
    #expect(http.responseHeaders == [HTTPHeaderField("X-A", "b"), HTTPHeaderField("X-C", "d")])
    var tls = TLSServerConfiguration(certFile: "c", keyFile: "k")
    tls.clientCAFile = "a"
    (tls.minVersion, tls.maxVersion, tls.reloadInterval) = (.v1_3, .v1_3, .seconds(300))
    #expect(http.tls == tls)
    #expect(http.host == "::1")
    #expect(http.port == 9999)
    #expect(http.maxRequestBodySize == 1000)
    #expect(http.tracesURLPath == "/otel/in")
    #expect(http.logsURLPath == "/otel/logs")
    #expect(http.metricsURLPath == "/otel/metrics")
    #expect(http.scoresURLPath == "/otel/scores")
    #expect(http.maxScoresBodySize == 500)
    #expect(try receiver("{scores_url_path: \"\"}").scoresURLPath == nil)
    #expect(
      http.timeouts
        == HTTPTimeouts(idle: .seconds(90), readHeader: .milliseconds(1500), read: .seconds(120), write: .zero))
    #expect(http.maxRequestHeadersSize == 4096)
    #expect(http.maxConnections == 7)
    #expect(http.maxBufferedMiB == 8)
    #expect(http.compressionAlgorithms == [.identity, .zstd, .gzip])
    #expect(http.extraTracesPaths == ["/api/in", "/x"])
    #expect(http.admission.includeMetadata)
    #expect(http.admission.authenticators == ["apikeyauth", "basicauth"])
    #expect(http.cors.allowedOrigins == ["https://*.example"])
    #expect(http.cors.allowedHeaders == ["x-a"])
    #expect(http.cors.exposedHeaders == ["x-b"])
    #expect(http.cors.maxAge == 60)
  }

  @Test(arguments: [
    "{endpoint: /run/otlp.sock, transport: unix}", "{endpoint: unix:///run/otlp.sock}",
    "{endpoint: 'unix:/run/otlp.sock', transport: UNIX}",
  ])
  func `otlp listens on a Unix socket`(http: String) throws {
    #expect(try receiver(http).socketPath == "/run/otlp.sock")
  }

  @Test(arguments: ["{}", "", "{endpoint: , max_request_body_size: 0}"])
  func `otlp without keys has its defaults`(http: String) throws {
    let http = try receiver(http)
    #expect(unchanged(http, from: OTLPReceiver.Configuration()).count == Mirror(reflecting: http).children.count)
  }

  @Test func `otlp over gRPC`() throws {
    let reading = Reading.pipeline(
      grpc: """
        {endpoint: "[::1]:9999", transport: tcp, max_recv_msg_size_mib: 3, max_buffered_mib: 8, max_concurrent_streams: 9,
        max_connections: 7, tls: {cert_file: a, key_file: b, client_ca_file: c, reload_interval: 1m}, keepalive: {
        server_parameters: {max_connection_idle: 11s, max_connection_age: 12s, max_connection_age_grace: 13s, time: 14s,
        timeout: 15s}, enforcement_policy: {min_time: 16s, permit_without_stream: true}}}
        """)
    #expect(reading.messages == [])
    let grpc = try #require(reading.config.receivers.values.first?.value.grpc)
    // The number of threads is not for people to say.
    #expect(unchanged(grpc, from: GRPCServerConfiguration()) == ["threads"])
    #expect(grpc.host == "::1")
    #expect(grpc.port == 9999)
    #expect(grpc.maxMessageBytes == 3 << 20)
    #expect(grpc.maxBufferedBytes == 8 << 20)
    #expect(grpc.maxConcurrentStreams == 9)
    #expect(grpc.maxConnections == 7)
    var keepalive = GRPCKeepalive()
    keepalive.maxConnectionIdle = .seconds(11)
    keepalive.maxConnectionAge = .seconds(12)
    keepalive.maxConnectionAgeGrace = .seconds(13)
    keepalive.time = .seconds(14)
    keepalive.timeout = .seconds(15)
    keepalive.minTime = .seconds(16)
    keepalive.permitWithoutStream = true
    #expect(grpc.keepalive == keepalive)
    var tls = TLSServerConfiguration(certFile: "a", keyFile: "b")
    tls.clientCAFile = "c"
    tls.reloadInterval = .seconds(60)
    #expect(grpc.tls == tls)
  }

  @Test(
    arguments: [
      "{}", "", "{max_recv_msg_size_mib: 0, max_concurrent_streams: 0}",
      "{keepalive: {server_parameters: {time: 0, timeout: 0}}}",
    ])
  func `otlp over gRPC without keys has its defaults`(grpc: String) throws {
    let reading = Reading.pipeline(grpc: grpc)
    #expect(reading.messages == [])
    var expected = GRPCServerConfiguration()
    expected.port = 4317
    #expect(reading.config.receivers.values.first?.value.grpc == expected)
    #expect(expected.maxMessageBytes == 64 << 20)
  }

  // MARK: - Processors

  @Test func `enduser`() throws {
    guard
      case .endUser(let configuration) = try processor(
        "enduser/mine",
        """
        {id_keys: [a, b], metadata_keys: [c], session_keys: [d, e], inherit: [f, "g.*"], fallback: none,
        fallback_wait: 3s, local_root_wait: 11s, root_wait: 6m, max_traces: 12, max_spans_per_trace: 13,
        max_buffered_mib: 14, resolved_traces: {max: 15, max_mib: 17, ttl: 16s}, max_identity_bytes: 18,
        log_traces: true, from_headers: {end_user: X-End-User-Id, session: x-session-id}}
        """)
    else {
      Issue.record("another processor")
      return
    }
    #expect(unchanged(configuration, from: EndUserConfiguration()) == [])
    #expect(configuration.idKeys == ["a", "b"])
    #expect(configuration.fromHeaders.endUser == "x-end-user-id")
    #expect(configuration.fromHeaders.session == "x-session-id")
    #expect(configuration.metadataKeys == ["c"])
    #expect(configuration.sessionKeys == ["d", "e"])
    #expect(configuration.inherit == ["f", "g.*"])
    #expect(configuration.fallback == .none)
    #expect(configuration.fallbackWait == .seconds(3))
    #expect(configuration.localRootWait == .seconds(11))
    #expect(configuration.rootWait == .seconds(360))
    #expect(configuration.maxResolvedMiB == 17)
    #expect(configuration.maxIdentityBytes == 18)
    #expect(configuration.maxTraces == 12)
    #expect(configuration.maxSpansPerTrace == 13)
    #expect(configuration.maxBufferedMiB == 14)
    #expect(configuration.maxResolvedTraces == 15)
    #expect(configuration.resolvedFor == .seconds(16))
    #expect(configuration.logTraces)
  }

  @Test func `batch`() throws {
    guard
      case .batch(let configuration) = try processor(
        "batch", "{timeout: 7s, send_batch_size: 100, send_batch_max_size: 200}")
    else {
      Issue.record("another processor")
      return
    }
    #expect(configuration.timeout == .seconds(7))
    #expect(configuration.sendBatchSize == 100)
    #expect(configuration.sendBatchMaxSize == 200)
    // Not a key: who counts in spans means spans.
    #expect(configuration.maxBytes == 16 << 20)
    #expect(unchanged(configuration, from: Batcher.Configuration()) == [])
  }

  @Test(arguments: ["keep", "drop"])
  func `filter`(effect: String) throws {
    guard case .filter(let filter) = try processor("filter/mine", "{\(effect): end_user is ada}") else {
      Issue.record("another processor")
      return
    }
    #expect("\(filter)".contains("\(effect)") && "\(filter)".contains("endUser"))
  }

  @Test func `memory_limiter`() throws {
    guard
      case .memoryLimiter(let configuration) = try processor(
        "memory_limiter",
        """
        {check_interval: 2s, limit_mib: 500, spike_limit_mib: 50, limit_percentage: 60, spike_limit_percentage: 10,
        min_gc_interval_when_soft_limited: 10s, min_gc_interval_when_hard_limited: 1s}
        """)
    else {
      Issue.record("another processor")
      return
    }
    #expect(unchanged(configuration, from: MemoryLimiter.Configuration()) == [])
    #expect(configuration.checkInterval == .seconds(2))
    #expect(configuration.limitMiB == 500)
    #expect(configuration.spikeLimitMiB == 50)
    #expect(configuration.limitPercentage == 60)
    #expect(configuration.spikeLimitPercentage == 10)
  }

  @Test func `processors without keys have their defaults`() throws {
    guard case .endUser(let endUser) = try processor("enduser", ""), case .batch(var batch) = try processor("batch", "")
    else {
      Issue.record("other processors")
      return
    }
    #expect(endUser == EndUserConfiguration())
    batch.maxBytes = Batcher.Configuration().maxBytes
    #expect(batch == Batcher.Configuration())
  }

  // MARK: - Exporters

  @Test func `otlp_http`() throws {
    guard
      case .otlpHTTP(let configuration, let compression) = try exporter(
        "otlphttp/up",
        """
        {endpoint: "http://a:1", traces_endpoint: "https://b:2/x", logs_endpoint: "http://c:3/y", headers: {X-One: 1st, authorization: "Bearer x"},
        compression: zstd, compression_params: {level: 6}, timeout: 7s, proxy_url: "http://p:3",
        tls: {ca_file: /dev/null, cert_file: /dev/zero, key_file: /dev/full, insecure_skip_verify: true,
        server_name_override: name, min_version: "1.3", max_version: "1.3", insecure: true, reload_interval: 1h,
        include_system_ca_certs_pool: true, cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]},
        sending_queue: {enabled: false, num_consumers: 3, queue_size: 44, sizer: bytes, block_on_overflow: true,
        max_mib: 55, batch: {flush_timeout: 6s, min_size: 66, max_size: 77, sizer: bytes}},
        retry_on_failure: {enabled: false, initial_interval: 1s, randomization_factor: 0.25, multiplier: 3,
        max_interval: 8s, max_elapsed_time: 9s}, dead_letter: {path: refused.jsonl, max_mib: 12}}
        """)
    else {
      Issue.record("another exporter")
      return
    }
    let standard = OTLPHTTPExporterConfiguration()
    #expect(unchanged(configuration, from: standard) == [])
    #expect(configuration.endpoint == "http://a:1")
    #expect(configuration.signalEndpoints == [.traces: "https://b:2/x", .logs: "http://c:3/y"])
    #expect(configuration.headers.map(\.name) == ["X-One", "authorization"])
    #expect(configuration.headers.map(\.value) == ["1st", "Bearer x"])
    #expect(configuration.compression == "zstd")
    #expect(compression == .zstd(level: 6))
    #expect(configuration.timeout == .seconds(7))
    #expect(configuration.proxyURL == "http://p:3")

    let tls = configuration.tls
    #expect(unchanged(tls, from: standard.tls) == ["caPEM", "certPEM", "keyPEM"])
    #expect(tls.includesSystemCAs)
    #expect(tls.cipherSuites == ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"])
    #expect([tls.caFile, tls.certFile, tls.keyFile] == ["/dev/null", "/dev/zero", "/dev/full"])
    #expect(tls.insecureSkipVerify)
    #expect(tls.serverNameOverride == "name")
    #expect(tls.minVersion == .tls13)
    #expect(tls.maxVersion == .tls13)

    let queue = configuration.delivery.sendingQueue
    #expect(unchanged(queue, from: standard.delivery.sendingQueue) == [])
    #expect(!queue.enabled)
    #expect(queue.numConsumers == 3)
    #expect(queue.queueSize == 44)
    #expect(queue.sizer == .bytes)
    #expect(queue.blockOnOverflow)
    #expect(queue.maxMebibytes == 55)
    let batch = try #require(queue.batch)
    #expect(unchanged(batch, from: BatchConfiguration()) == [])
    #expect(batch.flushTimeout == .seconds(6))
    #expect(batch.minSize == 66)
    #expect(batch.maxSize == 77)
    #expect(batch.sizer == .bytes)

    #expect(unchanged(configuration.delivery.deadLetter, from: standard.delivery.deadLetter) == [])
    #expect(configuration.delivery.deadLetter.path == "refused.jsonl")
    #expect(configuration.delivery.deadLetter.maxMebibytes == 12)

    let retry = configuration.delivery.retryOnFailure
    #expect(unchanged(retry, from: standard.delivery.retryOnFailure) == [])
    #expect(!retry.enabled)
    #expect(retry.initialInterval == .seconds(1))
    #expect(retry.randomizationFactor == 0.25)
    #expect(retry.multiplier == 3)
    #expect(retry.maxInterval == .seconds(8))
    #expect(retry.maxElapsedTime == .seconds(9))
  }

  @Test func `otlp_http with an endpoint alone has the defaults`() throws {
    guard case .otlpHTTP(let configuration, let compression) = try exporter("otlp_http", "{endpoint: 'https://a'}")
    else {
      Issue.record("another exporter")
      return
    }
    let standard = OTLPHTTPExporterConfiguration()
    let fields = Mirror(reflecting: configuration).children.compactMap(\.label)
    #expect(unchanged(configuration, from: standard) == fields.filter { $0 != "endpoint" })
    #expect(configuration.compression == "gzip")
    #expect(compression == .gzip(level: 1))
  }

  @Test(
    arguments: [
      ("compression: none", nil), ("compression: gzip, compression_params: {level: -1}", .gzip(level: 1)),
      ("compression_params: {level: 12}", .gzip(level: 12)), ("compression: zstd", .zstd(level: 1)),
      ("compression: zstd, compression_params: {level: 22}", .zstd(level: 22)),
      ("compression: none, compression_params: {level: 5}", nil),
    ] as [(String, RequestCompression?)])
  func `requests are compressed as it is said`(keys: String, expected: RequestCompression?) throws {
    guard
      case .otlpHTTP(let http, let one) = try exporter("otlp_http", "{endpoint: 'https://a', \(keys)}"),
      case .otlpGRPC(let grpc, let other) = try exporter("otlp_grpc", "{endpoint: 'a:1', \(keys)}")
    else {
      Issue.record("other exporters")
      return
    }
    #expect([one, other] == [expected, expected])
    #expect([http.compression, grpc.compression] == [expected?.name, expected?.name])
  }

  @Test func `otlp_grpc`() throws {
    guard
      case .otlpGRPC(let configuration, let compression) = try exporter(
        "otlp/up",
        """
        {endpoint: "b:2", headers: {X-One: 1st}, compression: none, timeout: 7s, authority: name:7, wait_for_ready: true,
        keepalive: {time: 33s, timeout: 4s, permit_without_stream: true},
        tls: {ca_pem: one, cert_pem: two, key_pem: three, insecure: true}, sending_queue: {num_consumers: 3},
        retry_on_failure: {enabled: false}, dead_letter: {max_mib: 12}}
        """)
    else {
      Issue.record("another exporter")
      return
    }
    let standard = OTLPGRPCExporterConfiguration()
    #expect(unchanged(configuration, from: standard) == [])
    #expect(compression == nil && configuration.compression == nil)
    #expect(configuration.endpoint == "b:2")
    #expect(configuration.headers.map(\.name) == ["X-One"])
    #expect(configuration.timeout == .seconds(7))
    #expect(configuration.authority == "name:7")
    #expect(configuration.isInsecure)
    #expect(configuration.keepalive.time == .seconds(33))
    #expect(configuration.keepalive.timeout == .seconds(4))
    #expect([configuration.tls.caPEM, configuration.tls.certPEM, configuration.tls.keyPEM] == ["one", "two", "three"])
    #expect(unchanged(configuration.delivery, from: standard.delivery) == [])
    #expect(configuration.delivery.sendingQueue.numConsumers == 3)
    #expect(!configuration.delivery.retryOnFailure.enabled)
    #expect(configuration.delivery.deadLetter.maxMebibytes == 12)
  }

  @Test func `otlp_grpc with an endpoint alone has the defaults`() throws {
    guard case .otlpGRPC(let configuration, let compression) = try exporter("otlp_grpc", "{endpoint: 'a:1'}") else {
      Issue.record("another exporter")
      return
    }
    let fields = Mirror(reflecting: configuration).children.compactMap(\.label)
    #expect(unchanged(configuration, from: OTLPGRPCExporterConfiguration()) == fields.filter { $0 != "endpoint" })
    #expect(configuration.timeout == .seconds(5))
    #expect(compression == .gzip(level: 1))
  }

  @Test func `file`() throws {
    guard
      case .file(let configuration) = try exporter(
        "file",
        """
        {path: a.jsonl, format: proto, append: true, flush_interval: 5s, create_directory: true,
        directory_permissions: "0700", rotation: {max_megabytes: 9, max_days: 8, max_backups: 7, localtime: true}}
        """),
      case .file(let compressed) = try exporter("file", "{path: b.zst, compression: zstd}")
    else {
      Issue.record("another exporter")
      return
    }
    // The queue of a file has no keys.
    #expect(
      unchanged(configuration, from: FileExporterConfiguration(path: ""))
        == ["isCompressed", "queueSize", "queueMebibytes"])
    #expect(configuration.path == "a.jsonl")
    #expect(configuration.format == .proto)
    #expect(configuration.append)
    #expect(configuration.flushInterval == .seconds(5))
    #expect(configuration.createDirectory)
    #expect(configuration.directoryPermissions == 0o700)
    let rotation = try #require(configuration.rotation)
    #expect(unchanged(rotation, from: FileRotationConfiguration()) == [])
    #expect(rotation.maxMegabytes == 9)
    #expect(rotation.maxDays == 8)
    #expect(rotation.maxBackups == 7)
    #expect(rotation.localtime)
    var expected = FileExporterConfiguration(path: "b.zst")
    expected.isCompressed = true
    #expect(compressed == expected)
  }

  @Test func `debug`() throws {
    guard
      case .debug(let configuration) = try exporter(
        "debug", "{verbosity: Detailed, sampling_initial: 5, sampling_thereafter: 6}"),
      case .debug(let standard) = try exporter("debug", "{}")
    else {
      Issue.record("another exporter")
      return
    }
    #expect(unchanged(configuration, from: DebugExporterConfiguration()) == [])
    #expect(configuration.verbosity == .detailed)
    #expect(configuration.samplingInitial == 5)
    #expect(configuration.samplingThereafter == 6)
    #expect(standard == DebugExporterConfiguration())
  }
}
