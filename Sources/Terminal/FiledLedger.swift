import Ledger
import Privacy

/// A ledger's file, asked by the code that answers over HTTP. A collector may be running with it.
final class FiledLedger: LedgerSource {
  private let configuration: LedgerConfiguration
  private let copies: [String]
  private let api: LedgerAPI

  /// - Parameters:
  ///   - configuration: with the file's path, and the prices that it was written with.
  ///   - copies: places that the ledger does not reach.
  /// - Throws: `LedgerFault` when there is no ledger at the path.
  init(_ configuration: LedgerConfiguration, copies: [String]) throws(LedgerFault) {
    self.configuration = configuration
    self.copies = copies
    var limits = LedgerReader.Limits()
    limits.connections = 1
    // Somebody waits, and can stop waiting.
    limits.time = .seconds(300)
    do throws(LedgerError) {
      api = LedgerAPI(
        try LedgerReader(
          path: configuration.path, prices: configuration.prices, pseudonyms: configuration.privacy.pseudonyms,
          limits: limits))
    } catch {
      throw .failed(error.description)
    }
  }

  func get(_ request: LedgerRequest) throws(LedgerFault) -> [UInt8] {
    guard let resource = LedgerAPI.Resource(request.path) else { throw .notFound }
    let answer = api.get(resource, request.parameters.map { (name: $0.name, value: $0.value) })
    if let fault = LedgerFault(status: answer.status, answer.json) { throw fault }
    return answer.json
  }

  func forget(_ endUser: String) throws(LedgerFault) -> [UInt8] {
    do throws(LedgerError) {
      let erasure = try Ledger.forget(endUser: endUser, in: configuration)
      return LedgerAPI.success(ErasureReport(endUser: endUser, erasure, copies: copies)).json
    } catch {
      throw .failed(error.description)
    }
  }
}
