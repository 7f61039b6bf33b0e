package import JSON

/// What the erasure of an end user came to, as the API tells it.
package struct ErasureReport: Sendable, JSONWritable {
  let endUser: String
  let erasure: Erasure
  let copies: [String]

  /// - Parameters:
  ///   - endUser: the id.
  ///   - erasure: what went.
  ///   - copies: places where spans of the end user may be that the ledger doesn't reach, in words.
  package init(of endUser: String, _ erasure: Erasure, copies: [String]) {
    self.endUser = endUser
    self.erasure = erasure
    self.copies = copies
  }

  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("end_user_id", endUser)
    json.member("traces", Int64(erasure.traces))
    json.member("sessions", Int64(erasure.sessions))
    json.member("observations", Int64(erasure.observations))
    json.member("pseudonym", erasure.pseudonym)
    json.member("remains_in_log", erasure.remainsInLog)
    json.member("copies", copies)
    json.endObject()
  }
}
