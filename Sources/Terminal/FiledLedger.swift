/// PLACEHOLDER
final class FiledLedger: LedgerSource {
  init(path: String) throws(LedgerFault) { throw .failed("x") }
  func get(_ request: LedgerRequest) throws(LedgerFault) -> [UInt8] { [] }
  func forget(_ endUser: String) throws(LedgerFault) -> [UInt8] { [] }
}
