package import JSON

/// What became of an end user who was to be forgotten.
package struct ErasureReport: JSONWritable {
  private let endUser: String
  private let erasure: Erasure
  private let copies: [String]

  /// - Parameters:
  ///   - endUser: who it was.
  ///   - erasure: what the ledger erased.
  ///   - copies: where the ledger does not reach, in words for a person.
  package init(_ endUser: String, _ erasure: Erasure, copies: [String]) {
    self.endUser = endUser
    self.erasure = erasure
    self.copies = copies
  }

  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("end_user_id", endUser)
    json.member("traces", Int64(erasure.traces))
    json.member("observations", Int64(erasure.observations))
    json.member("sessions", Int64(erasure.sessions))
    json.member("pseudonym", erasure.pseudonym)
    json.member("remains_in_log", erasure.remainsInLog)
    json.member("copies", copies)
    json.endObject()
  }
}
