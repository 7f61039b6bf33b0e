import EndUser
import Facts
package import JSON

extension Provenance: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    for (name, origin) in [("end_user", endUser), ("session", session), ("metadata", metadata)] {
      json.key(name)
      if let origin { origin.write(to: &json) } else { json.null() }
    }
    json.member("unattributed", unattributed?.rawValue)
    json.member("has_root", hasRoot)
    json.member("replaced", replaced)
    json.member("unused", unused)
    json.member("complete", isComplete)
    json.endObject()
  }
}

extension Provenance.Origin: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.member("source", source.rawValue)
    json.member("span_id", span.map(Self.text))
    json.member("key", key)
    json.member("convention", key.flatMap(Conventions.vendor))
    json.member("accepted_at", time: accepted)
    json.member("trace_id", trace)
    json.endObject()
  }

  fileprivate static func text(_ span: UInt64) -> String {
    withUnsafeBytes(of: span) { Hexadecimal.text($0) }
  }
}

extension Provenance.Replaced: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.claim(role, of: span, key, value)
    json.member("replacement", replacement)
    json.endObject()
  }
}

extension Provenance.Unused: JSONWritable {
  package func write(to json: inout JSONText) {
    json.beginObject()
    json.claim(role, of: span, key, value)
    json.member("reason", reason.rawValue)
    json.endObject()
  }
}

extension JSONText {
  fileprivate mutating func claim(_ role: Conventions.Role, of span: UInt64, _ key: String, _ value: String?) {
    let what =
      switch role {
      case .endUserID: "end_user"
      case .endUserMetadata: "metadata"
      case .session: "session"
      }
    member("span_id", Provenance.Origin.text(span))
    member("of", what)
    member("key", key)
    member("value", value)
  }
}
