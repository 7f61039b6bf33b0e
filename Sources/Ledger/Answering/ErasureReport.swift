package import JSON

/// What became of a wish to be forgotten, as the API tells it.
package struct ErasureReport: JSONWritable, Sendable {
  private let endUser: String
  private let erasure: Erasure
  private let copies: [String]

  /// Only a look at every span of everybody would tell whether there are any.
  private static let ofOthers = "traces of other end users in the ledger: spans of theirs that name the user as well"

  /// - Parameters:
  ///   - endUser: who was forgotten.
  ///   - erasure: what the ledger had, and has no more.
  ///   - copies: where else than in the ledger the user's spans may be, each place in words.
  package init(endUser: String, _ erasure: Erasure, copies: [String]) {
    self.endUser = endUser
    self.erasure = erasure
    self.copies = [Self.ofOthers] + copies
  }

  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("end_user_id", endUser)
    json.member("traces", Int64(erasure.traces))
    json.member("observations", Int64(erasure.observations))
    json.member("sessions", Int64(erasure.sessions))
    json.member("scores", Int64(erasure.scores))
    json.member("pseudonym", erasure.pseudonym)
    json.member("remains_in_log", erasure.remainsInLog)
    json.member("copies", copies)
    json.endObject()
  }
}
