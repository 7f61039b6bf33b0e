import HTTPClient
import Locks

/// A running collector, asked over HTTP.
final class ServedLedger: LedgerSource {
  private let url: String
  private let headers: [HTTPHeader]
  private let client: HTTPClient

  /// The largest answer that is read: a trace of tens of thousands of spans, or a page of a thousand users with all they
  /// have.
  private static let responseLimit = 256 << 20

  /// - Parameters:
  ///   - url: of the ledger's endpoint, without a path.
  ///   - token: what it wants of whoever asks; nil for nothing.
  ///   - caFile: PEM file of the authorities to trust over TLS; nil for the system's.
  /// - Throws: `LedgerFault` when that is no URL, or no token, or no file.
  init(url: String, token: String?, caFile: String? = nil) throws(LedgerFault) {
    do throws(HTTPClientError) {
      self.url = try HTTPURL(url.hasSuffix("/") ? String(url.dropLast()) : url).text
      headers =
        try token.map { token throws(HTTPClientError) in [try HTTPHeader("Authorization", "Bearer \(token)")] } ?? []
      var configuration = HTTPClientConfiguration()
      configuration.responseLimit = Self.responseLimit
      configuration.timeout = .seconds(60)
      configuration.tls.caFile = caFile
      client = try HTTPClient(configuration, name: "ledger-client")
    } catch {
      throw .failed(error.description)
    }
    client.start()
  }

  deinit {
    client.stop()
  }

  func get(_ request: LedgerRequest) throws(LedgerFault) -> [UInt8] { try send(.get, request) }

  func forget(_ endUser: String) throws(LedgerFault) -> [UInt8] {
    try send(.delete, LedgerRequest("users", endUser))
  }

  private func send(_ method: HTTPRequest.Method, _ request: LedgerRequest) throws(LedgerFault) -> [UInt8] {
    let response: HTTPResponse
    do throws(HTTPClientError) {
      response = try wait(for: HTTPRequest(method, url: try HTTPURL(url + request.target), headers: headers)).get()
    } catch {
      throw .failed("no answer from \(url): \(error)")
    }
    if response.status == 401 {
      throw .failed("\(url) wants a token: give it with --token or in HEIRLOOM_LEDGER_TOKEN")
    }
    if let fault = LedgerFault(status: response.status, response.body) { throw fault }
    guard response.body.count < Self.responseLimit else { throw .failed("the answer is too large: ask for less") }
    return response.body
  }

  private func wait(for request: HTTPRequest) -> Result<HTTPResponse, HTTPClientError> {
    let lock = Lock()
    let outcome = Locked<Result<HTTPResponse, HTTPClientError>?>(nil)
    client.send(request) { result in
      lock.withLock {
        outcome.withLock { $0 = result }
        lock.wakeAll()
      }
    }
    return lock.withLock {
      while true {
        if let result = outcome.withLock({ $0 }) { return result }
        lock.wait()
      }
    }
  }
}
