import CCurl
import Locks

/// One request on its way through libcurl. Only the client's thread touches it once it has begun.
final class Transfer {
  /// How often libcurl took or brought a part of a body, over all transfers of a client.
  final class Progress {
    var count = 0
  }

  typealias Completion = @Sendable (Result<HTTPResponse, HTTPClientError>) -> Void

  let request: HTTPRequest
  private let completion: Completion
  private let responseLimit: Int
  private let progress: Progress

  // Where the body is read next.
  private var segment = 0
  private var offset = 0

  /// When it began, in monotonic nanoseconds.
  private(set) var start: UInt64 = 0
  private var answer: [UInt8] = []
  private var discarded = 0

  /// An answer that goes on and on is given up after so many bytes that nobody keeps; its status is known by then.
  private static let discardLimit = 4 << 20

  init(_ request: HTTPRequest, responseLimit: Int, progress: Progress, completion: @escaping Completion) {
    self.request = request
    self.responseLimit = responseLimit
    self.progress = progress
    self.completion = completion
  }

  /// Sets `handle` up for this request, also for another attempt. The transfer must live until the handle has left its multi handle.
  ///
  /// - Throws: `HTTPClientError` with libcurl's reason.
  func prepare(
    _ handle: OpaquePointer, _ configuration: HTTPClientConfiguration, way: ccurl_way
  ) throws(HTTPClientError) {
    start = MonotonicClock.now()
    (segment, offset) = (0, 0)
    let tls = configuration.tls
    let isHTTP2 = configuration.version == .http2
    let proxy = ProxyChoice(
      for: request.url, configured: configuration.proxyURL, isTunneled: isHTTP2,
      environment: configuration.unixSocketPath == nil ? configuration.environment : { _ in nil })
    let strings = CStrings()
    let lines = request.headers.map { strings.copy($0.line) }

    var options = ccurl_request()
    options.url = strings.copy(request.url.text)
    options.authority = strings.copy(configuration.authority)
    options.way = way
    options.unix_socket = strings.copy(configuration.unixSocketPath)
    options.keepalive_idle = Self.seconds(configuration.keepalive.time)
    options.keepalive_interval = Self.seconds(configuration.keepalive.timeout)
    // Over HTTP/1.1 a connection ends with a request that has run out of time.
    options.unacknowledged_limit = isHTTP2 ? Int(Self.milliseconds(configuration.keepalive.timeout)) : 0
    options.bodyless_method = strings.copy(request.method?.rawValue)
    options.body_length = Int64(request.body?.byteCount ?? 0)
    options.timeout = Self.milliseconds(configuration.timeout)
    options.user_agent = strings.copy(configuration.userAgent)
    options.proxy = strings.copy(proxy.proxy)
    options.proxy_exceptions = strings.copy(proxy.exceptions)
    options.ca_file = strings.copy(tls.caFile)
    options.ca_pem = strings.copy(tls.caPEM)
    options.system_cas = tls.includesSystemCAs
    options.cert_file = strings.copy(tls.certFile)
    options.cert_pem = strings.copy(tls.certPEM)
    options.key_file = strings.copy(tls.keyFile)
    options.key_pem = strings.copy(tls.keyPEM)
    options.ciphers = strings.copy(try tls.openSSLCiphers())
    options.skip_verification = tls.insecureSkipVerify
    options.server_name = request.url.scheme == "https" ? strings.copy(tls.serverNameOverride) : nil
    options.min_tls = tls.minVersion.minor
    options.max_tls = tls.maxVersion?.minor ?? -1
    options.context = Unmanaged.passUnretained(self).toOpaque()
    options.read = { buffer, size, count, context in
      guard let buffer, let context else { return 0 }
      return Transfer.at(context).read(into: UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
    }
    options.rewind = { context, offset in
      guard let context else { return false }
      return Transfer.at(context).rewind(to: Int(offset))
    }
    options.write = { bytes, size, count, context in
      guard let bytes, let context else { return 0 }
      return Transfer.at(context).receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }
    let failure = lines.withUnsafeBufferPointer { headers in
      options.headers = headers.baseAddress
      options.header_count = headers.count
      return withExtendedLifetime(strings) { ccurl_transfer_prepare(handle, &options) }
    }
    if let failure { throw HTTPClientError(String(cString: failure)) }
  }

  /// Tells the owner how it ended.
  ///
  /// - Parameters:
  ///   - handle: the handle that carried the transfer, still with its answer.
  ///   - result: libcurl's code, 0 for an answer.
  ///   - version: that the answer must have.
  func end(_ handle: OpaquePointer, result: Int32, version: HTTPClientConfiguration.Version) {
    let status = ccurl_transfer_status(handle)
    guard status > 0, result == 0 || discarded > Self.discardLimit else {
      return fail(HTTPClientError(String(cString: ccurl_transfer_error(handle, result))))
    }
    guard version == .http1 || ccurl_transfer_is_http2(handle) else {
      return fail(HTTPClientError("the server does not speak HTTP/2 (it answered \(status) over HTTP/1)"))
    }
    var fields: [String: String] = [:]
    for name in request.answerFields { fields[name] = Self.header(name, of: handle) }
    completion(
      .success(
        HTTPResponse(
          status: status, contentType: Self.header("Content-Type", of: handle),
          retryAfter: Self.header("Retry-After", of: handle), fields: fields, body: answer)))
  }

  func fail(_ error: HTTPClientError) {
    completion(.failure(error))
  }

  /// Rounded up, since 0 means no limit, and as long as libcurl can count at most.
  private static func milliseconds(_ duration: Duration) -> Int64 {
    let (whole, rest) = duration.nanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
    return Int64(min(whole + (rest > 0 ? 1 : 0), UInt64(Int32.max)))
  }

  /// Rounded up, at least one.
  private static func seconds(_ duration: Duration) -> Int {
    max(Int((milliseconds(duration) + 999) / 1000), 1)
  }

  private static func header(_ name: String, of handle: OpaquePointer) -> String? {
    ccurl_transfer_header(handle, name).map { String(cString: $0) }
  }

  private static func at(_ context: UnsafeMutableRawPointer) -> Transfer {
    Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  }

  private func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    progress.count += 1
    guard let body = request.body else { return 0 }
    var filled = 0
    while filled < buffer.count, segment < body.segmentCount {
      let bytes = body.segment(segment)
      let count = min(bytes.count - offset, buffer.count - filled)
      if count > 0 {
        (buffer.baseAddress! + filled).copyMemory(from: bytes.baseAddress! + offset, byteCount: count)
      }
      filled += count
      offset += count
      if offset == bytes.count {
        segment += 1
        offset = 0
      }
    }
    return filled
  }

  private func rewind(to position: Int) -> Bool {
    guard position >= 0, let body = request.body else { return false }
    segment = 0
    offset = position
    while segment < body.segmentCount, offset >= body.segment(segment).count {
      offset -= body.segment(segment).count
      segment += 1
    }
    return segment < body.segmentCount || offset == 0
  }

  private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
    progress.count += 1
    // An interim answer has no body, so all of this belongs to the final one.
    let kept = min(bytes.count, responseLimit - answer.count)
    answer.append(contentsOf: bytes.prefix(kept))
    discarded += bytes.count - kept
    return discarded > Self.discardLimit ? 0 : bytes.count
  }
}

/// Copies of strings for a C function, freed together.
private final class CStrings {
  private var copies: [UnsafeMutablePointer<CChar>] = []

  func copy(_ text: String) -> UnsafePointer<CChar>? {
    let bytes = text.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    copy.initialize(from: Array(bytes), count: bytes.count)
    copies.append(copy)
    return UnsafePointer(copy)
  }

  func copy(_ text: String?) -> UnsafePointer<CChar>? {
    text.flatMap { copy($0) }
  }

  deinit {
    for copy in copies { copy.deallocate() }
  }
}
