import JSON

/// Why there is no answer.
package enum LedgerFault: Error, Equatable {
  /// There is nothing of that name.
  case notFound
  /// In words for a person.
  case failed(String)
  /// What is wrong with a filter, and where: in Unicode scalars from its start.
  case filter(String, position: Int)

  /// The fault that an answer of the API tells; nil where it is none.
  init?(status: Int, _ json: [UInt8]) {
    guard !(200..<300).contains(status) else { return nil }
    let error = (try? JSONDocument(json))?.root?.at("error")
    if status == 404 {
      self = .notFound
    } else if status == 414 || status == 431 {
      // Who has not read all of it answers in words that may not be ours.
      self = .failed("the request is longer than the collector takes (\(status)): ask with a shorter filter or id")
    } else if let message = error?.text("message"), let position = error?.count("position") {
      self = .filter(message, position: Int(position))
    } else {
      self = .failed(error?.text("message") ?? "the answer is nothing but the status \(status)")
    }
  }
}
